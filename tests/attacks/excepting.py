"""Exceptions: signed, for a while, about one thing, and only against rules that let themselves be excepted."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from policy.exception_document import FILE
from tests.attacks.gates import BOB, TWIN, Gate, Gates
from tests.attacks.row import Story, refusals_in
from tests.attacks.stopping import give
from tests.attacks.stories import passed, refused
from tests.attacks.wire import exchange
from tests.path.messages import call
from tests.peers.sidecar import agentgate

LOCAL: Final = "[policy]\nlocal_exceptions = true\n"
DROP: Final = call(1, "drop", table="t")
DENIED: Final = [{"upstream": "files", "tool": "drop", "effect": "deny"}]
INVENTING: Final = """package agentgate

decision := {"effect": "allow", "reason": "excepted", "exception": "invented"}

listing := {"hide": []}
"""
TAKING: Final = """package agentgate

decision := {"effect": "allow", "reason": "excepted", "exception": id} if {
	some id in [entry.id | walk(data.agentgate.exceptions, [_, entry]); entry.id]
} else := {"effect": "deny", "reason": "none_there"}

listing := {"hide": []}
"""
FAILING: Final = """package agentgate

ids := [entry.id | walk(data.agentgate.exceptions, [_, entry]); entry.id]

decision := {"effect": "allow", "reason": "excepted", "exception": ids[0]} if input.call.name == "drop"

decision := {"effect": "deny", "reason": "other"} if {
	input.call.name == "drop"
	count(ids) > 0
}

decision := {"effect": "deny", "reason": sprintf("there_are_%d", [count(ids)])} if input.call.name != "drop"

listing := {"hide": []}
"""
SECONDS: Final = 5.0
"""How long a change of the file may take to be taken up."""


def rows() -> Iterator[Story]:
    """Every row of the class."""
    for name, sent, expected, tell in _STORIES:
        yield Story(f"exception/{name}", sent, expected, tell)
    yield Story("exception/in-force", "a call that nobody has granted, for which there is an exception",
                "it arrives, and the record names the exception", _in_force, passes=True)  # fmt: skip


@contextmanager
def _gate(gates: Gates, *, policy: str | None = None, lines: str = LOCAL, grants: Any = ()) -> Iterator[Gate]:
    spec = "starter"
    if policy is not None:
        folder = gates.folder()
        (folder / "policy.rego").write_text(policy)
        spec = str(folder)
    with gates.gate(policy=spec, lines=lines, grants=grants) as gate:
        yield gate


def _issue(gate: Gate, *more: str, tool: str = "drop", agent: str = "alice", time: str = "1h") -> str:
    words = ["files", tool, "--agent", agent, "--tenant", "acme", "--for", time, "--reason", "May", *more]
    done = agentgate("exceptions", "issue", "--state", gate.folders.state, *words)
    return done.stdout.split()[0]


def _becomes(gate: Gate, met: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not met():
        assert time.monotonic() < until, "nothing has changed"
        time.sleep(0.1)


def _open(gate: Gate) -> str:
    """An exception that is in force: its id."""
    id = _issue(gate)
    _becomes(gate, lambda: refusals_in(gate.ask(DROP).body) == [])
    gate.upstream.received.clear()
    return id


def _shut(gate: Gate) -> None:
    _becomes(gate, lambda: refusals_in(gate.ask(DROP).body) != [])
    gate.upstream.received.clear()
    refused(gate.ask(DROP), "not_granted")
    assert gate.upstream.received == []


def _readiness(gate: Gate) -> str:
    """What /readyz says."""
    asked = f"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:{gate.admin_port}\r\nConnection: close\r\n\r\n"
    return exchange(gate.admin_port, [asked.encode()], method="GET").body.decode()


def _in_force(gates: Gates) -> None:
    with _gate(gates) as gate:
        refused(gate.ask(DROP), "not_granted")
        id = _open(gate)
        passed(gate.ask(DROP))
        assert gate.upstream.bodies == [DROP]
        decisions = [body["decision"] for body in gate.trail.more() if body["kind"] == "intent"]
        assert {(one["reason"], one["exception"]) for one in decisions} == {("excepted", id)}
        assert all(one["versions"]["exceptions"].startswith("sha256:") for one in decisions)


def _others(gates: Gates) -> None:
    with _gate(gates) as gate:
        _open(gate)
        for token in (BOB, TWIN):
            refused(gate.ask(DROP, token=token), "not_granted")
        refused(gate.ask(call(1, "echo")), "not_granted")
        refused(gate.ask(call(1, "drop2")), "not_granted")
        assert gate.upstream.received == []


def _over(gates: Gates) -> None:
    with _gate(gates) as gate:
        _issue(gate, time="4s")
        _becomes(gate, lambda: refusals_in(gate.ask(DROP).body) == [])
        _shut(gate)


def _unsigned(gates: Gates) -> None:
    with _gate(gates) as gate:
        _open(gate)
        file = gate.folders.state / FILE
        whole = json.loads(file.read_text())
        for change in ({"agent": "*"}, {"until": whole["exceptions"][0]["exception"]["until"] + 1}):
            edited = json.loads(json.dumps(whole))
            edited["exceptions"][0]["exception"] |= change
            file.write_text(json.dumps(edited))
            _shut(gate)
            file.write_text(json.dumps(whole))
            _becomes(gate, lambda: refusals_in(gate.ask(DROP).body) == [])


def _not_taken(gates: Gates) -> None:
    with _gate(gates, lines="") as gate:
        _issue(gate)
        time.sleep(1.5)
        refused(gate.ask(DROP), "not_granted")
        assert "local_exceptions" in _readiness(gate)


def _broken(gates: Gates) -> None:
    with _gate(gates) as gate:
        _open(gate)
        (gate.folders.state / FILE).write_text("{")
        _shut(gate)


def _revoked(gates: Gates) -> None:
    with _gate(gates) as gate:
        id, file = _open(gate), gate.folders.state / FILE
        older = file.read_bytes()
        assert agentgate("exceptions", "revoke", "--state", gate.folders.state, id[:6]).returncode == 0
        _shut(gate)
        file.write_bytes(older)
        time.sleep(1.5)
        _shut(gate)


def _invented(gates: Gates) -> None:
    with _gate(gates, policy=INVENTING) as gate:
        refused(gate.ask(DROP), "exception_unfit")
        assert gate.upstream.received == []


def _misused(gates: Gates) -> None:
    with _gate(gates, policy=TAKING) as gate:
        _issue(gate, tool="echo")
        _becomes(gate, lambda: b"none_there" not in gate.ask(DROP).body)
        refused(gate.ask(DROP), "exception_unfit")
        assert gate.upstream.received == []


def _denied(gates: Gates) -> None:
    with _gate(gates, grants=DENIED) as gate:
        _issue(gate)
        _issue(gate, tool="echo")
        _becomes(gate, lambda: refusals_in(gate.ask(call(1, "echo")).body) == [])
        gate.upstream.received.clear()
        refused(gate.ask(DROP), "denied_by_operator")
        assert gate.upstream.received == []


def _contained(gates: Gates) -> None:
    with _gate(gates) as gate:
        _open(gate)
        give(gate, "kill", "--agent", "alice")
        refused(gate.ask(DROP), "contained")
        assert gate.upstream.received == []


def _unlisted(gates: Gates) -> None:
    with _gate(gates) as gate:
        _issue(gate, tool="*")
        _becomes(gate, lambda: refusals_in(gate.ask(DROP).body) == [])
        gate.upstream.received.clear()
        refused(gate.ask(call(1, "nobody-lists-this")), "not_granted")
        assert gate.upstream.received == []


def _other_arguments(gates: Gates) -> None:
    with _gate(gates) as gate:
        _issue(gate, "--argument", "table=one_of:t")
        _becomes(gate, lambda: refusals_in(gate.ask(DROP).body) == [])
        gate.upstream.received.clear()
        for arguments in ({"table": "u"}, {"table": ["t"]}, {}):
            refused(gate.ask(call(1, "drop", **arguments)), "not_granted")
        assert gate.upstream.received == []


def _another_issuer(gates: Gates) -> None:
    with _gate(gates) as gate, _gate(gates) as elsewhere:
        _open(gate)
        _issue(elsewhere, agent="*")
        (gate.folders.state / FILE).write_bytes((elsewhere.folders.state / FILE).read_bytes())
        _shut(gate)


def _failing(gates: Gates) -> None:
    with _gate(gates, policy=FAILING) as gate:
        _issue(gate)
        _becomes(gate, lambda: b"there_are_1" in gate.ask(call(1, "echo")).body)
        refused(gate.ask(DROP), "engine_failed")
        assert gate.upstream.received == []


def _too_long(gates: Gates) -> None:
    with _gate(gates) as gate:
        _issue(gate, time="25h")
        time.sleep(1.5)
        refused(gate.ask(DROP), "not_granted")
        assert "policy lets one last 86400 s" in _readiness(gate)


_STORIES: Final[list[tuple[str, str, str, Callable[[Gates], None]]]] = [
    ("other-callers-and-tools", "another agent, another tenant, other tools", "`not_granted`", _others),
    ("over", "the call after the exception has ended", "`not_granted`", _over),
    ("edited", "its scope and its end are edited in the file", "`not_granted`", _unsigned),
    ("own-key-not-taken", "signed with the key of the state folder, where nobody has said that it counts",
     "`not_granted`, and /readyz says why", _not_taken),
    ("broken-file", "the file is broken while the sidecar runs", "`not_granted`", _broken),
    ("revoked", "it is revoked, and the older file put back", "`not_granted`", _revoked),
    ("invented", "policy names an exception that there is not", "`exception_unfit`", _invented),
    ("of-another-call", "policy names the exception of another tool", "`exception_unfit`", _misused),
    ("denied-firmly", "an operator has denied the tool", "`denied_by_operator`", _denied),
    ("contained", "a kill while the exception is in force", "`contained`", _contained),
    ("unknown-tool", "an exception for all tools, and one that the server does not list", "`not_granted`", _unlisted),
    ("other-arguments", "an exception for one argument, and calls with others", "`not_granted`", _other_arguments),
    ("another-issuer", "the file of another state folder, signed with its key", "`not_granted`", _another_issuer),
    ("engine-failure", "policy names the exception, and fails on the call", "`engine_failed`", _failing),
    ("too-long", "it lasts longer than policy lets it", "`not_granted`, and /readyz says why", _too_long),
]  # fmt: skip
