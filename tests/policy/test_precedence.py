"""Questions about lists give way to those about calls, in an OPA that takes as long as the test wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from policy.engine import CannotDecide, EntryPoint
from policy.opa import OpaEngine
from policy.precedence import Precedence
from tests.policy.asking import document, listing, tool_call

PATIENT = 60.0


class Slow:
    """Hears questions and answers them when it is let: which ones came, in their order."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.answers = asyncio.Event()
        self.serving: list[asyncio.Task[None] | None] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.append(asyncio.current_task())
        while line := await reader.readline():
            length = 0
            while (header := await reader.readline()) != b"\r\n":
                length = int(header.split()[1]) if header.startswith(b"Content-Length") else length
            await reader.readexactly(length)
            self.heard.put_nowait(line.split(b"?")[0].rpartition(b"/")[2].decode())
            await self.answers.wait()
            writer.write(b"HTTP/1.1 500 Late\r\nContent-Length: 0\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async def hears(self) -> str:
        return await asyncio.wait_for(self.heard.get(), PATIENT)


@asynccontextmanager
async def _asked(folder: Path, seconds: float, *entries: EntryPoint) -> AsyncIterator[Slow]:
    """An OPA that was asked a decision, and then these; nothing is answered yet."""
    slow, path = Slow(), folder / "opa.sock"
    questions = {EntryPoint.LISTING: listing("tools/list")}
    async with await asyncio.start_unix_server(slow.serve, path):
        engine = OpaEngine(f"unix:{path}", budget_seconds=PATIENT, precedence=Precedence(seconds))

        async def ask(entry: EntryPoint) -> None:
            with pytest.raises(CannotDecide):
                await engine.ask(entry, questions.get(entry, document(tool_call())))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ask(EntryPoint.DECISION))
            assert await slow.hears() == "decision"
            for entry in entries:
                tasks.create_task(ask(entry))
            yield slow
            slow.answers.set()
        await engine.close()
        await asyncio.gather(*(task for task in slow.serving if task is not None))


async def test_a_list_waits_for_the_call_before_it(tmp_path: Path) -> None:
    async with _asked(tmp_path, PATIENT, EntryPoint.LISTING, EntryPoint.DECISION, EntryPoint.RESULT) as slow:
        assert {await slow.hears(), await slow.hears()} == {"decision", "result"}
        assert slow.heard.empty()
        slow.answers.set()
        assert await slow.hears() == "listing"


async def test_a_list_does_not_wait_for_ever(tmp_path: Path) -> None:
    async with _asked(tmp_path, 0.01, EntryPoint.LISTING) as slow:
        assert await slow.hears() == "listing"


async def test_without_a_call_nothing_waits() -> None:
    precedence = Precedence(PATIENT)
    await asyncio.wait_for(precedence.give_way(), 1.0)
    with precedence:
        pass
    await asyncio.wait_for(precedence.give_way(), 1.0)
