"""Redaction of what is recorded: how much is looked through, when, and what comes of a call meanwhile."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evidence.record import Entry, Kind
from policy.containment import Orders, clear
from policy.decision import permit
from policy.vocabulary import Call, Decision
from proxy.path.record import Recording
from proxy.redacting import AT_ONCE, LONGEST, NOTHING, Redacting, RedactionConfig
from proxy.vocabulary import Delivery, EffectAt, Ending, Exchange, Outcome
from proxy.wire.message import read_client
from tests.path.messages import call
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
from tests.peers.places import ROOT

ALICE, _ = callers()
REDACTED = Decision("d", "allow", "ok", "", (), {"record": "redacted"}, "scripted", {}, signed=False)
CALL = Call("c", ALICE, None, "client", "http", "2025-11-25", None, "tools/call", "files", "echo", None, None)
SENT = call(1, "echo", to="ann@mail.example")
SHORT = b'{"to":"ann@mail.example"}'
LONG = b'{"to":"ann@mail.example","rest":"' + b"x " * AT_ONCE + b'"}'
TOO_LONG = b"[" + b"1," * LONGEST + b"1]"


def _redacting(*, loaded: bool = True) -> Redacting:
    made = Redacting(b"k" * 32, RedactionConfig())
    if loaded:
        asyncio.run(made.redacted(CALL, REDACTED, {"result": b"x"}))
    return made


WAITED = [
    pytest.param(SHORT, b'{"to":"[email]"}', id="short"),
    pytest.param(LONG, LONG.replace(b"ann@mail.example", b"[email]"), id="long"),
    pytest.param(TOO_LONG, None, id="too-long"),
]


@pytest.mark.parametrize(("text", "kept"), WAITED)
async def test_what_is_kept(text: bytes, kept: bytes | None) -> None:
    got = await _redacting(loaded=False).redacted(CALL, REDACTED, {"result": text, "detail": SHORT})
    assert got.get("result") == kept
    assert got["detail"] == b'{"to":"[email]"}', "one that is too long takes no other with it"


AT_HAND = [
    pytest.param(True, SHORT, b'{"to":"[email]"}', id="short"),
    pytest.param(True, LONG, None, id="long"),
    pytest.param(True, TOO_LONG, None, id="too-long"),
    pytest.param(False, SHORT, None, id="nothing-is-loaded-yet"),
]


@pytest.mark.parametrize(("loaded", "text", "kept"), AT_HAND)
def test_what_is_kept_where_nobody_waits(loaded: bool, text: bytes, kept: bytes | None) -> None:  # noqa: FBT001
    assert _redacting(loaded=loaded).redacted_now(CALL, REDACTED, {"result": text}).get("result") == kept


@pytest.mark.parametrize("record", ["full", "digest", None])
async def test_nothing_is_redacted_that_is_not_to_be(record: str | None) -> None:
    decision = Decision("d", "allow", "ok", "", (), {"record": record} if record else {}, "e", {}, signed=False)
    redacting = _redacting(loaded=False)
    assert await redacting.redacted(CALL, decision, {"result": SHORT}) == {}
    assert redacting.redacted_now(CALL, decision, {"result": SHORT}) == {}


LOOKED_THROUGH = [
    pytest.param(True, SHORT, False, id="short"),
    pytest.param(True, LONG, True, id="long"),
    pytest.param(False, SHORT, True, id="the-first"),
]


@pytest.mark.parametrize(("loaded", "text", "goes_on"), LOOKED_THROUGH)
def test_the_loop_goes_on_meanwhile(loaded: bool, text: bytes, goes_on: bool) -> None:  # noqa: FBT001
    redacting = _redacting(loaded=loaded)
    assert asyncio.run(_turns(redacting.redacted(CALL, REDACTED, {"result": text}))) is goes_on


async def _turns(work: Coroutine[Any, Any, object]) -> bool:
    """Whether another task had a turn before the work was done."""
    turned = asyncio.Event()
    asyncio.get_running_loop().call_soon(turned.set)
    await work
    return turned.is_set()


class Held(Redacting):
    """Looks through nothing before it is let go."""

    def __init__(self) -> None:
        super().__init__(b"k" * 32, RedactionConfig())
        self.holds = False
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def redacted(self, call: Call, decision: Decision | None, texts: Mapping[str, bytes]) -> Mapping[str, bytes]:
        if self.holds:
            self.asked.set()
            await self.go.wait()
        return await super().redacted(call, decision, texts) if texts else NOTHING


@asynccontextmanager
async def _answered(root: Path) -> AsyncIterator[tuple[Held, Recording, list[Entry]]]:
    """A call whose intent is recorded, and which is about to end; at the end it has one outcome."""
    clock, held = HandClock(), Held()
    async with open_journal(root, clock) as journal:
        upstreams = {"files": ScriptedUpstream("files", lambda: pytest.fail("nothing is sent"))}
        engine = ScriptedEngine(Rules().ask)
        gate = make_gate(journal, engine=engine, orders=OrdersInHand(), upstreams=upstreams, clock=clock)
        sent = read_client(SENT, limit=1 << 20)
        record = Recording(replace(gate, redacting=held), Exchange(ALICE, "files", "http", "2025-11-25", None, sent))
        entries = list[Entry]()
        journal.watch = entries.append
        await record.intend([permit(CALL, clear(Orders(), CALL), REDACTED)])
        held.holds = True
        yield held, record, entries
        assert journal.open_calls == 0
        assert [entry.kind for entry in entries].count(Kind.OUTCOME) == 1
        gate.tasks.close()


ENDING = Ending(Outcome.COMPLETED, Delivery.ANSWER, EffectAt.DONE, "ok", answer=SHORT)


async def _ends(record: Recording, held: Held, then: Callable[[asyncio.Task[None]], object]) -> None:
    task = asyncio.get_running_loop().create_task(record.ended(CALL, ENDING))
    await held.asked.wait()
    then(task)
    await asyncio.wait([task])


async def test_a_call_that_has_ended_is_not_ended_again_meanwhile(tmp_path: Path) -> None:
    killed = Ending(Outcome.KILLED, Delivery.NOTHING, EffectAt.UNKNOWN, "killed")
    async with _answered(tmp_path) as (held, record, entries):

        def kill(_: asyncio.Task[None]) -> None:
            assert record.ended_now(CALL, killed) is None
            held.go.set()

        await _ends(record, held, kill)
        assert entries[-1].body["outcome"] == "completed"
        assert entries[-1].redacted == {"result": b'{"to":"[email]"}'}


async def test_an_outcome_is_recorded_although_nobody_waits_for_its_text_any_more(tmp_path: Path) -> None:
    async with _answered(tmp_path) as (held, record, entries):
        await _ends(record, held, asyncio.Task.cancel)
        assert entries[-1].body["outcome"] == "completed"
        assert (entries[-1].redacted, entries[-1].plain) == ({}, False)


async def test_the_text_of_an_intent_is_redacted_too(tmp_path: Path) -> None:
    async with _answered(tmp_path) as (held, record, entries):
        held.go.set()
        await record.ended(CALL, ENDING)
        [intent] = [entry for entry in entries if entry.kind is Kind.INTENT]
        assert intent.redacted == {"message": SENT.replace(b"ann@mail.example", b"[email]")}


_RECORDED_IN_FULL = """
import asyncio, sys
from tests.path.test_redacting import CALL, REDACTED, SHORT
from proxy.redacting import Redacting, RedactionConfig
from policy.vocabulary import Decision
full = Decision("d", "allow", "ok", "", (), {"record": "full"}, "scripted", {}, signed=False)
redacting = Redacting(b"k" * 32, RedactionConfig())
asyncio.run(redacting.redacted(CALL, full, {"result": SHORT}))
before = "re2" in sys.modules
asyncio.run(redacting.redacted(CALL, REDACTED, {"result": SHORT}))
sys.stdout.write(f"{before} {'re2' in sys.modules}")
"""


def test_patterns_are_loaded_by_the_first_redacted_record() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _RECORDED_IN_FULL], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False True"
