"""Looking at a process from outside while it works: memory, descriptors, children."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.process import children, memory_mb
from tests.soak.trial import Panel, Promise, at_most

WARM: Final = 0.3
"""The share of a run in which pools and caches fill."""

MAX_GROWN_MB: Final = 5.0
_SETTLE_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: seconds since the first one, MB (PSS and `own`), open descriptors and children.

    PSS rises when somebody else ends who shared pages with the process; `own` (anonymous memory) is its alone.
    """

    seconds: float
    memory: float
    own: float
    descriptors: int
    children: int


def look(process: int, since: float) -> Sample:
    """How a process is now."""
    return Sample(
        time.monotonic() - since, memory_mb([process]), own_mb(process), descriptors(process), len(children(process))
    )


def own_mb(process: int) -> float:
    """Anonymous memory of a process in MB, whoever else runs."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) * 1024 / 1e6


def descriptors(process: int) -> int:
    """How many files and sockets a process has open."""
    return sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())


@contextmanager
def watched(process: int, period: float) -> Iterator[list[Sample]]:
    """Look at a process every `period` seconds, from a thread, until the block ends."""
    samples: list[Sample] = []
    over, begun = threading.Event(), time.monotonic()

    def keep_looking() -> None:
        while not over.wait(period):
            samples.append(look(process, begun))

    thread = threading.Thread(target=keep_looking)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def settled(measure: Callable[[], int], wanted: int) -> int:
    """The value of `measure`, as soon as it is at most `wanted`, or what it is after a while."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while (value := measure()) > wanted and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return value


def grown(samples: Sequence[Sample]) -> float:
    """MB by which the last fifth lies above the fifth that follows the warm-up, each by its median."""
    warm, part = int(len(samples) * WARM), max(1, len(samples) // 5)
    before, after = samples[warm : warm + part], samples[-part:]
    return statistics.median(s.own for s in after) - statistics.median(s.own for s in before)


def steady(process: int, before: Sample, samples: Sequence[Sample]) -> tuple[Promise, ...]:
    """What every long run promises about its process: flat memory, and everything given back in the end."""
    left = settled(lambda: descriptors(process), before.descriptors)
    still = settled(lambda: len(children(process)), before.children)
    return (
        at_most("MB grown after warm-up", grown(samples), MAX_GROWN_MB),
        at_most("descriptors afterwards", left, before.descriptors),
        at_most("children afterwards", still, before.children),
    )


def panels(samples: Sequence[Sample]) -> tuple[Panel, ...]:
    """The four curves."""
    return (
        Panel("memory, MB (PSS)", tuple((s.seconds, s.memory) for s in samples)),
        Panel("of it its own, MB (anonymous)", tuple((s.seconds, s.own) for s in samples)),
        Panel("open descriptors", tuple((s.seconds, s.descriptors) for s in samples)),
        Panel("children", tuple((s.seconds, s.children) for s in samples)),
    )
