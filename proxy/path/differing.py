"""Differing: what a list of tools says otherwise than was pinned is noted once, with the difference for a person."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from evidence.record import Entry, Kind
from policy.pins import Pinning, doubled
from policy.vocabulary import Pinned
from proxy.definitions import pinned_of
from proxy.gate import Gate
from proxy.path.bodies import MAX_NAME, caller_body, session_body
from proxy.vocabulary import Exchange
from proxy.wire.message import Message

MAX_NOTED: Final = 50
"""Tools that one notice names."""

_SETTLED: Final = frozenset[Pinned]({"same", "unpinned"})


async def note_differing(gate: Gate, exchange: Exchange, request: Message, result: Mapping[str, Any]) -> None:
    """Note which tools of a list are not as pinned; durable when this returns. The same list is noted once."""
    pinning = gate.pinning(exchange.upstream)
    tools = result.get("tools")
    if pinning is None or not isinstance(tools, list):
        return
    kinds, lines = await asyncio.to_thread(_compared, tools, pinning)
    vanished = _vanished(pinning, request, result, kinds)
    differing = {name: kind for name, kind in kinds.items() if kind not in _SETTLED}
    news = gate.definitions.news(exchange.caller, exchange.upstream, (*lines, *vanished))
    if news and (differing or vanished):
        await _note(gate, exchange, differing, vanished, lines)


def difference(gate: Gate, exchange: Exchange, name: str) -> str:
    """What the upstream states of a tool otherwise than was pinned, for a person."""
    pinning = gate.pinning(exchange.upstream)
    stated = gate.definitions.stated(exchange.caller, exchange.upstream, name)
    return "" if pinning is None or stated is None else "\n".join(pinning.difference(name, stated))


def _compared(tools: Sequence[Any], pinning: Pinning) -> tuple[dict[str, Pinned], list[str]]:
    named = [tool for tool in tools if isinstance(tool, dict) and isinstance(tool.get("name"), str)]
    twice = doubled(tool["name"] for tool in named)
    kinds: dict[str, Pinned] = {}
    lines: list[str] = []
    for tool in named:
        name = tool["name"]
        try:
            kinds[name] = kind = pinned_of(tool, pinning, doubled=name in twice)
        except ValueError:
            kinds[name] = kind = "changed"
        if kind not in _SETTLED:
            lines += [f"{kind} {name}", *(f"    {line}" for line in pinning.difference(name, tool) if kind != "new")]
    return kinds, lines


def _vanished(
    pinning: Pinning, request: Message, result: Mapping[str, Any], kinds: Mapping[str, Pinned]
) -> tuple[str, ...]:
    """Pinned tools that a list which is whole does not name."""
    asked = request.params.get("cursor") if isinstance(request.params, Mapping) else None
    return () if asked is not None or result.get("nextCursor") is not None else pinning.vanished(kinds)


async def _note(
    gate: Gate, exchange: Exchange, differing: Mapping[str, Pinned], vanished: Sequence[str], lines: Sequence[str]
) -> None:
    journal = gate.journals[exchange.caller.tenant]
    body = {
        "event": "definitions_differ",
        "caller": caller_body(journal, exchange.caller),
        "session": session_body(journal, exchange.session),
        "upstream": exchange.upstream,
        "tools": {name[:MAX_NAME]: kind for name, kind in list(differing.items())[:MAX_NOTED]},
        "vanished": [name[:MAX_NAME] for name in vanished[:MAX_NOTED]],
        "differing": len(differing),
    }
    secrets = {"difference": "\n".join(lines).encode()} if lines else {}
    unit = f"caller:{exchange.caller.agent}"
    await journal.append(Entry(Kind.NOTICE, body, secrets=secrets, unit=unit))
