"""Policy plane and local neighbours: no answer of policy is a no, and nobody else talks to the engine."""

import os
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tests.attacks.documents import CALL
from tests.attacks.gates import Gate, Gates, request
from tests.attacks.row import Story
from tests.attacks.stories import passed, refused
from tests.attacks.wire import exchange_unix
from tests.path.messages import call
from tests.peers.places import AGENTGATE, OPA
from tests.peers.processes import Program, running

_REGO: Final = """package agentgate

decision := {"effect": "allow", "reason": "ok"} if input.call.name == "echo"
%s
listing := {"hide": []}
"""
_VALUES: Final = {
    "number": "7",
    "true": "true",
    "text": '"allow"',
    "array": '["allow"]',
    "null": "null",
    "empty-object": "{}",
    "unknown-effect": '{"effect": "maybe", "reason": "ok"}',
    "effect-in-capitals": '{"effect": "ALLOW", "reason": "ok"}',
    "effect-an-array": '{"effect": ["allow"], "reason": "ok"}',
    "no-reason": '{"effect": "allow"}',
    "unknown-member": '{"effect": "allow", "reason": "ok", "sudo": true}',
    "rules-a-text": '{"effect": "allow", "reason": "ok", "rules": "all"}',
}
_UNMET: Final = '{"effect": "allow", "reason": "ok", "obligations": {"redact": ["ssn"]}}'
_NEIGHBOURS: Final = [
    ("PUT", "/v1/data/agentgate/grants", b'{"a":1}'),
    ("PATCH", "/v1/data/agentgate", b'[{"op":"add","path":"/x","value":1}]'),
    ("DELETE", "/v1/data/agentgate", b""),
    ("POST", "/v1/data", b'{"input":{}}'),
    ("POST", "/v1/data/system/authz", b'{"input":{}}'),
    ("GET", "/v1/data/agentgate/grants", b""),
    ("PUT", "/v1/policies/evil", b"package agentgate.evil"),
    ("GET", "/v1/policies", b""),
    ("DELETE", "/v1/policies/evil", b""),
    ("POST", "/v1/query", b'{"query":"data"}'),
    ("POST", "/v1/compile", b'{"query":"data"}'),
    ("GET", "/v1/config", b""),
    ("GET", "/metrics", b""),
    ("POST", "/", b"{}"),
]


def rows() -> Iterator[Story]:
    """Every row of both classes."""
    for name, value in _VALUES.items():
        told = partial(_answered, name=name, code="policy_malformed")
        yield Story(f"policy/answer-{name}", f"policy answers `{value}`", "`policy_malformed`; nothing arrives", told)
    told = partial(_answered, name="nothing-at-all", code="policy_undefined")
    yield Story("policy/undefined", "policy answers nothing", "`policy_undefined`; nothing arrives", told)
    told = partial(_answered, name="obligation", code="obligation_unmet")
    yield Story("policy/obligation-unknown", f"policy answers `{_UNMET}`", "`obligation_unmet`; nothing arrives", told)
    said = "the policy's file is overwritten with a broken one"
    yield Story("policy/broken-while-running", said, "the policy before it stays", _broken)
    for name, tell, code in (("slow", _slow, "engine_timeout"), ("down", _down, "engine_unavailable")):
        yield Story(f"policy/opa-{name}", f"OPA is {name}", f"`{code}`; nothing arrives", tell)
    for method, path, body in _NEIGHBOURS:
        told = partial(_neighbour, method=method, path=path, body=body)
        name = f"neighbour/{method.lower()}{path.replace('/', '-').rstrip('-')}"
        yield Story(name, f"`{method} {path}` on OPA's socket", "refused by OPA's own authorisation", told)
    yield Story("neighbour/socket-modes", "another user looks for OPA's socket", "folder 0700, socket 0600", _modes)


def write(folder: Path) -> None:
    """The policy that answers each way, by the name of the tool."""
    answers = {**_VALUES, "obligation": _UNMET}
    lines = "".join(f'decision := {value} if input.call.name == "{name}"\n' for name, value in answers.items())
    (folder / "policy.rego").write_text(_REGO % lines)


def _answered(gates: Gates, name: str, code: str) -> None:
    gate = gates.erring
    gate.fresh()
    refused(gate.ask(call(1, name)), code)
    assert gate.upstream.received == []
    passed(gate.ask(CALL))


def _broken(gates: Gates) -> None:
    folder = gates.folder()
    write(folder)
    with gates.gate(policy=str(folder)) as gate:
        (folder / "policy.rego").write_text("package agentgate\n\ndecision := {")
        _until_noted(gate, "policy_refused")
        passed(gate.ask(CALL))
        refused(gate.ask(call(1, "nothing-at-all")), "policy_undefined")
        assert gate.upstream.bodies == [CALL]


def _until_noted(gate: Gate, event: str) -> None:
    deadline = time.monotonic() + 10.0
    while not any(each.get("event") == event for each in gate.trail.more()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Asking:
    """A sidecar that asks an OPA, and that OPA."""

    gate: Gate
    opa: Program
    folder: Path


@contextmanager
def asking(gates: Gates) -> Iterator[Asking]:
    """Start both on one policy."""
    folder = gates.folder()
    socket = folder / "opa" / "opa.sock"
    command: list[str | Path] = [AGENTGATE, "opa", "--policy", "observe", "--state", folder, "--folder", socket.parent]
    environment = {"AGENTGATE_OPA": str(OPA)}
    with running(command, log=folder / "opa.log", ready=socket.exists, environment=environment) as program:
        settings = f'[policy]\nengine = "opa"\nopa_address = "unix:{socket}"\n'
        with gates.gate(policy="observe", lines=settings) as gate:
            yield Asking(gate, program, socket.parent)


def _children(program: Program) -> list[int]:
    pid = program.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _slow(gates: Gates) -> None:
    found = gates.asking
    found.gate.fresh()
    passed(found.gate.ask(CALL))
    found.gate.upstream.received.clear()
    (opa,) = _children(found.opa)
    os.kill(opa, signal.SIGSTOP)
    try:
        refused(found.gate.ask(CALL), "engine_timeout")
        assert found.gate.upstream.received == []
    finally:
        os.kill(opa, signal.SIGCONT)


def _down(gates: Gates) -> None:
    with asking(gates) as found:
        found.gate.fresh()
        passed(found.gate.ask(CALL))
        found.opa.terminate()
        found.gate.upstream.received.clear()
        refused(found.gate.ask(CALL), "engine_unavailable")
        assert found.gate.upstream.received == []


def _neighbour(gates: Gates, method: str, path: str, body: bytes) -> None:
    assert _asked(gates.asking.folder, method, path, body) in (401, 403)


def _asked(folder: Path, method: str, path: str, body: bytes) -> int:
    return exchange_unix(folder / "opa.sock", request(method, path, body, ["-Authorization"], port=80)).status


def _modes(gates: Gates) -> None:
    folder = gates.asking.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "opa.sock").stat().st_mode) == 0o600
