"""What a row of the attack table is: a name, what is sent, what must come of it, and how it is played.

Row         played against a running sidecar or wrap; `passes` marks what must not be refused
Elsewhere   held by a function outside of the table, which the row names
KnownMiss   not held, and why
NotBuilt    about a part that does not exist yet
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from tests.attacks.gates import Gates

PRINTED: Final = 110
"""Characters of the bytes that a page of the documentation shows."""


class Row(Protocol):
    """One attack. `name` is `class/row` and never changes its meaning."""

    @property
    def name(self) -> str:
        """Its stable name."""
        ...

    @property
    def sent(self) -> str:
        """What is sent, in Markdown."""
        ...

    @property
    def expected(self) -> str:
        """What must come of it, in Markdown."""
        ...

    @property
    def passes(self) -> bool:
        """True for what looks alike and is allowed: it must arrive, or come back, as it is."""
        ...

    def play(self, gates: "Gates") -> None:
        """Play it. Raises AssertionError where something else comes of it."""
        ...


@dataclass(frozen=True, slots=True)
class Story:
    """A row of several steps, told by a function that asserts."""

    name: str
    sent: str
    expected: str
    tell: Callable[["Gates"], None]
    passes: bool = False

    def play(self, gates: "Gates") -> None:
        """Tell it."""
        self.tell(gates)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A row that is held outside of the table: `held_by` is `file::function`."""

    name: str
    held_by: str


@dataclass(frozen=True, slots=True)
class KnownMiss:
    """A row that is not held, though the part that it is about is there."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class NotBuilt:
    """A row about a part that this version does not have."""

    name: str
    reason: str


_TEXT: Final = frozenset(
    ("not_utf8", "byte_order_mark", "nul_byte", "not_json", "trailing_data", "too_deep", "duplicate_key", "key_twin",
     "key_nul", "lone_surrogate", "not_a_number", "raw_cr", "noise_hides_json", "sse_hidden_line")
)  # fmt: skip
_OTHERS: Final = {
    "contained": -31404,
    "approval_required": -31409,
    "not_granted": -31403,
    "denied_by_operator": -31403,
    "argument_refused": -31403,
    "no_sampling": -31403,
    "no_updates": -31403,
    "dangerous_input": -31403,
    "method_unknown": -31403,
    "too_many_denials": -31403,
    "too_many_in_flight": -31503,
    "policy_undefined": -31503,
    "policy_malformed": -31503,
    "engine_timeout": -31503,
    "engine_unavailable": -31503,
    "engine_failed": -31503,
    "obligation_unmet": -31503,
    "task_not_found": -32602,
    "upstream_down": -32603,
    "malformed_answer": -32603,
    "no_answer": -32603,
    "unexpected_answer": -32603,
    "request_in_answer": -32603,
    "malformed_list": -32603,
    "doubled_content_type": -32603,
    "encoded_answer": -32603,
    "no_stream": -32603,
    "second_endpoint": -32603,
    "foreign_endpoint": -32603,
    "answer_to_nothing": -32603,
}


def rpc_code(code: str) -> int:
    """The JSON-RPC code that stands beside a reason code, told here once more and not taken from the product."""
    if code in _OTHERS:
        return _OTHERS[code]
    if code.startswith("header_"):
        return -32020
    return -32700 if code in _TEXT else -32600


def refusal_of(message: Any) -> dict[str, Any] | None:
    """What a refused message carries: the `data` of its error, or the `_meta` of its tool result."""
    if not isinstance(message, dict):
        return None
    if isinstance(error := message.get("error"), dict):
        found = error.get("data")
        return {**found, "rpc": error.get("code")} if isinstance(found, dict) else None
    meta = message["result"].get("_meta") if isinstance(message.get("result"), dict) else None
    found = meta.get("agentgate/decision") if isinstance(meta, dict) else None
    return found if isinstance(found, dict) else None


def refusals_in(body: bytes) -> list[dict[str, Any]]:
    """Every refusal in a body: one document, an array, or the events of a stream."""
    texts = [line[5:] for line in body.splitlines() if line.startswith(b"data:")] or [body]
    found = []
    for text in texts:
        try:
            value = json.loads(text)
        except ValueError:
            continue
        found += [each for one in (value if isinstance(value, list) else [value]) if (each := refusal_of(one))]
    return found


def check_refusal(found: dict[str, Any], code: str) -> None:
    """The refusal has this code, the JSON-RPC code that belongs to it, and a reference."""
    assert found["code"] == code, found
    assert found.get("rpc") in (None, rpc_code(code)), found
    assert len(found["reference"]) == 32, found


def shown(data: bytes, longest: int = PRINTED) -> str:
    """Bytes as a page shows them, in the spelling of Python, long ones cut."""
    text = repr(data)[2:-1].replace("\\'", "'").replace("`", "\\x60")
    if len(text) > longest:
        text = f"{text[:longest]}… ({len(data)} bytes)"
    return f"`{text}`" if text else "nothing"
