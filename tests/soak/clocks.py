"""A wall clock that jumps under load, by seconds and by years; and a boot clock that goes back, which none may do."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from evidence.clock import Instant
from evidence.verify import verify_paths
from tests.crash.reckoning import grant, reckon
from tests.evidence.desk import Desk, HandClock, one_call
from tests.peers.processes import free_port, running
from tests.peers.sidecar import Folders, Sidecar, is_ready
from tests.soak.kills import promises
from tests.soak.mixed import load
from tests.soak.places import Remembering, configured, remembering
from tests.soak.trial import Plan, Promise, Result, Say, at_least, equals

SHARE: Final = 0.02
LEAST_SECONDS: Final = 2.0
LEAST_JUMPS: Final = 10


def run(folder: Path, plan: Plan, say: Say) -> Result:
    """Mixed load in front of a sidecar whose wall clock jumps; then a chain whose boot clock went back."""
    seconds = max(LEAST_SECONDS, plan.seconds(SHARE))
    with remembering(folder) as upstream, _jumping(folder, upstream) as gate:
        calls = asyncio.run(load(gate, seconds, "jump", say))
        gate.program.terminate()
        found = reckon(gate.folders, upstream.reached(), calls)
        records = gate.folders.records()
    back = sum(one > other for one, other in pairwise(record["header"]["at"] for record in records))
    falls = sum(one > other for one, other in pairwise(record["header"]["boot"] for record in records))
    did = f"{calls.count():,} calls in {seconds:.0f} s, while the wall clock went back {back:,} times"
    (desk := folder / "desk").mkdir()
    broken = asyncio.run(_boot_goes_back(desk))
    jumped = (at_least("times that the wall clock went back between two records", back, LEAST_JUMPS),
              equals("times that the boot clock did", falls, 0))  # fmt: skip
    return Result(did, (*promises(found), *jumped, broken))


@contextmanager
def _jumping(folder: Path, upstream: Remembering) -> Iterator[Sidecar]:
    folders, port = Folders.under(folder), free_port()
    grant(folders)
    command = [sys.executable, "-m", "tests.soak.jumping", "--listen", f"127.0.0.1:{port}", "--policy", "starter"]
    for name, url in upstream.upstreams().items():
        command += ["--upstream", f"{name}={url}"]
    log, ready = folder / "sidecar.log", lambda: is_ready(folders.state)
    with running([*command, *folders.flags(), *configured(folder)], log=log, ready=ready) as program:
        yield Sidecar(program, port, folders)


@dataclass(slots=True)
class _Broken(HandClock):
    """A clock whose boot time can fall, as on no machine that is not tampered with."""

    instant: Instant = field(default_factory=lambda: Instant(1_790_000_000_000_000_000, 5_000_000))

    def fall(self) -> None:
        """One second back."""
        self.instant = Instant(self.instant.unix_ns, self.instant.boot_us - 1_000_000)


async def _boot_goes_back(folder: Path) -> Promise:
    """`docs/evidence.md`: within an incarnation `boot` never falls, and whoever checks a chain sees it if it does."""
    clock = _Broken()
    desk = Desk(folder, clock=clock)
    async with desk.journal() as journal:
        await one_call(journal, "before")
        clock.fall()
        await one_call(journal, "after")
    error: Any = verify_paths([desk.evidence]).as_json()["error"]
    return equals("step at which verify stops where the boot clock fell", error and error["step"], 3)
