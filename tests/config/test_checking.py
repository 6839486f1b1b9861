"""`agentgate config check`: what a start would refuse is found before, all at once, and nothing is written."""

import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from evidence.clock import SystemClock
from evidence.keys import load_or_make
from policy.commands import run_grant
from policy.containment import Scope
from policy.grants import Grant
from policy.orders import run_order
from proxy.settings.checking import run_check
from proxy.settings.flags import Flags
from proxy.settings.problems import ConfigProblems


def _order(state: Path) -> None:
    run_order(state, "kill", Scope(agent="a"), reason="", issuer="me", clock=SystemClock(), out=StringIO())


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with keys, an order and a grant."""
    state = tmp_path / "state"
    load_or_make(state, ["default"])
    _order(state)
    run_grant(state, Grant(upstream="files", method="tools/call", name="read", effect="allow"), StringIO())
    return state


def _checked(state: Path, **given: Any) -> str:
    flags = Flags(**{"state": str(state), **given}, upstreams=("files=https://tools.example/mcp?key=canary",))
    out = StringIO()
    assert run_check(flags, {}, out) == 0
    return out.getvalue()


def _seen(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_mode) for path in sorted(folder.rglob("*"))}


def test_what_it_comes_to(state: Path) -> None:
    said = _checked(state)
    lines = dict(line.split(maxsplit=1) for line in said.splitlines()[1:])
    assert said.startswith("ok\n")
    assert (lines["listen"], lines["upstream"]) == ("127.0.0.1:8900", "/files -> https://tools.example/mcp")
    assert lines["policy"].startswith("starter sha256:")
    assert (lines["grants"], lines["orders"]) == ("1", "1 in force")
    assert lines["evidence"] == f"{state / 'evidence'} (process)"
    assert lines["isolation"].startswith("none: ")
    assert "canary" not in said


def test_nothing_is_written(state: Path) -> None:
    before = _seen(state)
    _checked(state)
    assert _seen(state) == before


def test_nothing_is_made(tmp_path: Path) -> None:
    _checked(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_a_lagging_watermark_is_left_alone(state: Path) -> None:
    mark = (state / "orders.mark").read_bytes()
    _order(state)
    (state / "orders.mark").write_bytes(mark)
    assert "orders     2 in force" in _checked(state)
    assert (state / "orders.mark").read_bytes() == mark


def test_opa_is_not_asked(state: Path) -> None:
    assert "(opa at unix:/no/such/socket, not asked, unsigned)" in _checked(state, opa="unix:/no/such/socket")


def _open_to_others(name: str) -> Callable[[Path], None]:
    return lambda state: (state / "keys" / name).chmod(0o644)


def _gone(name: str) -> Callable[[Path], None]:
    return lambda state: (state / name).unlink()


def _holds(name: str, text: str) -> Callable[[Path], None]:
    def write(state: Path) -> None:
        (state / name).write_text(text)

    return write


def _renamed(name: str, to: str) -> Callable[[Path], None]:
    return lambda state: os.replace(state / name, state / to)


def _in_the_way(name: str) -> Callable[[Path], None]:
    def put(state: Path) -> None:
        (state / name).write_text("a file")

    return put


WRONG = [
    pytest.param(_open_to_others("identity.key"), "identity.key can be read by others (mode 0644)", id="identity-open"),
    pytest.param(_open_to_others("orders.key"), "orders.key can be read by others (mode 0644)", id="orders-key-open"),
    pytest.param(_open_to_others("pseudonym.key"), "pseudonym.key can be read by others", id="pseudonyms-open"),
    pytest.param(_open_to_others("tenant-default.key"), "tenant-default.key can be read by others", id="tenant-open"),
    pytest.param(_gone("keys/identity.key"), "identity.key is gone but", id="identity-gone"),
    pytest.param(_holds("keys/identity.key", "AAAA"), "identity.key: 3 bytes where a key has 32", id="short-key"),
    pytest.param(_renamed("keys/orders.pub", "keys/identity.pub"), "is not the public half of", id="another-half"),
    pytest.param(_holds("orders.jsonl", "{}\n"), "restore the file from a copy", id="orders-forged"),
    pytest.param(_gone("orders.jsonl"), "order 1 was there and is not any more", id="orders-gone"),
    pytest.param(_holds("orders.mark", "x"), "orders.mark: ", id="mark-unreadable"),
    pytest.param(_holds("grants.json", "{"), "grants: ", id="grants-unreadable"),
    pytest.param(_in_the_way("evidence"), "evidence.folder: ", id="evidence-is-a-file"),
]


@pytest.mark.parametrize(("spoil", "text"), WRONG)
def test_what_a_start_would_refuse(state: Path, spoil: Callable[[Path], None], text: str) -> None:
    spoil(state)
    with pytest.raises(ConfigProblems) as found:
        _checked(state)
    assert text in str(found.value)
    assert len(found.value.problems) == 1


def test_orders_whose_key_is_gone(state: Path) -> None:
    for half in ("key", "pub"):
        (state / "keys" / f"orders.{half}").unlink()
    with pytest.raises(ConfigProblems, match="the key that signed it is gone"):
        _checked(state)


def test_a_policy_that_cannot_become_active(state: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.mkdir()
    (policy / "entry.rego").write_text('package agentgate\n\ndecision := {"effect": time.now_ns(), "reason": x}\n')
    with pytest.raises(ConfigProblems, match="policy: ") as found:
        _checked(state, policy=str(policy))
    assert all(problem.remedy.endswith("agentgate explain PolicyRefused has more.") for problem in found.value.problems)


def test_problems_of_every_part_come_at_once(state: Path) -> None:
    (state / "keys" / "identity.key").chmod(0o644)
    (state / "orders.jsonl").unlink()
    (state / "grants.json").write_text("{")
    with pytest.raises(ConfigProblems) as found:
        _checked(state, listen="0.0.0.0:8900")
    assert [problem.where for problem in found.value.problems] == ["--listen", "keys", "orders", "grants"]


def test_a_state_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(ConfigProblems, match=r"state: .* is no folder"):
        _checked(tmp_path / "state")
