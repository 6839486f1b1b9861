"""`python -m benchmarks.constant FLAG…`: `agentgate sidecar` with an engine that allows everything without a look.

What remains of a call's cost is everything but the decision. The engine lives here because the product has no way
around its policy.
"""

import sys
from typing import Any, Final

import agentgate
import policy.embedded
from policy.engine import Answer, EngineUnavailable, EntryPoint, Policy
from policy.reads import Reads

_ANSWERS: Final[dict[EntryPoint, Any]] = {
    EntryPoint.DECISION: {
        "effect": "allow",
        "reason": "observed",
        "message": "",
        "rules": [],
        "obligations": {},
    },
    EntryPoint.LISTING: {"hide": []},
    EntryPoint.RESULT: {},
}


class ConstantEngine:
    """The same answers for every input."""

    name = "embedded"
    reads = Reads()

    def __init__(self, *_: object) -> None:
        """Takes what the embedded engine takes, and needs none of it."""
        self.active: Policy | None = None

    async def activate(self, policy: Policy) -> None:
        """Remembers the policy, whose revision the answers name."""
        self.active = policy

    async def ask(self, entry: EntryPoint, document: bytes) -> Answer:
        """The constant answer."""
        if self.active is None:
            raise EngineUnavailable("no policy is active")
        return Answer(_ANSWERS[entry], self.active)

    def problem(self) -> str | None:
        """There is none."""
        return None

    async def close(self) -> None:
        """Nothing is held."""


def install() -> None:
    """Take the embedded engine's place in this process: the assembly loads its engine by that name when it starts."""
    policy.embedded.EmbeddedEngine = ConstantEngine  # type: ignore[misc,assignment]


if __name__ == "__main__":
    install()
    sys.exit(agentgate.main(["sidecar", *sys.argv[1:]]))
