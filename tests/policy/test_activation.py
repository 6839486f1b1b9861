"""What an engine did not take is put to it again: one that was away, and an OPA that loads late."""

import asyncio
import os
from pathlib import Path

import pytest

from policy.activation import PolicyEvent, PolicySource
from policy.bundle import load
from policy.embedded import EmbeddedEngine
from policy.engine import CannotDecide, EntryPoint, Policy
from policy.opa import OpaEngine
from policy.opa_process import OpaProcess, find_opa
from policy.retrying import MOST_LOOKS, Retrying
from tests.policy.asking import call, document

ALLOW = """package agentgate

decision := {"effect": "allow", "reason": "ok", "message": "", "rules": [], "obligations": {}}
"""
TOOL_CALL = document(call("tools/call", {"name": "echo", "arguments": {}}))


def _looks(again: Retrying, *, ready: bool) -> int | None:
    """After how many looks it is tried again; None if not within twice the longest pause."""
    return next((look for look in range(1, 2 * MOST_LOOKS) if again.due(ready=ready)), None)


def test_an_engine_that_is_away_is_tried_ever_more_rarely() -> None:
    again, pauses = Retrying(), []
    for _ in range(8):
        again.failed(refused=False)
        pauses.append(_looks(again, ready=True))
    assert pauses == [2, 4, 8, 16, 32, MOST_LOOKS, MOST_LOOKS, MOST_LOOKS]


@pytest.mark.parametrize(
    ("refused", "ready", "looks"),
    [
        pytest.param(True, True, None, id="refused-by-one-that-answers"),
        pytest.param(True, False, 2, id="refused-by-one-that-answers-for-another-policy"),
        pytest.param(False, True, 2, id="not-there-and-ready-for-the-one-before"),
        pytest.param(False, False, 2, id="not-there"),
    ],
)
def test_when_it_is_tried_again(*, refused: bool, ready: bool, looks: int | None) -> None:
    again = Retrying()
    again.failed(refused=refused)
    assert _looks(again, ready=ready) == looks


def test_nothing_is_tried_again_once_it_was_taken() -> None:
    again = Retrying()
    again.failed(refused=False)
    again.taken()
    assert _looks(again, ready=False) is None


async def _asked_without_end(engine: OpaEngine) -> None:
    while True:
        await engine.ask(EntryPoint.DECISION, TOOL_CALL)


async def test_an_opa_that_loads_late_decides_once_it_has(tmp_path: Path) -> None:
    """It goes on with the policy before, then answers for one that was refused, and is taken at its word in the end."""
    rules = tmp_path / "policy" / "a.rego"
    rules.parent.mkdir()
    rules.write_text(ALLOW)
    process = OpaProcess(find_opa(os.environ), tmp_path / "opa")  # noqa: TID251  (where OPA is, is the machine's setting)
    engine = OpaEngine(process.address, budget_seconds=5.0, activation_seconds=0.3)
    source = PolicySource(str(rules.parent), tmp_path / "grants.json")
    events: asyncio.Queue[PolicyEvent] = asyncio.Queue()
    try:
        await process.start(source.load())
        await source.begin(engine)
        rules.write_text(ALLOW.replace('"ok"', '"later"'))
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(source.watch(engine, events.put_nowait))
            refused = await events.get()
            assert "OPA did not load the policy within" in refused.problems[0]
            assert (await engine.ask(EntryPoint.DECISION, TOOL_CALL)).value["reason"] == "ok"
            await process.load(load(str(rules.parent), grants=None))
            with pytest.raises(CannotDecide):
                await _asked_without_end(engine)  # Until it has the new one, it answers by the old one.
            taken = await events.get()
            assert (taken.policy, taken.problems) == (engine.active, ())
            assert (await engine.ask(EntryPoint.DECISION, TOOL_CALL)).value["reason"] == "later"
            watching.cancel()
    finally:
        await engine.close()
        await process.stop()


class Stumbling(EmbeddedEngine):
    """Fails as nobody foresaw when the second policy is put to it."""

    def __init__(self) -> None:
        super().__init__()
        self.activations = 0

    async def activate(self, policy: Policy) -> None:
        self.activations += 1
        if self.activations == 2:
            raise RuntimeError("unforeseen")
        await super().activate(policy)


async def test_a_policy_is_tried_again_after_an_unforeseen_failure(tmp_path: Path) -> None:
    rules = tmp_path / "policy" / "a.rego"
    rules.parent.mkdir()
    rules.write_text(ALLOW)
    source, engine = PolicySource(str(rules.parent), tmp_path / "grants.json"), Stumbling()
    events: asyncio.Queue[PolicyEvent] = asyncio.Queue()
    try:
        await source.begin(engine)
        rules.write_text(ALLOW.replace('"ok"', '"later"'))
        with pytest.raises(RuntimeError, match="unforeseen"):
            async with asyncio.timeout(30):
                await source.watch(engine, events.put_nowait)
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(source.watch(engine, events.put_nowait))
            event = await events.get()
            watching.cancel()
        assert event.policy is not None
        assert engine.active is event.policy
    finally:
        await engine.close()
