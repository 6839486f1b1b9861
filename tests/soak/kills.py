"""kill -9 again and again under mixed load: nothing is forwarded unrecorded, and each call has one end afterwards."""

import asyncio
from pathlib import Path
from typing import Final

from tests.crash.load import Calls, call_until
from tests.crash.reckoning import Reckoning, grant, reckon
from tests.peers.sidecar import Folders, sidecar
from tests.soak.places import NAMES, Remembering, configured, remembering, restart
from tests.soak.trial import Plan, Promise, Result, Say, equals, nothing

KILLS: Final = 200
SHARE: Final = 0.2
LOAD_SECONDS: Final = 0.25
_SAID_EVERY: Final = 10


def run(folder: Path, plan: Plan, say: Say) -> Result:
    """Start, load, kill, over and over on the same folders; then lay everything side by side."""
    bound, calls, kills = plan.bound(KILLS, SHARE), Calls(), 0
    folders = Folders.under(folder)
    grant(folders)
    with remembering(folder) as upstream:
        for life in bound.rounds():
            calls.add(asyncio.run(_life(folder, upstream, life)))
            kills += 1
            if kills % _SAID_EVERY == 0:
                say(f"{kills} kills, {calls.count():,} calls")
        restart(folder, upstream)
        found = reckon(folders, upstream.reached(), calls)
    unknown = found.report["unknown"]
    did = f"{bound.of(kills)} kills over {calls.count():,} calls, of which {unknown:,} were ended by the start after"
    return Result(did, promises(found))


def promises(found: Reckoning) -> tuple[Promise, ...]:
    """What must hold however a sidecar ended."""
    return (
        nothing("calls that reached the upstream without an intent", found.unrecorded),
        nothing("calls answered that did not reach the upstream", found.answered_unreached),
        nothing("denied calls that reached the upstream", found.denied_reached),
        nothing("calls without exactly one outcome", found.not_once),
        nothing("wrong answers", found.wrong),
        equals("open calls after the last start", found.report["open"], 0),
        equals("verify", found.report["error"] or "ok", "ok"),
    )


async def _life(folder: Path, upstream: Remembering, life: int) -> Calls:
    with sidecar(folder, upstream.upstreams(), policy="starter", more=configured(folder)) as gate:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            load = tasks.create_task(call_until([gate.url(name) for name in NAMES], stop, str(life)))
            await asyncio.sleep(LOAD_SECONDS)
            gate.program.kill()
            stop.set()
    return load.result()
