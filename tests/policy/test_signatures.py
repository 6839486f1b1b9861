"""Signatures of bundles: OPA's own format, checked against OPA in both directions, and bundles that must not count."""

import os
import subprocess
from pathlib import Path

import pytest

from policy.archive import SIGNATURES, read_archive, write_archive
from policy.bundle import load
from policy.engine import PolicyRefused
from policy.opa_process import find_opa
from policy.opening import opened
from policy.signatures import digest
from policy.trust import Trust
from tests.policy.tampering import (
    KEYID,
    RULES,
    TAMPERED,
    VERSION,
    Tampered,
    files,
    good,
    key,
    manifest,
    private_pem,
    public_pem,
    signed,
    trust,
)

OPA = find_opa(os.environ)  # noqa: TID251  (where OPA is, is the machine's setting)
ODD = (
    '{"b": 1.0, "a": [1E+5, -0, -0.0, 123456789012345678901234567890, 0.10], "z": {}, "e": [], "n": null,'
    ' "t": [true, false],'
    ' "\u00e9": "\\u00e9\\/\\ud83d\\ude00\u2028\\u2029<>&\\u007f\\u0001\\b\\f\\n\\r\\t\\u0000\\"\\\\",'
    ' "\ue000": 1, "\U0001f600": 2, "": 3, "twice": 1, "twice": {"x": 2}, "A": 1}'
).encode()


def _opa(folder: Path, packed: bytes, *, by: str = "release", keyid: str = KEYID) -> subprocess.CompletedProcess[str]:
    """What OPA says when it is to run a bundle with one key."""
    bundle, pem = folder / "bundle.tar.gz", folder / "key.pem"
    bundle.write_bytes(packed)
    pem.write_bytes(public_pem(key(by)))
    algorithm = "RS256" if by.startswith("rsa") else "ES256"
    flags: list[str | Path] = ["--verification-key", pem, "--verification-key-id", keyid, "--signing-alg", algorithm]
    command: list[str | Path] = [OPA, "run", "--bundle", bundle, *flags]
    return subprocess.run(command, input="data.tools[0]\n", capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("by", ["release", "rsa"])
def test_opa_takes_what_is_signed_here(tmp_path: Path, by: str) -> None:
    done = _opa(tmp_path, signed(files(), by=by), by=by)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"echo"' in done.stdout


def test_opa_hashes_a_document_as_is_done_here(tmp_path: Path) -> None:
    name = f"{'größe ' * 30}/prüfung.rego"
    content = {".manifest": manifest(metadata={"x": [1.0, -0, 1e-7]}), "x/data.json": ODD, "main.rego": RULES}
    content[name] = b"package checks\n"
    done = _opa(tmp_path, signed(content))
    assert (done.returncode, done.stderr) == (0, "")


def test_what_opa_signs_counts_here(tmp_path: Path) -> None:
    content = {**files(), "x/data.json": b'{"a": [1.50, "\\u2028"]}'}
    for path, text in content.items():
        (tmp_path / "b" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "b" / path).write_bytes(text)
    (tmp_path / "key.pem").write_bytes(private_pem(key()))
    (tmp_path / "claims.json").write_text(f'{{"keyid": "{KEYID}"}}')
    flags = ["--signing-key", "../key.pem", "--signing-alg", "ES256", "--claims-file", "../claims.json"]
    subprocess.run([OPA, "sign", "--bundle", ".", *flags], cwd=tmp_path / "b", check=True, timeout=30)
    made = write_archive({f"/{path}": text for path, text in content.items()} | {
        f"/{SIGNATURES}": (tmp_path / "b" / SIGNATURES).read_bytes()
    })  # fmt: skip
    bundle = opened("b.tar.gz", made, trust())
    assert bundle.signature is not None
    assert (bundle.signature.keyid, bundle.manifest.version) == (KEYID, VERSION)


def test_a_good_bundle_is_signed_and_has_its_version(tmp_path: Path) -> None:
    path = tmp_path / "b.tar.gz"
    path.write_bytes(good())
    policy = load(str(path), grants=None, trust=trust())
    assert (policy.signed, policy.version, policy.revision) == (True, VERSION, f"r{VERSION}")


@pytest.mark.parametrize("row", TAMPERED, ids=[row.name for row in TAMPERED])
def test_what_does_not_count(tmp_path: Path, row: Tampered) -> None:
    path = tmp_path / "b.tar.gz"
    path.write_bytes(row.make())
    with pytest.raises(PolicyRefused, match=row.reason):
        load(str(path), grants=None, trust=trust())


@pytest.mark.parametrize("row", TAMPERED, ids=[row.name for row in TAMPERED])
def test_what_opa_says_of_it(tmp_path: Path, row: Tampered) -> None:
    done = _opa(tmp_path, row.make())
    assert ("refuses" if done.returncode else "accepts") == row.opa, done.stderr


def test_keys_are_rotated_by_their_ids() -> None:
    trusted = Trust({**trust("old", key("old")).keys, **trust("new", key("new")).keys})
    for name in ("old", "new"):
        bundle = opened("b.tar.gz", signed(files(), by=name, keyid=name), trusted)
        assert bundle.signature is not None
        assert bundle.signature.keyid == name
    with pytest.raises(PolicyRefused, match="did not make it"):
        opened("b.tar.gz", signed(files(), by="old", keyid="new"), trusted)


def test_a_scope_is_asked_for_exactly() -> None:
    assert opened("b.tar.gz", signed(files(), scope="billing"), trust(scope="billing")).signature is not None
    with pytest.raises(PolicyRefused, match="scope"):
        opened("b.tar.gz", signed(files()), trust(scope="billing"))


def test_blanks_in_data_are_no_change_and_bytes_of_rules_are() -> None:
    assert digest("data.json", b'{"a":1,"b":2}') == digest("x/data.json", b'{ "b" : 2, "a" : 1 }')
    assert digest("a.rego", b"package a") != digest("a.rego", b"package a ")


def test_one_key_signs_what_another_did(tmp_path: Path) -> None:
    """Signing again keeps every file but the signature."""
    one, other = (read_archive("b", signed(files(), by=name)) for name in ("old", "new"))
    assert {path for path in one if one[path] != other[path]} == {SIGNATURES}
