"""Key files: made once, private, replaced by nobody, and an operator may take the tenant's private half away."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evidence.keys import KeyProblem, load_or_make, tenant_private
from evidence.signing import public_text


def _names(state: Path) -> list[str]:
    return sorted(path.name for path in (state / "keys").iterdir())


def test_the_first_start_makes_them_and_the_second_finds_them(tmp_path: Path) -> None:
    first, second = load_or_make(tmp_path, ["acme"]), load_or_make(tmp_path, ["acme"])
    assert _names(tmp_path) == ["identity.key", "identity.pub", "pseudonym.key", "tenant-acme.key", "tenant-acme.pub"]
    assert public_text(first.identity) == public_text(second.identity)
    assert public_text(first.identity) == (tmp_path / "keys/identity.pub").read_text().strip()
    assert first.tenants["acme"] == second.tenants["acme"]
    assert first.pseudonym_of("acme", "user", "ann") == second.pseudonym_of("acme", "user", "ann")
    assert all((tmp_path / "keys" / name).stat().st_mode & 0o077 == 0 for name in _names(tmp_path) if "key" in name)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_a_pseudonym_tells_tenants_and_kinds_apart(tmp_path: Path) -> None:
    keys = load_or_make(tmp_path, ["acme"])
    named = {
        keys.pseudonym_of(*names) for names in [("a", "b", "c"), ("a", "bc", ""), ("x", "b", "c"), ("a", "b", "d")]
    }
    assert len(named) == 4
    assert all(len(name) == 32 for name in named)


def test_the_names_of_tenants_stay_inside_the_folder(tmp_path: Path) -> None:
    load_or_make(tmp_path, ["../../evil", "a/b", ".."])
    assert {path.parent for path in tmp_path.rglob("tenant-*")} == {tmp_path / "keys"}


def test_the_private_half_of_a_tenant_may_be_moved_away(tmp_path: Path) -> None:
    made = load_or_make(tmp_path, ["acme"])
    safe = (tmp_path / "keys/tenant-acme.key").rename(tmp_path / "safe.key")
    assert load_or_make(tmp_path, ["acme"]).tenants["acme"] == made.tenants["acme"]
    assert not (tmp_path / "keys/tenant-acme.key").exists()
    assert tenant_private(safe).public_key() == made.tenants["acme"]


def test_two_first_starts_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: load_or_make(tmp_path, ["acme"]), range(4)))
    assert len({public_text(keys.identity) for keys in made}) == 1
    assert len({keys.pseudonym for keys in made}) == 1
    assert len({keys.tenants["acme"].public_bytes_raw() for keys in made}) == 1


def _others_read(keys: Path) -> None:
    (keys / "identity.key").chmod(0o640)


def _identity_gone(keys: Path) -> None:
    (keys / "identity.key").unlink()


def _pair_mixed(keys: Path) -> None:
    (keys / "identity.pub").write_text((keys / "tenant-acme.pub").read_text())


def _short(keys: Path) -> None:
    (keys / "pseudonym.key").write_text("AAAA\n")


def _no_base64(keys: Path) -> None:
    (keys / "tenant-acme.pub").write_text("?\n")


def _folder(keys: Path) -> None:
    (keys / "identity.key").unlink()
    (keys / "identity.key").mkdir(mode=0o700)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(_others_read, "chmod 600", id="others-can-read"),
        pytest.param(_identity_gone, "restore it", id="identity-is-gone"),
        pytest.param(_pair_mixed, "restore the pair", id="halves-of-two-pairs"),
        pytest.param(_short, "where a key has 32", id="short"),
        pytest.param(_no_base64, "base64", id="no-base64"),
        pytest.param(_folder, "identity.key", id="a-folder"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, spoil: Callable[[Path], None], says: str) -> None:
    load_or_make(tmp_path, ["acme"])
    spoil(tmp_path / "keys")
    with pytest.raises(KeyProblem, match=says):
        load_or_make(tmp_path, ["acme"])


@pytest.mark.parametrize("name", [pytest.param("nowhere.key", id="missing"), pytest.param(".", id="a-folder")])
def test_a_private_key_that_is_none(tmp_path: Path, name: str) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(KeyProblem):
        tenant_private(tmp_path / name)
