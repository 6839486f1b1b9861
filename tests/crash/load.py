"""Callers that call until the sidecar is gone, each call with a token of its own."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import aiohttp

from tests.peers.raw import document, modern_headers


@dataclass(slots=True)
class Calls:
    """What the callers saw: tokens whose answer they got, and how many calls had none."""

    answered: set[str] = field(default_factory=set)
    unanswered: int = 0


async def call_until(url: str, stop: asyncio.Event, prefix: str, callers: int = 8) -> Calls:
    """Call `echo` and `slow` in turns on `callers` connections until `stop`, or until nobody listens."""
    calls = Calls()
    tokens = (f"{prefix}-{number}" for number in itertools.count())
    connector = aiohttp.TCPConnector(limit=callers)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(_call(session, url, stop, tokens, calls) for _ in range(callers)))
    return calls


async def _call(
    session: aiohttp.ClientSession, url: str, stop: asyncio.Event, tokens: Iterator[str], calls: Calls
) -> None:
    tools = itertools.cycle(("echo", "slow"))
    while not stop.is_set():
        tool, token = next(tools), next(tokens)
        body = document("tools/call", {"name": tool, "arguments": {"token": token}})
        try:
            async with session.post(url, data=body, headers=modern_headers("tools/call", tool)) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, OSError):
            calls.unanswered += 1
            return
        if token in text:
            calls.answered.add(token)
