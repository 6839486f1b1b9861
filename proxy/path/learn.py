"""Learn: what an upstream claims its tools to be, when a call comes before any list of them."""

from collections.abc import Mapping
from typing import Any, Final

from evidence.record import Entry, Kind
from proxy.definitions import NotLoggedIn
from proxy.gate import Gate
from proxy.path.bodies import caller_body, session_body
from proxy.path.contain import passages
from proxy.path.lease import lend
from proxy.path.own import own_request
from proxy.path.parse import Parsed
from proxy.refusals import BadAnswer
from proxy.vocabulary import Arrival, Exchange, UpstreamDown
from proxy.wire.message import Message, MessageKind, read_server
from proxy.wire.rules import Malformed

MAX_PAGES: Final = 20
"""Pages of one list that are asked for."""

LOG_IN: Final = 401
"""The status of an upstream that asks for a token."""


async def fetch_tools(gate: Gate, exchange: Exchange) -> list[Mapping[str, Any]]:
    """All tools of the upstream as it lists them to this caller, asked in the era and session of `exchange`.

    What cannot be had is left out: the call is then decided without a definition. Raises NotLoggedIn.
    """
    items: list[Mapping[str, Any]] = []
    cursor: str | None = None
    left = gate.bounds.answer_bytes
    for _ in range(MAX_PAGES):
        try:
            result, size = await _page(gate, exchange, cursor)
        except NotLoggedIn:
            await _note(gate, exchange, len(items))
            raise
        tools = result.get("tools")
        left -= size
        items += [item for item in tools if isinstance(item, dict)] if isinstance(tools, list) else []
        cursor = result.get("nextCursor")
        if not isinstance(cursor, str) or left <= 0:
            break
    await _note(gate, exchange, len(items))
    return items


async def _note(gate: Gate, exchange: Exchange, count: int) -> None:
    journal = gate.journals[exchange.caller.tenant]
    body = {
        "event": "definitions_fetched",
        "caller": caller_body(journal, exchange.caller),
        "session": session_body(journal, exchange.session),
        "upstream": exchange.upstream,
        "tools": count,
    }
    await journal.append(Entry(Kind.NOTICE, body))


async def _page(gate: Gate, exchange: Exchange, cursor: str | None) -> tuple[Mapping[str, Any], int]:
    """The result of one page and its size in bytes; an empty one if it cannot be had. Raises NotLoggedIn."""
    own = own_request(gate, exchange, "tools/list", {} if cursor is None else {"cursor": cursor})
    message = own.envelope.messages[0]
    leg = gate.upstreams[exchange.upstream].leg()
    try:
        tickets = passages(gate.orders.current, own, [Parsed(message, None)])
        arrival = await leg.send(own, lend(gate, own, tickets))
        if arrival.status == LOG_IN:
            raise NotLoggedIn
        answer = await _answer(arrival, message, gate)
    except (UpstreamDown, BadAnswer, Malformed):
        return {}, 0
    finally:
        await leg.close()
    return (answer.result, len(answer.raw)) if answer is not None and isinstance(answer.result, dict) else ({}, 0)


async def _answer(arrival: Arrival, request: Message, gate: Gate) -> Message | None:
    if arrival.body is not None:
        if not arrival.body:
            return None
        return _found(read_server(arrival.body, limit=gate.bounds.answer_bytes).messages, request)
    if arrival.frames is not None:
        async for frame in arrival.frames:
            if frame.envelope is not None and (found := _found(frame.envelope.messages, request)):
                return found
    return None


def _found(messages: tuple[Message, ...], request: Message) -> Message | None:
    key = None if request.id is None else request.id.key
    return next((m for m in messages if m.kind is MessageKind.RESULT and m.id is not None and m.id.key == key), None)
