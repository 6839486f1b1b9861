"""The protocol of a policy engine: one question, one answer, or a reason why there is none.

CannotDecide                 the call is refused (fail closed); `what` is for the operator
|-- EngineTimeout            no answer within the budget
|-- EngineUnavailable        nobody there to ask
`-- EngineFailed             an answer that is none: an error, a revision that is not ours
    `-- PolicyMoved          the policy changed under the question; it can be put again

PolicyRefused                a policy that must not become active; the old one stays
`-- PolicyAway               there is none to look at: the server that has it gave nothing
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

from policy.program.values import UNDEFINED
from policy.reads import Reads

__all__ = [
    "UNDEFINED",
    "Answer",
    "CannotDecide",
    "Engine",
    "EngineFailed",
    "EngineTimeout",
    "EngineUnavailable",
    "EntryPoint",
    "Policy",
    "PolicyAway",
    "PolicyMoved",
    "PolicyRefused",
]


class EntryPoint(StrEnum):
    """The rules that the sidecar asks for; an engine answers no others."""

    DECISION = "agentgate/decision"
    LISTING = "agentgate/listing"
    RESULT = "agentgate/result"


class CannotDecide(Exception):
    """Policy has no answer; `code` is the reason code of the refusal, `what` says more to an operator."""

    code = "engine_failed"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class EngineTimeout(CannotDecide):
    """The engine did not answer within its budget."""

    code = "engine_timeout"


class EngineUnavailable(CannotDecide):
    """The engine could not be reached at all."""

    code = "engine_unavailable"


class EngineFailed(CannotDecide):
    """The engine answered, but with an error, in a shape or from a revision that does not count."""

    code = "engine_failed"


class PolicyMoved(EngineFailed):
    """The policy changed under a question: it is to be put again, whole, and is answered by the new one."""


class PolicyRefused(Exception):
    """A policy that must not become active; each problem is one line, with file and line as far as known."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class PolicyAway(PolicyRefused):
    """The server of a policy has given nothing yet; nothing is wrong with what it has."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A loaded policy, ready to be activated.

    `modules` maps path to Rego source, `data` is the base document. `revision` is opaque
    (`sha256:<hex>` for folders and built-ins), `version` the integer that only rises, if signed.
    `data_revision` is the digest of the data alone (grants change more often than rules).
    `hides_nothing` is true when `listing` is the constant {"hide": []}: lists then pass untouched.
    `has_result` is true when the optional entry point `agentgate/result` exists. `pins` has the pinned definitions of
    each upstream (`pins.Pins`), `pins_revision` is the digest of the lock file; None without one.
    `exceptions` are those that verified and that the policy lets last so long, by their ids (`exceptions.Exempt`),
    `exceptions_revision` is their digest, and `exception_problems` says why others do not count.
    """

    name: str
    modules: Mapping[str, str]
    data: Mapping[str, Any]
    revision: str
    data_revision: str
    version: int | None
    signed: bool
    hides_nothing: bool
    has_result: bool
    pins: Mapping[str, Any] = field(default_factory=dict)
    pins_revision: str | None = None
    exceptions: Mapping[str, Any] = field(default_factory=dict)
    exceptions_revision: str | None = None
    exception_problems: tuple[str, ...] = ()


class Answer(Struct, frozen=True):
    """What an entry point evaluated to (or UNDEFINED), and the policy that said so (another may be active by now)."""

    value: Any
    policy: Policy


class Engine(Protocol):
    """Evaluates entry points of the active policy. Every method may be called from the event loop only."""

    @property
    def name(self) -> str:
        """`embedded` or `opa` (goes into each record)."""
        ...

    @property
    def active(self) -> Policy | None:
        """The policy whose answers count; None before the first activation."""
        ...

    @property
    def reads(self) -> Reads:
        """What of the input the active policy can read: an engine may be asked with that part alone."""
        ...

    async def activate(self, policy: Policy) -> None:
        """Make `policy` the active one, atomically.

        Raises PolicyRefused or CannotDecide: the previous one then stays active.
        """
        ...

    async def ask(self, entry: EntryPoint, document: bytes) -> Answer:
        """Evaluate `entry` over the input document (UTF-8 JSON text). Raises CannotDecide, nothing else."""
        ...

    def problem(self) -> str | None:
        """Why the engine is not ready (for /readyz), or None."""
        ...

    async def close(self) -> None:
        """Free threads, connections and memory; idempotent."""
        ...
