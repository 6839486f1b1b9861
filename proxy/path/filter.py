"""Filter: what policy hides is cut out of a list, and nothing else of the list is touched."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from policy.decision import hidden, input_text, listing_values
from policy.engine import CannotDecide, EntryPoint, PolicyMoved
from policy.methods import LIST_ITEMS
from policy.pins import Comparison, Pinning, digest
from policy.reads import EVERYTHING, Reads
from policy.vocabulary import Call
from proxy.definitions import annotations_of
from proxy.gate import Gate
from proxy.path.differing import note_differing
from proxy.path.outlive import is_foreign
from proxy.path.parse import call_of
from proxy.path.remember import view_of
from proxy.refusals import BadAnswer
from proxy.vocabulary import Exchange
from proxy.wire.message import Message, MessageKind, modern_version
from proxy.wire.splice import edit_list

CHUNK: Final = 200
"""Definitions that policy is asked about at a time: 1,000 take an embedded engine 0.3 s."""

SHORT_TTL_MS: Final = 5_000
"""How long a filtered list of 2026-07-28 may be cached, privately: its next reading may be filtered differently."""

OFF_LOOP_ITEMS: Final = 50
"""Lists longer than this are looked through, and cut, on a thread, so that other calls are not stalled."""

_Pinned = tuple[Pinning, Comparison] | tuple[None, None]
"""The pins of an upstream, and how its list compares to them; none for what is not pinned."""

Told = tuple[str, dict[str, Any]]
"""The name of an item, and what policy is told of it."""


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
        gate.definitions.learn(exchange.caller, exchange.upstream, items, len(answer.raw))
        if (pinning := gate.pinning(exchange.upstream)) is not None:
            pinned = (pinning, compared := await asyncio.to_thread(pinning.compared, items))
            await note_differing(gate, exchange, request, answer.result, pinning, compared)
    own = [not is_foreign(gate, exchange, _named(item, name)) for item in items] if method == "tasks/list" else []
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
    if len(items) > OFF_LOOP_ITEMS:
        told = await asyncio.to_thread(_told, items, name, reads, compared)
    else:
        told = _told(items, name, reads, compared)
    listed = _Listed(items, name, reads, pinning, told)
    keep: list[bool] = []
    for begin in range(0, len(items), CHUNK):
        keep += await _ask(gate, call, listed, begin)
    return keep


def _pinning(gate: Gate, call: Call) -> Pinning | None:
    """The pins of the tools that are listed; nothing else is pinned."""
    return gate.pinning(call.upstream) if call.method == "tools/list" else None


@dataclass(frozen=True, slots=True)
class _Listed:
    """The items of a list by their member `name`, and what policy is told of each if it reads what `reads` says."""

    items: list[Any]
    name: str
    reads: Reads
    pinning: Pinning | None
    told: list[Told | None]

    def chunk(self, begin: int, reads: Reads, pinning: Pinning | None) -> list[Told | None]:
        """A chunk for the policy that reads `reads` and has these pins: it may be another one by now."""
        end = begin + CHUNK
        if reads is self.reads and pinning is self.pinning:
            return self.told[begin:end]
        compared = None if pinning is None else pinning.compared(self.items)
        return _told(self.items, self.name, reads, compared)[begin:end]


def _named(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, dict) else None


def _told(items: list[Any], name: str, reads: Reads, compared: Comparison | None) -> list[Told | None]:
    """Every item as `reads` narrows it; None for what has no name, or no definition where policy wants one."""
    within = reads.of("items")
    digested = _wants_digest(within)
    stated = [_stated(item, name, compared, digested=digested) for item in items]
    narrowed = iter(within.narrowed([one for one in stated if one is not None]))
    return [None if one is None else (one["name"], next(narrowed)) for one in stated]


def _wants_digest(within: Reads) -> bool:
    (value,) = within.narrowed([{"name": "", "definition": {"digest": ""}}])
    return "digest" in value.get("definition", ())


def _stated(item: Any, name: str, compared: Comparison | None, *, digested: bool) -> dict[str, Any] | None:
    if not isinstance(item, dict) or not isinstance(named := item.get(name), str):
        return None
    kind = "unpinned" if compared is None else compared[named]
    if kind is None:
        return None
    definition: dict[str, Any] = {"pinned": kind, "annotations": annotations_of(item)}
    if digested:
        try:
            definition["digest"] = digest(item)
        except ValueError:
            return None
    return {"name": named, "definition": definition}


async def _ask(gate: Gate, call: Call, listed: _Listed, begin: int) -> list[bool]:
    """What to keep of the chunk that begins there; nothing of it where policy has no answer."""
    try:
        view = await view_of(gate, call)
        values = listing_values(call, (), session=view, sidecar=gate.sidecar, now=gate.clock.now())
        try:
            return await _answered(gate, call, listed, begin, values, gate.engine.reads)
        except PolicyMoved:
            return await _answered(gate, call, listed, begin, values, EVERYTHING)
    except CannotDecide:
        return [False] * len(listed.items[begin : begin + CHUNK])


async def _answered(
    gate: Gate, call: Call, listed: _Listed, begin: int, values: dict[str, Any], reads: Reads
) -> list[bool]:
    """What policy says of a chunk. Nothing is awaited before the engine is: the policy stays the one that reads so."""
    chunk, document = listed.chunk(begin, reads, _pinning(gate, call)), reads.narrowed(values)
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
