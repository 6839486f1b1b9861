"""A decision's versions are those of the policy that made it, also when another becomes active meanwhile."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from policy.engine import EngineUnavailable, EntryPoint
from policy.vocabulary import SessionView
from proxy.path.decide import ask
from proxy.path.parse import call_of
from proxy.path.record import Recording
from proxy.vocabulary import Exchange
from proxy.wire.message import read_client
from tests.path.messages import MESSAGES
from tests.path.stage import HandClock, OrdersInHand, ScriptedEngine, callers, make_gate, open_journal


class Changing:
    """A policy that is replaced while it is asked, and decides by its own data."""

    def __init__(self) -> None:
        self.engine = ScriptedEngine(self.answer)

    def answer(self, _: EntryPoint, __: Mapping[str, Any]) -> Any:
        assert self.engine.active is not None
        said = {"effect": "allow", "reason": f"by_{self.engine.active.data_revision.replace(':', '_')}"}
        self.engine.active = replace(self.engine.active, data_revision="other")
        return said


async def decided(root: Path, engine: ScriptedEngine) -> Any:
    """The decision on one call."""
    clock = HandClock()
    async with open_journal(root, clock) as journal:
        gate = make_gate(journal, engine=engine, orders=OrdersInHand(), upstreams={}, clock=clock)
        sent = read_client(MESSAGES["CALL"], limit=1000)
        exchange = Exchange(callers()[0], "files", "http", "2026-07-28", None, sent)
        call = call_of(exchange, "tools/call", sent.messages[0].params, "client", gate)
        return await ask(gate, call, Recording(gate, exchange), SessionView(None))


async def test_versions_are_of_the_policy_that_decided(tmp_path: Path) -> None:
    changing = Changing()
    first, second = [await decided(tmp_path, changing.engine) for _ in range(2)]
    assert first.versions["data"] != second.versions["data"] == "other"
    assert first.reason == f"by_{first.versions['data'].replace(':', '_')}"
    assert second.reason == "by_other"


async def test_no_policy(tmp_path: Path) -> None:
    engine = ScriptedEngine(lambda *_: None)
    engine.active = None
    with pytest.raises(EngineUnavailable):
        await decided(tmp_path, engine)
