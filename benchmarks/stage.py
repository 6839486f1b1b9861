"""Where a run takes place: one core for what is measured, another for the load and the upstream."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks import subjects
from benchmarks.subjects import Stage

ROOT: Final = Path(__file__).resolve().parents[1]


@contextmanager
def stage() -> Iterator[Stage]:
    """Moves this process to the second core and starts the upstream there; the first is for subjects.

    On a machine of one core they share it. The folder lies beside the project, on a disk and not in memory.
    """
    core, *rest = sorted(os.sched_getaffinity(0))
    others = rest[0] if rest else core
    os.sched_setaffinity(0, {others})
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=build) as name, subjects.upstream(others, Path(name)) as port:
        yield Stage(core, others, port, Path(name))
