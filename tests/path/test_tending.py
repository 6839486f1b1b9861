"""The work beside the calls: a failure of it is told, ends nothing, and the work goes on."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from evidence.clock import SystemClock
from policy.containment import Orders, Scope
from policy.orders import OrderFile
from proxy.detached import Waiting
from proxy.gate import Gate
from proxy.going_on import keep, whatever_fails
from proxy.path.own import cancel
from proxy.tending import keep_obeying
from proxy.vocabulary import Exchange
from proxy.wire.message import Message, read_client
from tests.path.messages import MESSAGES
from tests.path.stage import (
    HandClock,
    OrdersInHand,
    Rules,
    ScriptedEngine,
    ScriptedUpstream,
    callers,
    make_gate,
    open_journal,
)

ALICE, _ = callers()


class Failing:
    """Work that fails so many times, and then goes on."""

    def __init__(self, failures: int) -> None:
        self.left = failures
        self.goes_on = asyncio.Event()

    async def work(self) -> None:
        self.left -= 1
        if self.left >= 0:
            raise RuntimeError("unexpected")
        self.goes_on.set()
        await asyncio.sleep(60)


async def test_work_that_fails_begins_anew_and_the_process_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    failing = Failing(2)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(keep("counting", failing.work, 0.0))
        await failing.goes_on.wait()
        task.cancel()
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert "counting" in caplog.text
    assert "unforeseen RuntimeError" in caplog.text


class Leg:
    """An upstream's leg that cannot tell anything."""

    def __init__(self) -> None:
        self.closed = False

    async def cancel(self, exchange: Exchange, messages: list[Message], reason: str) -> None:
        raise RuntimeError("no way out")

    async def close(self) -> None:
        self.closed = True


@asynccontextmanager
async def _gate(root: Path, leg: Leg) -> AsyncIterator[Gate]:
    clock = HandClock()
    async with open_journal(root, clock) as journal:
        upstreams = {"files": ScriptedUpstream("files", lambda: leg)}  # type: ignore[arg-type, return-value]
        engine = ScriptedEngine(Rules().ask)
        gate = make_gate(journal, engine=engine, orders=OrdersInHand(), upstreams=upstreams, clock=clock)
        yield gate
        gate.tasks.close()


async def test_an_upstream_that_cannot_be_told_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    leg = Leg()
    sent = Exchange(ALICE, "files", "http", "2025-11-25", None, read_client(MESSAGES["CALL"], limit=1 << 20))
    async with _gate(tmp_path, leg) as gate:
        await cancel(gate, Waiting(sent, sent.envelope.messages[0], None))
    assert leg.closed
    assert "unforeseen RuntimeError" in caplog.text


def _kill(state: Path, agent: str) -> None:
    OrderFile.open(state).issue("kill", Scope(agent=agent), "test", "operator", SystemClock().now().rfc3339())


class Forgetful(OrderFile):
    """Takes what the file says, and then fails, as often as it looks."""

    def poll(self) -> bool:
        if super().poll():
            raise RuntimeError("after the orders were read")
        return False


async def test_an_order_is_obeyed_although_its_watch_failed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file, seen = Forgetful.open(tmp_path), asyncio.Queue[Orders]()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(keep_obeying(file, seen.put_nowait))
        for agent in ("alice", "bob"):
            await asyncio.to_thread(_kill, tmp_path, agent)
            assert (await seen.get()).standing[-1].scope.agent == agent
        task.cancel()
    assert seen.empty()
    assert "unforeseen RuntimeError" in caplog.text


async def test_a_failure_while_obeying_does_not_end_the_watch(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file, seen = OrderFile.open(tmp_path), asyncio.Queue[Orders]()

    def obey(orders: Orders) -> None:
        seen.put_nowait(orders)
        if orders.number == 1:
            raise RuntimeError("the first one")

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(keep_obeying(file, obey))
        for number in (1, 2):
            await asyncio.to_thread(_kill, tmp_path, f"agent-{number}")
            assert (await seen.get()).number == number
        task.cancel()
    assert seen.empty()
    assert "unforeseen RuntimeError" in caplog.text


def test_what_a_failure_says_of_a_message_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail(error: Exception) -> None:
        raise error

    whatever_fails("keeping", lambda: fail(ValueError(str(4_000 + 111))), None)
    whatever_fails("keeping", lambda: fail(ExceptionGroup("", [FileNotFoundError(2, "No such file", "ca.pem")])), None)
    assert "4111" not in caplog.text
    assert "ValueError in keeping" in caplog.text
    assert "FileNotFoundError in keeping" in caplog.text
    assert "ca.pem" in caplog.text
