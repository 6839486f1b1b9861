"""Filter: what policy hides is cut out of a list, and nothing else of the list is touched."""

import asyncio
from typing import Any, Final

from policy.decision import hidden, input_text, listing_values
from policy.engine import CannotDecide, EntryPoint, PolicyMoved
from policy.findings.names import ALONE
from policy.methods import LIST_ITEMS
from policy.pins import Comparison, Pinning
from policy.reads import EVERYTHING, Reads
from policy.vocabulary import Call
from proxy.gate import Gate
from proxy.path.about import is_hidden
from proxy.path.differing import is_whole, note_differing, note_odd
from proxy.path.items import Items, Judged, wanted_of
from proxy.path.parse import call_of
from proxy.path.remember import view_of
from proxy.refusals import BadAnswer
from proxy.vocabulary import Exchange
from proxy.wire.message import Message, MessageKind, modern_version
from proxy.wire.splice import edit_list

CHUNK: Final = 128
"""Definitions that policy is asked about at a time: the decision of a call waits for no more than these."""

SHORT_TTL_MS: Final = 5_000
"""How long a filtered list of 2026-07-28 may be cached, privately: its next reading may be filtered differently."""

OFF_LOOP_ITEMS: Final = 50
"""Lists longer than this are looked through, and cut, on a thread, so that other calls are not stalled."""

_Pinned = tuple[Pinning, Comparison] | tuple[None, None]
"""The pins of an upstream, and how its list compares to them; none for what is not pinned."""


async def filter_list(gate: Gate, exchange: Exchange, request: Message, answer: Message) -> bytes:
    """The bytes of `answer` as the client may see them; also learns the definitions of a tools/list that passes.

    A list that cannot be judged is emptied, never passed; raises BadAnswer for one that is no array. The very bytes
    come back where nothing is to be changed.
    """
    method = request.method or ""
    if method not in LIST_ITEMS or answer.kind is not MessageKind.RESULT or not isinstance(answer.result, dict):
        return answer.raw
    key, name = LIST_ITEMS[method]
    items = answer.result.get(key)
    if items is not None and not isinstance(items, list):
        raise BadAnswer("malformed_list", f"{key} is not an array")
    if items is None:
        return answer.raw
    pinned: _Pinned = (None, None)
    if method == "tools/list":
        whole = is_whole(request, answer.result)
        gate.definitions.learn(exchange.caller, exchange.upstream, items, len(answer.raw), whole=whole)
        if (pinning := gate.pinning(exchange.upstream)) is not None:
            pinned = (pinning, compared := await asyncio.to_thread(pinning.compared, items))
            await note_differing(gate, exchange, request, answer.result, pinning, compared)
    own = [not is_hidden(gate, exchange, _named(item, name)) for item in items] if method == "tasks/list" else []
    if (policy := gate.engine.active) is not None and policy.hides_nothing and all(own):
        return answer.raw
    keep = await _kept(gate, exchange, request, items, name, pinned)
    keep = [one and other for one, other in zip(keep, own, strict=True)] if own else keep
    members = _private(answer.result) if exchange.modern or modern_version(request) else {}
    if all(keep) and not members:
        return answer.raw
    if len(items) > OFF_LOOP_ITEMS:
        return await asyncio.to_thread(edit_list, answer.raw, key, keep, members)
    return edit_list(answer.raw, key, keep, members)


async def _kept(
    gate: Gate, exchange: Exchange, request: Message, items: list[Any], name: str, pinned: _Pinned
) -> list[bool]:
    call = call_of(exchange, request.method or "", request.params, "client", gate, modern_version(request))
    reads, (pinning, compared) = gate.engine.reads, pinned
    is_tools = call.method == "tools/list"
    around = gate.definitions.around(exchange.caller, exchange.upstream) if is_tools else ALONE
    those = Items(items, name, gate.definitions.inspector, around)
    finding = "findings" in wanted_of(reads)
    if finding or len(items) > OFF_LOOP_ITEMS:
        told = await asyncio.to_thread(those.told, reads, compared)
    else:
        told = those.told(reads, compared)
    if finding and is_tools:
        await note_odd(gate, exchange, those)
    listed = Judged(those, reads, pinning, told)
    keep: list[bool] = []
    for begin in range(0, len(items), CHUNK):
        keep += await _ask(gate, call, listed, begin)
    return keep


def _pinning(gate: Gate, call: Call) -> Pinning | None:
    """The pins of the tools that are listed; nothing else is pinned."""
    return gate.pinning(call.upstream) if call.method == "tools/list" else None


def _named(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, dict) else None


async def _ask(gate: Gate, call: Call, listed: Judged, begin: int) -> list[bool]:
    """What to keep of the chunk that begins there; nothing of it where policy has no answer."""
    try:
        view = await view_of(gate, call)
        values = listing_values(call, (), session=view, sidecar=gate.sidecar, now=gate.clock.now())
        try:
            return await _answered(gate, call, listed, begin, values, gate.engine.reads)
        except PolicyMoved:
            return await _answered(gate, call, listed, begin, values, EVERYTHING)
    except CannotDecide:
        return [False] * len(listed.told[begin : begin + CHUNK])


async def _answered(
    gate: Gate, call: Call, listed: Judged, begin: int, values: dict[str, Any], reads: Reads
) -> list[bool]:
    """What policy says of a chunk. Nothing is awaited before the engine is: the policy stays the one that reads so."""
    chunk = listed.chunk(begin, begin + CHUNK, reads, _pinning(gate, call))
    document = reads.narrowed(values)
    if "items" in document:
        document["items"] = [told[1] for told in chunk if told is not None]
    hide = hidden(await gate.engine.ask(EntryPoint.LISTING, input_text(document)))
    return [hide is not None and told is not None and told[0] not in hide for told in chunk]


def _private(result: dict[str, Any]) -> dict[str, str]:
    ttl = result.get("ttlMs")
    members = {"cacheScope": '"private"'}
    if type(ttl) is not int or not 0 <= ttl <= SHORT_TTL_MS:
        members["ttlMs"] = str(SHORT_TTL_MS)
    return members
