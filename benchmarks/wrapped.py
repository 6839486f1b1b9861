"""Section `wrap`: a call over stdio, directly and through `agentgate wrap`."""

import subprocess
import sys
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from benchmarks import exchange
from benchmarks.load import Load
from benchmarks.measure import Plan
from benchmarks.process import memory_mb
from benchmarks.section import Section, Wrong
from benchmarks.sidecars import AGENTGATE, PATIENT, UPSTREAM, granted_state
from benchmarks.subjects import Stage
from benchmarks.verdict import at_most

RATE: Final = 200.0
MAX_ADDED_MS: Final = 1.5
_SERVER: Final = (sys.executable, "-m", "benchmarks.upstream_stdio")
_WARM_CALLS: Final = 100
_END_SECONDS: Final = 15.0


def run(stage: Stage, plan: Plan) -> Section:
    """One call at a time, 200 a second: milliseconds from the line to its answer, and the memory of `wrap`."""
    wrong, calls = Wrong(), int(plan.open_seconds * RATE)
    with _talking(_SERVER, stage) as server:
        direct = _paced(server, calls, wrong)
    with _talking(_wrapping(stage), stage) as server:
        through = _paced(server, calls, wrong)
        memory = memory_mb([server.pid])
    added = through.milliseconds(0.5) - direct.milliseconds(0.5)
    lines = (("direct", *_times(direct), ""), ("agentgate wrap", *_times(through), memory))
    target = at_most("wrap, starter: ms added at the median at 200 calls/s", added, MAX_ADDED_MS)
    columns = ("over stdio", "p50 ms", "p99 ms", "memory MB")
    return Section("Calls over stdio", columns, lines, (target,), wrong.errors, wrong.sample)


def _times(load: Load) -> tuple[float, float]:
    return load.milliseconds(0.5), load.milliseconds(0.99)


def _wrapping(stage: Stage) -> Sequence[str | Path]:
    folder = stage.new_folder()
    config = folder / "agentgate.toml"
    config.write_text(PATIENT)
    flags = ("--state", granted_state(folder, (exchange.TOOL,)), "--evidence", folder / "evidence", "--config", config)
    return (AGENTGATE, "wrap", "--name", UPSTREAM, "--policy", "starter", *flags, "--", *_SERVER)


@contextmanager
def _talking(command: Sequence[str | Path], stage: Stage) -> Iterator["subprocess.Popen[bytes]"]:
    """A server with pipes at both ends, on the core under test; it ends when its input does."""
    with (stage.folder / "stdio.log").open("ab") as log:
        process = subprocess.Popen(
            ["taskset", "--cpu-list", str(stage.core), *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            bufsize=0,
        )
    try:
        yield process
    finally:
        _ends(process)[0].close()
        process.wait(_END_SECONDS)
        _ends(process)[1].close()


def _paced(process: "subprocess.Popen[bytes]", calls: int, wrong: Wrong) -> Load:
    """Calls on a schedule; each waits for the one before it."""
    load, (to, out), body, answer = Load(times_ns=array("q")), _ends(process), exchange.call(), exchange.answer()
    begun = time.perf_counter()
    for number in range(exchange.FIRST_ID, exchange.FIRST_ID + _WARM_CALLS + calls):
        due = begun + (number - exchange.FIRST_ID) / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        since = time.perf_counter_ns()
        to.write(body.with_id(number) + b"\n")
        line = out.readline()
        if number >= exchange.FIRST_ID + _WARM_CALLS:
            load.times_ns.append(time.perf_counter_ns() - since)
        wrong.unless(right=line.rstrip() == answer.with_id(number), met=line)
    return load


def _ends(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None  # noqa: S101  (both are asked for)
    assert process.stdout is not None  # noqa: S101
    return process.stdin, process.stdout
