"""The closed table of every method of every MCP revision (2024-11-05 to 2026-07-28), and how each is treated.

A method that the table does not know for its direction is decided by policy under its own name, so that a
new revision cannot bring in a method that nobody looked at. `tests/policy` compares the table with the
published schemas.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from policy.vocabulary import Direction


class Treatment(StrEnum):
    """What the path does with a message (design, section 4)."""

    DECIDE = "decide"
    """A call: contained, decided, recorded as intent and outcome."""
    LIST = "list"
    """Forwarded; policy then filters the items of the result."""
    CONTROL = "control"
    """Lifecycle and control: forwarded and recorded in brief."""


_D, _L, _C = Treatment.DECIDE, Treatment.LIST, Treatment.CONTROL

CLIENT_METHODS: Final[Mapping[str, Treatment]] = MappingProxyType(
    {
        "tools/call": _D,
        "tools/list": _L,
        "resources/read": _D,
        "resources/subscribe": _D,
        "resources/unsubscribe": _C,
        "resources/list": _L,
        "resources/templates/list": _L,
        "prompts/get": _D,
        "prompts/list": _L,
        "completion/complete": _D,
        "subscriptions/listen": _D,
        "tasks/get": _D,
        "tasks/result": _D,
        "tasks/update": _D,
        "tasks/cancel": _D,
        "tasks/list": _L,
        "initialize": _C,
        "server/discover": _C,
        "ping": _C,
        "logging/setLevel": _C,
        "notifications/initialized": _C,
        "notifications/cancelled": _C,
        "notifications/progress": _C,
        "notifications/roots/list_changed": _C,
        "notifications/tasks/status": _C,
        # The client's answers to requests of the server travel under the request's method.
        "sampling/createMessage": _D,
        "elicitation/create": _D,
        "roots/list": _D,
    }
)

SERVER_METHODS: Final[Mapping[str, Treatment]] = MappingProxyType(
    {
        "sampling/createMessage": _D,
        "elicitation/create": _D,
        "roots/list": _D,
        # 2025-11-25 lets a server ask for the tasks that its own requests began at the client.
        "tasks/get": _D,
        "tasks/result": _D,
        "tasks/cancel": _D,
        "tasks/list": _D,
        "ping": _C,
        "notifications/cancelled": _C,
        "notifications/progress": _C,
        "notifications/message": _C,
        "notifications/resources/updated": _C,
        "notifications/resources/list_changed": _C,
        "notifications/tools/list_changed": _C,
        "notifications/prompts/list_changed": _C,
        "notifications/elicitation/complete": _C,
        "notifications/subscriptions/acknowledged": _C,
        "notifications/tasks": _C,
        "notifications/tasks/status": _C,
    }
)

LIST_ITEMS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "tools/list": ("tools", "name"),
        "resources/list": ("resources", "uri"),
        "resources/templates/list": ("resourceTemplates", "uriTemplate"),
        "prompts/list": ("prompts", "name"),
        "tasks/list": ("tasks", "taskId"),
    }
)
"""Where the items of each list result stand, and which member of an item policy knows it by."""

SUBJECT_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tools/call": "name",
        "prompts/get": "name",
        "resources/read": "uri",
        "resources/subscribe": "uri",
        "resources/unsubscribe": "uri",
        "tasks/get": "taskId",
        "tasks/result": "taskId",
        "tasks/update": "taskId",
        "tasks/cancel": "taskId",
    }
)
"""The one member that a server goes by; another one beside it is none of its business, and must not be policy's."""

_REFERENCE_OF: Final[Mapping[str, str]] = MappingProxyType({"ref/prompt": "name", "ref/resource": "uri"})
_SUBJECTS: Final = ("name", "uri", "taskId")


def treatment(method: str, direction: Direction) -> Treatment:
    """How a message of `method`, sent by the `direction` side, is treated; unknown methods are decided."""
    table = CLIENT_METHODS if direction == "client" else SERVER_METHODS
    return table.get(method, Treatment.DECIDE)


def subject(method: str, params: Any) -> str | None:
    """What a message is about: params.name, .uri or .taskId by its method, or what a completion's reference names.

    A method that the table does not know is about whichever of the three it has, and about none if it has several.
    """
    if not isinstance(params, Mapping):
        return None
    if method == "completion/complete":
        return _reference(params.get("ref"))
    known = SUBJECT_OF.get(method)
    members = [member for member in _SUBJECTS if member in params] if known is None else [known]
    return _text(params, members[0]) if len(members) == 1 else None


def _reference(ref: Any) -> str | None:
    kind = ref.get("type") if isinstance(ref, Mapping) else None
    member = _REFERENCE_OF.get(kind) if isinstance(kind, str) else None
    return None if member is None else _text(ref, member)


def _text(holder: Mapping[str, Any], member: str) -> str | None:
    value = holder.get(member)
    return value if isinstance(value, str) else None
