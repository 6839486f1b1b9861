"""Policy plane: no answer of policy is a no."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tests.attacks.documents import CALL
from tests.attacks.gates import Gate, Gates
from tests.attacks.row import Story
from tests.attacks.stories import passed, refused
from tests.attacks.stranger import public_folder
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


def rows() -> Iterator[Story]:
    """Every row of the class."""
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

    @property
    def socket(self) -> Path:
        """Where OPA listens."""
        return self.folder / "opa.sock"


@contextmanager
def asking(gates: Gates, *flags: str) -> Iterator[Asking]:
    """Start both on one policy, OPA with these flags, in a place that only its own folder keeps other users from."""
    with public_folder() as place, _opa(place / "opa", gates.folder(), flags) as program:
        settings = f'[policy]\nengine = "opa"\nopa_address = "unix:{place}/opa/opa.sock"\n'
        with gates.gate(policy="observe", lines=settings) as gate:
            yield Asking(gate, program, place / "opa")


def _opa(folder: Path, state: Path, flags: Sequence[str]) -> AbstractContextManager[Program]:
    command: list[str | Path] = [AGENTGATE, "opa", "--policy", "observe", "--state", state, "--folder", folder, *flags]
    ready, environment = (folder / "opa.sock").exists, {"AGENTGATE_OPA": str(OPA)}
    return running(command, log=state / "opa.log", ready=ready, environment=environment)


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
