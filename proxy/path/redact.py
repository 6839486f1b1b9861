"""Redact: values that policy names do not go on, upstream or back; every other byte stays as it came.

A pointer that leads nowhere redacts nothing. Which message a value stands in does not matter: what is named in a result
is looked for in the data of an error, and of a notification on the same stream, as well.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import structs

from policy.decision import ObligationUnmet
from policy.obligations import REDACTED, Pointer
from policy.vocabulary import Permit
from proxy.path.parse import Parsed
from proxy.vocabulary import Exchange
from proxy.wire.message import Message, MessageKind
from proxy.wire.splice import replace_at

OFF_LOOP_BYTES: Final = 64 << 10
"""A longer text is looked through in a thread."""

_MIRROR: Final = "mcp-param-"
_WITHIN: Final = {
    MessageKind.RESULT: ("result",),
    MessageKind.ERROR: ("error", "data"),
    MessageKind.NOTIFICATION: ("params", "data"),
}


async def redact_params(exchange: Exchange, parsed: Sequence[Parsed], permits: Sequence[Permit]) -> Exchange:
    """The exchange as its upstream is to get it.

    Raises ObligationUnmet where headers mirror arguments: they would say what is taken out of the body.
    """
    hidden = {permit.call.id: permit for permit in permits if permit.obligations.params}
    if not hidden:
        return exchange
    if any(name.lower().startswith(_MIRROR) for name, _ in exchange.headers):
        raise ObligationUnmet(next(iter(hidden.values())).decision, "redact")
    pieces = [await _without(item, hidden.get(item.call.id) if item.call is not None else None) for item in parsed]
    raw = b"[" + b",".join(pieces) + b"]" if exchange.envelope.batch else pieces[0]
    return structs.replace(exchange, envelope=structs.replace(exchange.envelope, raw=raw))


async def redacted(message: Message, raw: bytes, pointers: Sequence[Pointer]) -> bytes:
    """`raw`, which is what is left of `message`, without what `pointers` name in a result."""
    within = _WITHIN.get(message.kind)
    if not pointers or within is None:
        return raw
    return await _replaced(raw, [(*within, *pointer) for pointer in pointers])


async def _without(item: Parsed, permit: Permit | None) -> bytes:
    if permit is None:
        return item.message.raw
    return await _replaced(item.message.raw, [("params", *pointer) for pointer in permit.obligations.params])


async def _replaced(raw: bytes, paths: Iterable[Pointer]) -> bytes:
    if len(raw) > OFF_LOOP_BYTES:
        return await asyncio.to_thread(replace_at, raw, paths, REDACTED)
    return replace_at(raw, paths, REDACTED)
