"""Elicitation: the forms in which a client can ask its user for us (MCP: elicitation, both eras). Pure.

url     the user opens a page, where the approval can be followed; somebody entitled answers elsewhere
form    the user answers in the client itself: its word, and nobody else's (`client_attested`)

`accept` of the first says that the user has opened the page, and no more.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from policy.approval import Event
from proxy.approval_params import beginning
from proxy.wire.message import Message, meta

METHOD: Final = "elicitation/create"
_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"
_APPROVE: Final = "approve"
_SHOWN_CHARACTERS: Final = 1000


class Form(StrEnum):
    """How the client's user is asked."""

    URL = "url"
    FORM = "form"


class Action(StrEnum):
    """What a client's user has done with a question."""

    ACCEPT = "accept"
    DECLINE = "decline"
    CANCEL = "cancel"


_ACTIONS: Final = tuple(map(str, Action))


class Reply(Struct, frozen=True):
    """What the client answered; `approves` is the answer to a form."""

    action: Action
    approves: bool = False


def declared(capabilities: Any) -> frozenset[Form]:
    """The forms that a client's capabilities name; an empty `elicitation` means the plain form (2025-11-25)."""
    offered = capabilities.get("elicitation") if isinstance(capabilities, Mapping) else None
    if not isinstance(offered, Mapping):
        return frozenset()
    found = {form for form in Form if isinstance(offered.get(form), Mapping)}
    return frozenset(found or ((Form.FORM,) if not offered else ()))


def declared_here(message: Message) -> frozenset[Form]:
    """The forms that a stateless request itself declares (2026-07-28)."""
    return declared(meta(message).get(_CAPABILITIES))


def url_params(id: str | None, url: str, message: str) -> dict[str, Any]:
    """Params of `elicitation/create` that send the user to a page. 2025-11-25 demands an `id`, 2026-07-28 has none."""
    return {"mode": "url", "message": message, "url": url, **({} if id is None else {"elicitationId": id})}


def form_params(message: str) -> dict[str, Any]:
    """Params of `elicitation/create` that let the user answer; without `mode`, which older clients do not know."""
    answer = {"type": "boolean", "title": "Approve", "description": "Let this one call pass."}
    schema = {"type": "object", "properties": {_APPROVE: answer}, "required": [_APPROVE]}
    return {"message": message, "requestedSchema": schema}


def read_reply(result: Any) -> Reply | None:
    """The client's answer; None where it has none, as if it had not been asked."""
    if not isinstance(result, Mapping) or result.get("action") not in _ACTIONS:
        return None
    content = result.get("content")
    return Reply(Action(result["action"]), isinstance(content, Mapping) and content.get(_APPROVE) is True)


def event_of(form: Form, reply: Reply) -> Event | None:
    """What the answer does to the approval; None for a page that has been opened."""
    match form, reply.action:
        case Form.URL, Action.ACCEPT:
            return None
        case Form.FORM, Action.ACCEPT:
            return Event.GRANT if reply.approves else Event.REJECT
        case Form.FORM, Action.DECLINE:
            return Event.REJECT
        case _:
            return Event.CANCEL


def question(form: Form, why: str, subject: str, shown: str) -> str:
    """What the user reads. `shown` is what of the call's params may be shown, and already fit for a screen."""
    if form is Form.URL:
        return f"{why} {subject} waits until somebody who may has approved it. The page shows how it stands."
    return f"{why} Let {subject} pass, once, with {beginning(shown, _SHOWN_CHARACTERS)}?"
