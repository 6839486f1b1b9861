"""Differing: what a list of tools says otherwise than was pinned is noted once, with the difference for a person."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from evidence.record import Entry, Kind
from policy.pins import Comparison, Pinning
from policy.vocabulary import Pinned
from proxy.gate import Gate
from proxy.path.bodies import MAX_NAME, caller_body, erasure_unit, session_body
from proxy.path.items import Items
from proxy.vocabulary import Exchange
from proxy.wire.message import Message

MAX_NOTED: Final = 50
"""Tools that one notice names."""

_FORMLESS: Final[Pinned] = "changed"
"""What a definition without a canonical form counts as: it cannot be the one that was pinned."""

_SETTLED: Final = frozenset[Pinned]({"same", "unpinned"})


async def note_differing(
    gate: Gate, exchange: Exchange, request: Message, result: Mapping[str, Any], pinning: Pinning, found: Comparison
) -> None:
    """Note which tools of a list are not as pinned; durable when this returns. The same list is noted once."""
    vanished = _vanished(pinning, request, result, found)
    differing = {name: kind or _FORMLESS for name, kind in found.items() if kind not in _SETTLED}
    lines = await asyncio.to_thread(_lines, result["tools"], pinning, differing) if differing else []
    news = gate.definitions.news(exchange.caller, exchange.upstream, (*lines, *vanished))
    if news and (differing or vanished):
        those = [tool for tool in result["tools"] if isinstance(tool, dict) and tool.get("name") in differing]
        around = gate.definitions.around(exchange.caller, exchange.upstream)
        odd = await asyncio.to_thread(Items(those[:MAX_NOTED], "name", gate.definitions.inspector, around).odd)
        await _note(gate, exchange, differing, vanished, lines, odd)


async def note_odd(gate: Gate, exchange: Exchange, tools: Items) -> None:
    """Note the findings about the tools of a list; durable when this returns. The same ones are noted once."""
    odd = await asyncio.to_thread(tools.odd)
    if gate.definitions.odd_news(exchange.caller, exchange.upstream, odd) and odd:
        await gate.journals[exchange.caller.tenant].append(
            Entry(
                Kind.NOTICE,
                {"event": "definition_findings", **_about(gate, exchange), **_named(odd), "found": len(odd)},
            )
        )


def difference(gate: Gate, exchange: Exchange, name: str) -> str:
    """What the upstream states of a tool otherwise than was pinned, for a person."""
    pinning = gate.pinning(exchange.upstream)
    stated = gate.definitions.stated(exchange.caller, exchange.upstream, name)
    return "" if pinning is None or stated is None else "\n".join(pinning.difference(name, stated))


def _lines(tools: Sequence[Any], pinning: Pinning, differing: Mapping[str, Pinned]) -> list[str]:
    """What differs, for a person: each tool with its kind, and below it what is another."""
    lines: list[str] = []
    for tool in tools:
        name = tool.get("name") if isinstance(tool, dict) else None
        if isinstance(name, str) and (kind := differing.get(name)) is not None:
            other = [] if kind == "new" else pinning.difference(name, tool)
            lines += [f"{kind} {name}", *(f"    {line}" for line in other)]
    return lines


def _vanished(pinning: Pinning, request: Message, result: Mapping[str, Any], found: Comparison) -> tuple[str, ...]:
    """Pinned tools that a list which is whole does not name."""
    return pinning.vanished(found) if is_whole(request, result) else ()


def is_whole(request: Message, result: Mapping[str, Any]) -> bool:
    """Whether the result of a request for a list has all of it, and is no page among others."""
    asked = request.params.get("cursor") if isinstance(request.params, Mapping) else None
    return asked is None and result.get("nextCursor") is None


async def _note(
    gate: Gate,
    exchange: Exchange,
    differing: Mapping[str, Pinned],
    vanished: Sequence[str],
    lines: Sequence[str],
    odd: Mapping[str, Sequence[str]],
) -> None:
    body = {
        "event": "definitions_differ",
        **_about(gate, exchange),
        **_named(odd),
        "tools": {name[:MAX_NAME]: kind for name, kind in list(differing.items())[:MAX_NOTED]},
        "vanished": [name[:MAX_NAME] for name in vanished[:MAX_NOTED]],
        "differing": len(differing),
    }
    secrets = {"difference": "\n".join(lines).encode()} if lines else {}
    journal = gate.journals[exchange.caller.tenant]
    unit = erasure_unit(journal, None, exchange.caller, exchange.upstream)
    await journal.append(Entry(Kind.NOTICE, body, secrets=secrets, unit=unit, retention=Kind.NOTICE.value))


def _about(gate: Gate, exchange: Exchange) -> dict[str, Any]:
    journal = gate.journals[exchange.caller.tenant]
    return {
        "caller": caller_body(journal, exchange.caller),
        "session": session_body(journal, exchange.session),
        "upstream": exchange.upstream,
    }


def _named(odd: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {"findings": {name[:MAX_NAME]: list(codes) for name, codes in list(odd.items())[:MAX_NOTED]}}
