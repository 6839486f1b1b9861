"""`agentgate config check`: what a start would refuse is found before, all at once, and nothing is written."""

import json
import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from evidence.clock import SystemClock
from evidence.keys import load_or_make, signing_key
from policy.commands import run_grant
from policy.containment import Scope
from policy.exception_commands import Wish, run_issue
from policy.exception_document import FILE, REVOKED
from policy.exception_signing import LOCAL as LOCAL_KEY
from policy.exception_signing import signed
from policy.exceptions import read_exception
from policy.grants import Grant
from policy.orders import run_order
from policy.trust import ExceptionTrust
from proxy.settings.checking import run_check
from proxy.settings.flags import Flags
from proxy.settings.problems import ConfigProblems

LOCAL = "[policy]\nlocal_exceptions = true\n"


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


def _config(state: Path, text: str) -> str:
    """A configuration beside the state folder that says whose exceptions count."""
    path = state.with_name("config.toml")
    path.write_text(text)
    return str(path)


def _issued(state: Path, seconds: int = 3600, **more: Any) -> str:
    """An exception that the key of the state folder has signed: its id."""
    wish = Wish("default", "a", "files", "tools/call", "drop", seconds, "a reason", "an operator", **more)
    out = StringIO()
    run_issue(state, wish, ExceptionTrust(local=True), out, key=None, to=None)
    return out.getvalue().split()[0]


def _edited(state: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    document = json.loads((state / FILE).read_text())
    change(document)
    (state / FILE).write_text(json.dumps(document))


def _twice(state: Path) -> None:
    """A second exception of the first one's id, signed as well."""
    first = json.loads((state / FILE).read_text())["exceptions"][0]
    other = read_exception(first["exception"] | {"reason": "another"})
    second = signed(other, LOCAL_KEY, signing_key(state, "exceptions"))
    _edited(state, lambda document: document["exceptions"].append(second))


def _without_key(state: Path) -> None:
    for half in ("key", "pub"):
        (state / "keys" / f"exceptions.{half}").unlink()


EXCEPTIONS: dict[str, tuple[str, Callable[[Path], Any], str, str]] = {
    "no JSON": (LOCAL, _holds(FILE, "{"), "not JSON", "Restore the file from a copy"),
    "no object": (LOCAL, _holds(FILE, "[]"), "not of the form", "Restore the file from a copy"),
    "revocations that are none": (LOCAL, _holds(REVOKED, "[]"), "not of the form", "Restore the file from a copy"),
    "nobody's word counts": ("", lambda _: None, "(policy.local_exceptions)", "Name the key where the line says"),
    "another's key": (
        LOCAL,
        lambda state: _edited(state, lambda document: document["exceptions"][0].update(keyid="ops")),
        "no key ops counts (policy.exception_keys)",
        "Name the key where the line says",
    ),
    "a changed one": (
        LOCAL,
        lambda state: _edited(state, lambda document: document["exceptions"][0]["exception"].update(agent="*")),
        "the signature is not that of key local",
        "Somebody has changed it",
    ),
    "no exception": (
        LOCAL,
        lambda state: _edited(state, lambda document: document["exceptions"].append({"exception": {}})),
        "not an exception, a keyid and a signature",
        "Issue it again",
    ),
    "an older file": (
        LOCAL,
        lambda state: (state / REVOKED).write_text(
            json.dumps({"version": 1, "revoked": {_first_id(state): 2_000_000_000}})
        ),
        "it was revoked",
        "takes it out again",
    ),
    "too long": (LOCAL, lambda state: _issued(state, 90_000), "policy lets one last 86400 s", "for a shorter time"),
    "two of one id": (
        LOCAL,
        lambda state: _twice(state),
        "another one has the same id",
        "Revoke the id",
    ),
    "a key that is gone": (
        LOCAL,
        lambda state: _without_key(state),
        "the key of the state folder is gone",
        "Restore keys/exceptions.key from a copy",
    ),
}


def _first_id(state: Path) -> str:
    return str(json.loads((state / FILE).read_text())["exceptions"][0]["exception"]["id"])


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_an_exception_that_would_not_count(state: Path, name: str) -> None:
    config, spoil, text, remedy = EXCEPTIONS[name]
    _issued(state)
    spoil(state)
    before = _seen(state)
    with pytest.raises(ConfigProblems) as found:
        _checked(state, config=_config(state, config))
    (problem,) = found.value.problems
    assert problem.where == "exceptions"
    assert text in problem.what
    assert remedy in problem.remedy
    assert _seen(state) == before


def test_exceptions_that_count(state: Path) -> None:
    _issued(state)
    _issued(state, begins=1)
    (state / REVOKED).unlink(missing_ok=True)
    _edited(state, lambda document: document["revoked"].append({"id": "gone", "until": 2_000_000_000}))
    before = _seen(state)
    assert "exceptions 2" in _checked(state, config=_config(state, LOCAL))
    assert _seen(state) == before


def test_problems_of_exceptions_come_at_once(state: Path) -> None:
    for _ in range(2):
        _issued(state)
    _issued(state, 90_000)
    _edited(state, lambda document: document["exceptions"][0].update(signature="AAAA"))
    _edited(state, lambda document: document["exceptions"][1].update(keyid="nobody"))
    (state / "grants.json").write_text("{")
    with pytest.raises(ConfigProblems) as found:
        _checked(state, config=_config(state, LOCAL), listen="0.0.0.0:8900")
    assert [problem.where for problem in found.value.problems] == ["--listen", "grants", "exceptions", "exceptions"]
    with pytest.raises(ConfigProblems) as found:
        _checked(state, config=_config(state, LOCAL))
    assert [problem.where for problem in found.value.problems] == ["grants", "exceptions", "exceptions", "exceptions"]


def test_trust_that_cannot_be_read_does_not_hide_the_file(state: Path) -> None:
    """No signature is looked at then, but whether the file has the form of one is."""
    _issued(state)
    config = _config(state, '[policy.exception_keys]\nops = "missing.pem"\n')
    with pytest.raises(ConfigProblems) as found:
        _checked(state, config=config)
    assert [problem.where.rpartition(": ")[2] for problem in found.value.problems] == ["policy.exception_keys.ops"]
    (state / FILE).write_text("{")
    with pytest.raises(ConfigProblems) as found:
        _checked(state, config=config)
    assert [problem.where for problem in found.value.problems][1:] == ["exceptions"]


def test_a_key_of_exceptions_that_others_can_read_is_told_once(state: Path) -> None:
    _issued(state)
    (state / "keys" / "exceptions.key").chmod(0o644)
    with pytest.raises(ConfigProblems) as found:
        _checked(state, config=_config(state, LOCAL))
    assert [problem.where for problem in found.value.problems] == ["keys"]


def test_so_many_problems_of_exceptions_are_told_one_by_one(state: Path) -> None:
    _issued(state)
    _edited(state, lambda document: document.update(exceptions=[{}] * 50))
    with pytest.raises(ConfigProblems) as found:
        _checked(state, config=_config(state, LOCAL))
    assert len(found.value.problems) == 21
    assert found.value.problems[-1].what == "and 30 more problems with exceptions"
