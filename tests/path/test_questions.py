"""Questions of a server, however many and whatever becomes of their stream: each ends, and nothing of it is kept."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from evidence.journal import SpoolFailed
from evidence.record import Entry, Kind
from evidence.verify import verify_paths
from proxy.detached import Waiting, nothing
from proxy.gate import Gate
from proxy.path.judge import Judge
from proxy.path.question import admit_inputs
from proxy.path.record import Recording
from proxy.vocabulary import Ending, Exchange, Frame, Outcome
from proxy.wire.message import Message, read_client, read_server
from tests.path.edge import edge, stream
from tests.path.messages import MESSAGES, notification
from tests.path.stage import (
    HandClock,
    OrdersInHand,
    Rules,
    ScriptedEngine,
    ScriptedUpstream,
    WatchedJournal,
    callers,
    make_gate,
    open_journal,
)

ALICE, _ = callers()
LIMIT = 1 << 20


@dataclass(slots=True)
class Stage:
    """A gate, its engine and journal, and one exchange of alice's."""

    gate: Gate
    engine: ScriptedEngine
    journal: WatchedJournal
    exchange: Exchange


@asynccontextmanager
async def staged(root: Path) -> AsyncIterator[Stage]:
    """A sidecar whose upstream is never asked; at the end every intent has its outcome."""
    clock, engine = HandClock(), ScriptedEngine(Rules().ask)
    async with open_journal(root, clock) as journal:
        upstreams = {"files": ScriptedUpstream("files", lambda: pytest.fail("nothing is sent"))}
        gate = make_gate(journal, engine=engine, orders=OrdersInHand(), upstreams=upstreams, clock=clock)
        sent = read_client(MESSAGES["CALL"], limit=LIMIT)
        yield Stage(gate, engine, journal, Exchange(ALICE, "files", "http", "2025-11-25", None, sent))
        await asyncio.sleep(0.01)
        assert journal.open_calls == 0
        gate.tasks.close()
    assert verify_paths([root / "evidence"]).ok


def asking(*names: str, size: int = 0) -> Message:
    """A notification that asks for so many inputs."""
    asked = {name: {"method": "sampling/createMessage", "params": {"x": "x" * size}} for name in names}
    return read_server(notification("notifications/tasks", inputRequests=asked), limit=LIMIT).messages[0]


async def test_a_stream_of_questions_leaves_nothing_behind(tmp_path: Path) -> None:
    async with staged(tmp_path) as at:
        record, message = Recording(at.gate, at.exchange), asking("a", size=100_000)
        await admit_inputs(at.gate, at.exchange, record, message)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(30):
                await admit_inputs(at.gate, at.exchange, record, message)
            assert tracemalloc.get_traced_memory()[0] - before < 1_000_000
        finally:
            tracemalloc.stop()


async def test_questions_that_cannot_all_be_recorded_end(tmp_path: Path) -> None:
    async with staged(tmp_path) as at:
        record = Recording(at.gate, at.exchange)
        at.journal.watch = lambda _: at.journal.failing.add(Kind.INTENT)
        with pytest.raises(SpoolFailed):
            await admit_inputs(at.gate, at.exchange, record, asking("a", "b"))
        assert not record.open


def _late(seen: list[Ending]) -> Waiting:
    sent = Exchange(ALICE, "files", "http", "2025-11-25", None, read_client(MESSAGES["CALL"], limit=LIMIT))
    return Waiting(sent, sent.envelope.messages[0], None, seen.append, nothing)


async def test_a_late_answer_whose_stream_goes_meanwhile_comes_again(tmp_path: Path) -> None:
    seen: list[Ending] = []
    async with staged(tmp_path) as at:
        judge = Judge(at.gate, at.exchange, Recording(at.gate, at.exchange), ())
        key = (ALICE, "files", None, "n:1")
        at.gate.detached.add(key, _late(seen))
        at.engine.hold = asyncio.Event()
        frame = Frame(b"", read_server(MESSAGES["ASKS"], limit=LIMIT))
        task = asyncio.get_running_loop().create_task(judge.frame(frame, 200))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        assert len(at.gate.detached) == 1
        at.engine.hold.set()
        await judge.frame(frame, 200)
        assert [each.outcome for each in seen] == [Outcome.COMPLETED]


async def test_a_question_whose_stream_is_killed_while_it_is_recorded_ends(tmp_path: Path) -> None:
    async with edge(tmp_path, lambda _: stream(MESSAGES["SAMPLE"])) as at:

        def kill(entry: Entry) -> None:
            if entry.kind is Kind.INTENT:
                at.gate.obey(at.orders.give("kill"))

        at.journal.watch = kill
        assert b"sampling" not in (await at.send("GET")).raw
        assert at.journal.open_calls == 0
