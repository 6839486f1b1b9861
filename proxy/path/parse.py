"""Parse: which messages of an envelope are calls, and what policy is told of them."""

import re
from typing import Any, Final

from msgspec import Struct, structs

from policy.methods import Treatment, subject, treatment
from policy.vocabulary import Call, Direction
from proxy.gate import Gate
from proxy.path.about import TASK_METHODS, tool_of_task
from proxy.refusals import BadAnswer, NumberNotExact
from proxy.vocabulary import Exchange
from proxy.wire.message import Message, MessageKind, modern_version

DEFAULT_ERA: Final = "2025-03-26"
"""What a message without any version is handled as (streamable HTTP, 2025-06-18, section Protocol Version Header)."""


_REVISION: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Parsed(Struct, frozen=True):
    """One message and, if policy decides it, the call that it is."""

    message: Message
    call: Call | None


def era_of(messages: tuple[Message, ...], header: str | None) -> str:
    """The revision by whose rules the envelope is handled: the body decides, then the header, then `initialize`."""
    for message in messages:
        if (version := modern_version(message)) is not None:
            return _revision(version)
    if header is not None:
        return _revision(header)
    for message in messages:
        if message.method == "initialize" and isinstance(message.params, dict):
            version = message.params.get("protocolVersion")
            return _revision(version)
    return DEFAULT_ERA


def _revision(claimed: Any) -> str:
    """What is no revision is handled, and recorded, as the default; it is forwarded as it came."""
    return claimed if isinstance(claimed, str) and _REVISION.fullmatch(claimed) else DEFAULT_ERA


def parse(exchange: Exchange, gate: Gate) -> tuple[Parsed, ...]:
    """Every message of the envelope, in its order. Raises BadAnswer for an answer to what no server asked."""
    return tuple(_parsed(exchange, message, gate) for message in exchange.envelope.messages)


def _parsed(exchange: Exchange, message: Message, gate: Gate) -> Parsed:
    answers = message.method is None
    method, task_tool = _answered(exchange, message, gate) if answers else (message.method or "", None)
    if treatment(method, "server" if answers else "client") is not Treatment.DECIDE:
        return Parsed(message, None)
    params = _answer(message) if answers else message.params
    call = call_of(exchange, method, params, "client", gate, modern_version(message))
    if not answers and method in TASK_METHODS and call.name is not None:
        task_tool = tool_of_task(gate, exchange, call.name)
    return Parsed(message, call if task_tool is None else structs.replace(call, task_tool=task_tool))


def _answered(exchange: Exchange, message: Message, gate: Gate) -> tuple[str, str | None]:
    asked = gate.questions.answered(exchange.key(message.id))
    if asked is None:
        raise BadAnswer("answer_to_nothing", "the client answers a request that the server has not made")
    return asked


def server_call(exchange: Exchange, method: str, params: Any, gate: Gate) -> Call | None:
    """A server's request (or one inside an `input_required` result) as a call, if policy decides it."""
    if treatment(method, "server") is not Treatment.DECIDE:
        return None
    return call_of(exchange, method, params, "server", gate)


def call_of(
    exchange: Exchange, method: str, params: Any, direction: Direction, gate: Gate, version: str | None = None
) -> Call:
    """One message as policy sees it. An answer of the client is a call too: its `params` hold its result or error."""
    return Call(
        id=gate.new_id(),
        caller=exchange.caller,
        session=exchange.session,
        direction=direction,
        transport=exchange.transport,
        era=exchange.era,
        protocol_version=version or exchange.era,
        method=method,
        upstream=exchange.upstream,
        name=subject(method, params),
        params=params,
        arguments=params.get("arguments") if isinstance(params, dict) else None,
    )


def _answer(message: Message) -> dict[str, Any]:
    if message.kind is MessageKind.ERROR:
        return {"error": message.error}
    return {"result": message.result}


def require_exact(message: Message) -> None:
    """Refuse a call whose numbers another reader would change (design, section 4)."""
    if message.inexact:
        raise NumberNotExact(message.inexact)
