"""A decision's versions are those of the policy that made it, also when another becomes active meanwhile."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from policy.engine import EngineFailed, EngineUnavailable, EntryPoint
from proxy.path.decide import ATTEMPTS, ask
from proxy.path.parse import call_of
from proxy.path.record import Recording
from proxy.vocabulary import Exchange
from proxy.wire.message import read_client
from tests.path.messages import MESSAGES
from tests.path.stage import HandClock, OrdersInHand, ScriptedEngine, callers, make_gate, open_journal


class Changing:
    """A policy that is replaced while it is asked, so many times, and decides by its own data."""

    def __init__(self, times: int) -> None:
        self.engine = ScriptedEngine(self.answer)
        self.asked = 0
        self._times = times

    def answer(self, _: EntryPoint, __: Mapping[str, Any]) -> Any:
        self.asked += 1
        assert self.engine.active is not None
        said = {"effect": "allow", "reason": f"by_{self.engine.active.data_revision.replace(':', '_')}"}
        if self.asked <= self._times:
            self.engine.active = replace(self.engine.active, data_revision=f"data{self.asked}")
        return said


async def decided(root: Path, engine: ScriptedEngine) -> Any:
    """The decision on one call."""
    clock = HandClock()
    async with open_journal(root, clock) as journal:
        gate = make_gate(journal, engine=engine, orders=OrdersInHand(), upstreams={}, clock=clock)
        sent = read_client(MESSAGES["CALL"], limit=1000)
        exchange = Exchange(callers()[0], "files", "http", "2026-07-28", None, sent)
        call = call_of(exchange, "tools/call", sent.messages[0].params, "client", gate)
        return await ask(gate, call, Recording(gate, exchange))


@pytest.mark.parametrize("times", range(ATTEMPTS))
async def test_versions_are_of_the_policy_that_decided(times: int, tmp_path: Path) -> None:
    changing = Changing(times)
    decision = await decided(tmp_path, changing.engine)
    assert decision.reason == f"by_{decision.versions['data'].replace(':', '_')}"
    assert changing.asked == times + 1


async def test_a_policy_that_never_rests(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed):
        await decided(tmp_path, Changing(ATTEMPTS).engine)


async def test_no_policy(tmp_path: Path) -> None:
    engine = ScriptedEngine(lambda *_: None)
    engine.active = None
    with pytest.raises(EngineUnavailable):
        await decided(tmp_path, engine)
