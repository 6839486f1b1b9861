"""Mixed load for a long time: calls, streams, calls given up and calls denied, at two upstreams."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.crash.load import Calls, call_until
from tests.peers.sidecar import Sidecar
from tests.soak.places import NAMES, between, remembering
from tests.soak.trial import Plan, Promise, Result, Say, at_most, equals, nothing
from tests.soak.watching import look, panels, steady, watched

SHARE: Final = 0.2
CALLERS: Final = 16
WARM_SECONDS: Final = 1.0
REST_SECONDS: Final = 5.0
"""Longer than the sidecar keeps idle connections to an upstream."""

_PROGRESS_SECONDS: Final = 10.0
_LOOKS: Final = 240


def run(folder: Path, plan: Plan, say: Say) -> Result:
    """Callers call while memory, descriptors and children are looked at; nothing may grow, and nothing be lost."""
    seconds = plan.seconds(SHARE)
    with remembering(folder) as upstream, between(folder, upstream) as gate:
        process = gate.program.process.pid
        warm = asyncio.run(load(gate, WARM_SECONDS, "warm", say))
        time.sleep(REST_SECONDS)
        before = look(process, time.monotonic())
        with watched(process, max(0.1, seconds / _LOOKS)) as samples:
            calls = asyncio.run(load(gate, seconds, "load", say))
        kept = steady(process, before, samples)
        gate.program.terminate()
        reached, report = upstream.reached(), gate.folders.verify()
    calls.add(warm)
    did = f"{calls.count():,} calls in {seconds:.0f} s: {len(calls.cancelled):,} given up, {len(calls.denied):,} denied"
    return Result(did, (*kept, *_lossless(calls, reached, report)), panels(samples))


def _lossless(calls: Calls, reached: set[str], report: Mapping[str, Any]) -> tuple[Promise, ...]:
    return (
        nothing("calls answered that did not reach the upstream", calls.answered - reached),
        nothing("denied calls that reached the upstream", calls.denied & reached),
        nothing("wrong answers", calls.wrong),
        nothing("calls refused for another reason than policy", calls.refused),
        nothing("calls without an answer", calls.unanswered),
        at_most("calls that reached the upstream, less intents", len(reached) - report["intents"], 0),
        equals("intents less outcomes", report["intents"] - report["outcomes"], 0),
        equals("verify", report["error"] or "ok", "ok"),
    )


async def load(gate: Sidecar, seconds: float, prefix: str, say: Say) -> Calls:
    """Call for so many seconds, and say so now and then."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        calls = tasks.create_task(call_until([gate.url(name) for name in NAMES], stop, prefix, CALLERS))
        begun = time.monotonic()
        while (left := seconds - (time.monotonic() - begun)) > 0:
            await asyncio.sleep(min(left, _PROGRESS_SECONDS))
            say(f"{time.monotonic() - begun:.0f} of {seconds:.0f} s")
        stop.set()
    return await calls
