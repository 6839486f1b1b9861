"""`python -m benchmarks.profile_call`: where the time of a call goes while 16 connections call one sidecar.

With `--list N` it is the time of a tools/list of N tools, half of them granted, one at a time.

By default the main thread is looked at after each tick of CPU time, which costs nearly nothing; `--calls` counts
every call of every function instead (cProfile), which makes small functions look dearer than they are.
"""

import argparse
import json
import pstats
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from os import kill
from pathlib import Path
from typing import Final, Protocol, TextIO

from benchmarks.asking import Asker
from benchmarks.bulk import READS
from benchmarks.exchange import TOOL
from benchmarks.load import Caller, Load, Target
from benchmarks.measure import FULL
from benchmarks.process import threads_microseconds
from benchmarks.sidecars import Kind, profiled
from benchmarks.stage import ROOT, stage
from benchmarks.subjects import Subject, bulk

WARM_SECONDS: Final = 1.0
WRITE_SECONDS: Final = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Profiles what was asked for and prints it."""
    asked = _parser().parse_args(arguments)
    look = "calls" if asked.calls else "samples"
    with stage() as place, bulk(place) as port:
        file = place.folder / "profile"
        lists = (("lists", f"http://127.0.0.1:{port}/list/{asked.list}"),)
        kind = Kind("starter", asked.durability, upstreams=lists, grants=(TOOL, f"{READS}*"))
        with profiled(kind, look, file, asked.engine)(place) as subject:
            asking = _Lists(subject) if asked.list else Caller(subject.target)
            _load(asking, subject, file, asked.seconds, sys.stdout)
        if asked.calls:
            pstats.Stats(str(file), stream=sys.stdout).sort_stats("tottime").print_stats(asked.top)
        else:
            sys.stdout.writelines(_summary(json.loads(file.read_text()), asked.top))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="profile_call", description="Where the time of a call goes.")
    add = parser.add_argument
    add("--calls", action="store_true", help="count every function call (cProfile) instead of sampling")
    add("--engine", default="embedded", choices=["embedded", "opa", "constant"], help="constant: all but the decision")
    add("--durability", default="process", choices=["process", "host"])
    add("--list", type=int, default=0, metavar="N", help="lists of N tools in place of calls")
    add("--seconds", type=float, default=5.0, help="how long to look (default: 5)")
    add("--top", type=int, default=25, help="how many lines to print of each list (default: 25)")
    return parser


class _Asking(Protocol):
    """Whoever asks the sidecar while it is looked at."""

    def closed_loop(self, connections: int, *, seconds: float) -> Load:
        """What was asked, one after the other on each connection."""
        ...


class _Lists:
    """Asks for the upstream's list, one at a time."""

    def __init__(self, subject: Subject) -> None:
        self._asker = Asker(Target(subject.target.port, "/lists"))

    def closed_loop(self, connections: int, *, seconds: float) -> Load:
        """On one connection, however many there might be."""
        load = Load(seconds=seconds)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            milliseconds, _ = self._asker.ask("tools/list", {})
            load.times_ns.append(round(milliseconds * 1e6))
        return load


def _load(asking: _Asking, subject: Subject, file: Path, seconds: float, out: TextIO) -> None:
    """Calls while the sidecar looks at itself; says what each of its threads used."""
    (process,) = subject.own
    asking.closed_loop(FULL.connections, seconds=WARM_SECONDS)
    kill(process, signal.SIGUSR1)
    before = threads_microseconds(process)
    load = asking.closed_loop(FULL.connections, seconds=seconds)
    after = threads_microseconds(process)
    kill(process, signal.SIGUSR2)
    _wait_for(file)
    out.write(f"{load.calls:,} calls, {load.rate():,.0f} calls/s, {load.errors} errors; CPU us a call by thread:\n")
    for task, used in after.items():
        out.write(f"    {'main' if task == process else 'other':6} {(used - before.get(task, 0)) / load.calls:8.1f}\n")


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + WRITE_SECONDS
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)


def _summary(stacks: Mapping[str, int], top: int) -> Iterator[str]:
    """Three lists: lines of their own, functions of their own, functions with all that they call."""
    total = sum(stacks.values()) or 1
    lines, own, whole = Counter[str](), Counter[str](), Counter[str]()
    for stack, met in stacks.items():
        frames = [_frame(frame) for frame in stack.split(";")]
        lines[" ".join(frames[0])] += met
        own[frames[0][1]] += met
        for function in {function for _, function in frames}:
            whole[function] += met
    for title, counted in (("own time by line", lines), ("own time by function", own), ("with what it calls", whole)):
        yield f"\n{title} ({total:,} samples)\n"
        yield from (f"  {met / total:6.1%}  {name}\n" for name, met in counted.most_common(top))


def _frame(frame: str) -> tuple[str, str]:
    """The line, and the function with its file; paths from the project or from the library's own folder."""
    path, line, function = frame.rsplit(":", 2)
    short = path.removeprefix(f"{ROOT}/").rpartition("site-packages/")[2].rpartition("/lib/python")[2]
    return line, f"{short} {function}"


if __name__ == "__main__":
    sys.exit(main())
