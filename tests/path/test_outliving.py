"""Calls that outlive their exchange: each has its outcome, however many there are, and whatever fails beside it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from msgspec import structs

from evidence.journal import Limits
from evidence.record import Entry, Kind
from policy.containment import Orders, clear
from policy.decision import permit
from policy.vocabulary import Call, Decision
from proxy.detached import Detached, Waiting, nothing
from proxy.gate import Gate
from proxy.path.record import Recording
from proxy.places import Places
from proxy.vocabulary import Delivery, EffectAt, Ending, Exchange, Outcome
from proxy.wire.message import read_client
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
ALLOWED = Decision("d", "allow", "ok", "", (), {}, "scripted", {}, signed=False)
CALL = Call("c", ALICE, None, "client", "http", "2026-07-28", None, "tools/call", "files", "echo", None, None)
SENT = Exchange(ALICE, "files", "http", "2026-07-28", None, read_client(MESSAGES["CALL"], limit=1 << 20))
ROOM = Limits(min_free_bytes=0, reserve_bytes=16 << 20, head_seconds=30.0)
LONG = 1_000
"""Rounds of one call: more than the interpreter has frames."""

DONE = Ending(Outcome.COMPLETED, Delivery.ANSWER, EffectAt.DONE, "ok")


@dataclass(slots=True)
class Scene:
    """A gate, and what its journal is given."""

    gate: Gate
    clock: HandClock
    orders: OrdersInHand
    entries: list[Entry]

    def outcomes(self) -> list[str]:
        """What became of the calls, in the order in which they ended."""
        ended = [entry.body for entry in self.entries if entry.kind is Kind.OUTCOME]
        return [f"{body['outcome']} {body['reason']}" for body in ended]

    async def intended(self, id: str, continues: str | None = None) -> tuple[Recording, Call]:
        """A call whose intent is recorded."""
        call = structs.replace(CALL, id=id, continues=continues)
        record = Recording(self.gate, SENT)
        await record.intend([permit(call, clear(Orders(), call), ALLOWED)])
        return record, call

    async def rounds(self, number: int) -> str:
        """So many calls, each answered with questions, and each but the first the one that answers them; the last."""
        before = None
        for each in range(number):
            record, call = await self.intended(f"{each:032x}", before)
            waiting = record.apart(call, SENT, SENT.envelope.messages[0])
            self.gate.rounds.asked(call, {"requestState": f"s{each}"}, replace(waiting, late=nothing))
            before = call.id
        assert before is not None
        return before


@asynccontextmanager
async def _scene(root: Path) -> AsyncIterator[Scene]:
    """At the end no call is open."""
    clock, orders = HandClock(), OrdersInHand()
    async with open_journal(root, clock, ROOM) as journal:
        upstreams = {"files": ScriptedUpstream("files", lambda: pytest.fail("nothing is sent"))}
        engine = ScriptedEngine(Rules().ask)
        gate = make_gate(journal, engine=engine, orders=orders, upstreams=upstreams, clock=clock, limits=ROOM)
        entries = list[Entry]()
        journal.watch = entries.append
        yield Scene(gate, clock, orders, entries)
        assert journal.open_calls == 0
        gate.tasks.close()


@contextmanager
def _flying(gate: Gate) -> Iterator[asyncio.Task[None]]:
    """A call in flight, which a kill is to stop."""

    async def fly() -> None:
        with gate.flights.enter(ALICE, "files", None, (CALL,)):
            await asyncio.sleep(60)

    task = asyncio.get_running_loop().create_task(fly())
    yield task
    assert task.cancelling()


async def test_many_rounds_end_with_the_last_of_them(tmp_path: Path) -> None:
    async with _scene(tmp_path) as scene:
        record, call = await scene.intended("last", await scene.rounds(LONG))
        await record.ended(call, DONE)
        assert scene.outcomes() == ["completed ok", *["completed continued"] * LONG]


async def test_many_rounds_that_nobody_goes_on_with_are_given_up(tmp_path: Path) -> None:
    async with _scene(tmp_path) as scene:
        await scene.rounds(LONG)
        scene.clock.move(3601)
        scene.gate.expire()
        assert scene.outcomes() == ["cancelled not_continued", *["cancelled continued"] * (LONG - 1)]


async def test_a_kill_that_ends_many_rounds_stops_what_is_in_flight(tmp_path: Path) -> None:
    async with _scene(tmp_path) as scene:
        await scene.rounds(LONG)
        with _flying(scene.gate):
            await asyncio.sleep(0)
            stopped, detached = scene.gate.obey(scene.orders.give("kill"))
        assert (stopped, detached) == (LONG + 1, [])
        assert len(scene.outcomes()) == LONG


class Broken(Detached):
    """Remembers calls, and fails to end them."""

    def stop(self, orders: Orders) -> list[Waiting]:
        raise RuntimeError("stop")

    def expire(self) -> None:
        raise RuntimeError("expire")


async def test_a_kill_stops_all_that_it_can(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with _scene(tmp_path) as scene:
        gate = replace(scene.gate, detached=Broken(scene.clock.seconds, Places(8)))
        await scene.rounds(3)
        with _flying(gate):
            await asyncio.sleep(0)
            stopped, _ = gate.obey(scene.orders.give("kill"))
        assert stopped == 4
        assert [outcome.split()[0] for outcome in scene.outcomes()] == ["killed"] * 3
        assert "unforeseen RuntimeError" in caplog.text


async def test_what_waits_too_long_is_given_up_whatever_fails_beside_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with _scene(tmp_path) as scene:
        gate = replace(scene.gate, detached=Broken(scene.clock.seconds, Places(8)))
        await scene.rounds(1)
        scene.clock.move(3601)
        gate.expire()
        assert scene.outcomes() == ["cancelled not_continued"]
        assert "unforeseen RuntimeError" in caplog.text


async def test_a_call_that_cannot_be_ended_keeps_no_other_from_its_end(caplog: pytest.LogCaptureFixture) -> None:
    ended, detached = list[Ending](), Detached(HandClock().seconds, Places(8))

    def fail(_: Ending) -> None:
        raise RuntimeError("no form")

    for number, end in enumerate((fail, ended.append)):
        detached.add((ALICE, "files", None, str(number)), Waiting(SENT, SENT.envelope.messages[0], CALL, end))
    detached.stop(OrdersInHand().give("kill"))
    assert [str(ending.outcome) for ending in ended] == ["killed"]
    assert "unforeseen RuntimeError" in caplog.text
