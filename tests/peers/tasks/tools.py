"""What the conformance suite asks for by name about tasks: the tools, how long each works, and what it asks for."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, ElicitResult, InputRequiredResult

from tests.peers.everything.rounds import ask

Ctx = Context[Any, Any]


def greet(name: str) -> str:
    """Answers at once."""
    return f"Hello, {name}!"


def slow_compute(seconds: float, label: str = "") -> str:
    """Works as long as it is told to; a task where that is known and takes any time."""
    return f"{label} took {seconds} s"


def failing_job() -> str:
    """A task that ends with an error of the tool."""
    raise RuntimeError("This job fails as a tool fails.")


def protocol_error_job() -> str:
    """A task that ends with an error of the protocol."""
    raise MCPError(INTERNAL_ERROR, "This job fails as a server fails.")


def confirm_delete(filename: str) -> str:
    """A task that asks for one answer."""
    return f"asked about {filename}"


def multi_input() -> str:
    """A task that asks for two answers at once."""
    return "asked twice"


async def test_tool_with_task(ctx: Ctx) -> str | InputRequiredResult:
    """Asks for an answer, and goes on as a task with it."""
    answer = (ctx.input_responses or {}).get("user_name")
    if not isinstance(answer, ElicitResult) or not answer.content:
        return InputRequiredResult(input_requests={"user_name": ask("What is your name?", "name")})
    return f"Hello, {answer.content['name']}!"


WORKING: Final[tuple[Callable[..., Any], ...]] = (
    slow_compute,
    failing_job,
    protocol_error_job,
    confirm_delete,
    multi_input,
    test_tool_with_task,
)
TOOLS: Final = (greet, *WORKING)
OPTIONAL: Final = frozenset({"slow_compute"})
"""What does without a task for a client that knows of none."""

SECONDS: Final = 0.2
_NAMES: Final = frozenset(tool.__name__ for tool in WORKING)


def seconds(tool: str, arguments: Mapping[str, Any]) -> float | None:
    """For how long a call works; None where it answers at once."""
    if tool not in _NAMES:
        return None
    return (arguments.get("seconds") or None) if tool in OPTIONAL else SECONDS


def _form(message: str) -> dict[str, Any]:
    return ask(message, "confirm", "boolean").model_dump(by_alias=True, mode="json", exclude_none=True)


ASKS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "confirm_delete": {"confirm": _form("Delete it?")},
        "multi_input": {"first": _form("The first?"), "second": _form("The second?")},
    }
)
"""What the tasks of a tool ask for, by the keys of the answers."""
