"""Descriptors run out: the sidecar refuses, goes on when there are some again, and loses nothing."""

import asyncio
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.crash.load import Calls, call_until
from tests.crash.reckoning import reckon
from tests.peers.sidecar import Sidecar
from tests.soak.kills import promises
from tests.soak.mixed import load
from tests.soak.places import NAMES, between, remembering, restart
from tests.soak.trial import Plan, Result, Say, at_least, at_most, nothing
from tests.soak.watching import descriptors, settled

ROUNDS: Final = 5
SPARE: Final = 12
"""Descriptors that are left: for a few calls, each of which takes two."""

CALLERS: Final = 64
LOAD_SECONDS: Final = 1.0


def run(folder: Path, plan: Plan, say: Say) -> Result:
    """Many callers while there are few descriptors, then few callers while there are many, in turns."""
    rounds, calls, after = plan.scaled(ROUNDS, 2), Calls(), Calls()
    with remembering(folder) as upstream, between(folder, upstream) as gate:
        process = gate.program.process.pid
        asyncio.run(load(gate, LOAD_SECONDS, "warm", say))
        time.sleep(LOAD_SECONDS)
        before = descriptors(process)
        for number in range(rounds):
            with _few(process, before + SPARE):
                calls.add(asyncio.run(_crowd(gate, f"few{number}")))
            after.add(asyncio.run(load(gate, LOAD_SECONDS, f"many{number}", say)))
        left = settled(lambda: descriptors(process), before)
        gate.program.terminate()
        turned_away = len(calls.unanswered) + len(calls.refused)
        restart(folder, upstream)
        calls.add(after)
        found = reckon(gate.folders, upstream.reached(), calls)
    did = f"{rounds} times {CALLERS} callers on {SPARE} descriptors: {turned_away:,} calls turned away"
    mine = (
        at_least("calls turned away while there were few", turned_away, 1),
        nothing("calls refused once there were many", after.refused),
        nothing("calls unanswered once there were many", after.unanswered),
        at_least("calls answered once there were many", len(after.answered), rounds),
        at_most("descriptors afterwards", left, before),
    )
    return Result(did, (*promises(found), *mine))


@contextmanager
def _few(process: int, limit: int) -> Iterator[None]:
    soft, hard = resource.prlimit(process, resource.RLIMIT_NOFILE)
    resource.prlimit(process, resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_NOFILE, (soft, hard))


async def _crowd(gate: Sidecar, prefix: str) -> Calls:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        calls = tasks.create_task(call_until([gate.url(name) for name in NAMES], stop, prefix, CALLERS))
        await asyncio.sleep(LOAD_SECONDS)
        stop.set()
    return calls.result()
