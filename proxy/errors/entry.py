"""One entry: a code, where it shows, what it means, what the agent's side and the operator can do.

What stands under `operator` never goes to an agent: it may say how something becomes allowed.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Family(StrEnum):
    """What a code is the code of; one code may stand in several families."""

    ALLOWED = "reason of a decision that allows"
    DENIED = "refusal: policy"
    UNDECIDED = "refusal: no answer of policy"
    HELD = "refusal: the sidecar"
    UPSTREAM = "refusal: the tool server"
    STRICT = "refusal: strict reading"
    OUTCOME = "reason of an outcome"
    NOTICE = "event of a notice"
    REASON = "reason in other records"
    RPC = "JSON-RPC error code"
    HTTP = "HTTP status"
    CENTRAL = "answer of central"
    INCIDENT = "incident of central"
    EXIT = "exit code"
    START = "failure of a command"


_ELSEWHERE: Final = {Family.CENTRAL: "other HTTP statuses", Family.INCIDENT: "`/v1/incidents`"}
"""Where codes of a family show that have no number."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One code of one family. `rpc`, `status` and `exit` are None where the code has none."""

    family: Family
    code: str
    meaning: str
    agent: str
    operator: str
    rpc: int | None = None
    status: int | None = None
    exit: int | None = None

    @property
    def shows(self) -> str:
        """Where the code is met, in a few words."""
        met = [
            *([] if self.rpc is None else [f"JSON-RPC {self.rpc}"]),
            *([] if self.status in (None, 200) else [f"HTTP {self.status}"]),
            *([] if self.exit is None else [f"exit code {self.exit}"]),
        ]
        return ", ".join(met) or _ELSEWHERE.get(self.family, "evidence")

    def as_json(self) -> dict[str, Any]:
        """The entry as `agentgate explain --json` prints it."""
        return {
            "family": str(self.family),
            "code": self.code,
            "meaning": self.meaning,
            "agent": self.agent,
            "operator": self.operator,
            "rpc": self.rpc,
            "status": self.status,
            "exit": self.exit,
        }
