"""A thousand streams held open at once: what each takes, that each is told, and that all of them go away again."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.crash.upstream import NOTE
from tests.peers.raw import document, modern_headers
from tests.peers.sidecar import Sidecar
from tests.soak.places import NAMES, Remembering, between, remembering
from tests.soak.trial import Plan, Promise, Result, Say, at_least, at_most, equals
from tests.soak.watching import MAX_GROWN_MB, Sample, descriptors, look, own_mb, panels, settled, watched

STREAMS: Final = 1_000
ROUNDS: Final = 3
REST_SECONDS: Final = 22
"""Longer than two times what the sidecar lets pass between trimmings (`proxy/trimming.py`)."""

MAX_KB: Final = 60.0
_TOLD_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class _Round:
    """MB of its own while all were open; streams that were told; streams at the upstream then, and when dropped."""

    memory: float
    told: int
    opened: int
    left: int


def run(folder: Path, plan: Plan, say: Say) -> Result:
    """Open them, tell them, drop them without a word: some times, once after a rest, and the same again.

    At rest the sidecar gives back what it no longer needs: only then do two times compare.
    """
    count, rest = plan.scaled(STREAMS, 100), plan.scaled(REST_SECONDS, 1)
    with remembering(folder) as upstream, between(folder, upstream) as gate:
        process = gate.program.process.pid
        asyncio.run(_once(gate, upstream, 1))
        before = look(process, time.monotonic())
        with watched(process, 0.1) as samples:
            rounds: list[_Round] = []
            for _ in range(2):
                rounds += [_said(asyncio.run(_once(gate, upstream, count)), before, count, say) for _ in range(ROUNDS)]
                time.sleep(rest)
                rounds.append(_said(asyncio.run(_once(gate, upstream, count)), before, count, say))
        left = settled(lambda: descriptors(process), before.descriptors)
        gate.program.terminate()
        report = gate.folders.verify()
    did = f"{count:,} streams, half GET and half subscriptions/listen, opened and dropped {len(rounds)} times"
    outcomes = (at_most("descriptors afterwards", left, before.descriptors),
                equals("verify", report["error"] or "ok", "ok"),
                equals("intents less outcomes", report["intents"] - report["outcomes"], 0))  # fmt: skip
    return Result(did, (*_promises(rounds, before, count), *outcomes), panels(samples)[:3])


def _promises(rounds: list[_Round], before: Sample, count: int) -> Iterator[Promise]:
    yield at_least("streams open at the upstream, each time", min(one.opened for one in rounds), count)
    yield at_least("streams that were told, each time", min(one.told for one in rounds), count)
    yield at_most("streams left at the upstream", max(one.left for one in rounds), 0)
    yield at_most("kB for each stream", (rounds[0].memory - before.own) * 1000 / count, MAX_KB)
    yield at_most(
        "MB grown from the first time after a rest to the second",
        rounds[-1].memory - rounds[ROUNDS].memory,
        MAX_GROWN_MB,
    )


def _said(one: _Round, before: Sample, count: int, say: Say) -> _Round:
    say(f"{one.opened} open, {one.told} told, {(one.memory - before.own) * 1000 / count:.1f} kB each")
    return one


async def _once(gate: Sidecar, upstream: Remembering, count: int) -> _Round:
    async with AsyncExitStack() as stack:
        readers = [
            await stack.enter_async_context(_open(gate.port, head))
            for head in (_head(gate, number) for number in range(count))
        ]
        opened = await asyncio.to_thread(upstream.tell)
        told = sum(await asyncio.gather(*map(_is_told, readers)))
        memory = own_mb(gate.program.process.pid)
    left = await asyncio.to_thread(settled, upstream.streams, 0)
    return _Round(memory, told, opened, left)


def _head(gate: Sidecar, number: int) -> bytes:
    """The request of one stream: every other one is of the modern revision."""
    path, host = f"/{NAMES[number // 2 % 2]}", f"127.0.0.1:{gate.port}"
    if number % 2:
        return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n".encode()
    body = document("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, id=number)
    headers = {"Host": host, **modern_headers("subscriptions/listen"), "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


@asynccontextmanager
async def _open(port: int, request: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """One stream, once its first event is there; dropped as a client that vanishes drops it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await reader.readuntil(b"text/event-stream")
    await reader.readuntil(b"\n\n")
    try:
        yield reader
    finally:
        writer.transport.abort()


async def _is_told(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(_TOLD_SECONDS):
            await reader.readuntil(NOTE)
    except (TimeoutError, asyncio.IncompleteReadError):
        return False
    return True
