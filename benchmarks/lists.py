"""Section `lists`: lists of many tools, filtered, while somebody else calls."""

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.bulk import READS
from benchmarks.exchange import TOOL
from benchmarks.lister import digest
from benchmarks.load import Caller, Load, Target
from benchmarks.measure import Plan
from benchmarks.section import Section, Wrong
from benchmarks.sidecars import UPSTREAM, Kind, starter
from benchmarks.subjects import Stage, Subject, bulk
from benchmarks.verdict import Verdict, at_most, below

COUNTS: Final = (1_000, 10_000)
RATE: Final = 100.0
ASK_SECONDS: Final = 120.0
MAX_FILTER_MS: Final = 40.0
MAX_MEANWHILE_MS: Final = 20.0
_REPEATS: Final = {1_000: 80, 10_000: 10}
"""Lists of each length: of the calls meanwhile there have to be some hundred, or the slowest one is their p99."""

_PER_REPEAT: Final = {1_000: 0.2, 10_000: 2.0}
"""Seconds between two lists, about: how long the other caller has to be there."""


@dataclass(frozen=True, slots=True)
class _Lists:
    """Median milliseconds, and the digest of the names in the last one."""

    milliseconds: float
    names: str


def run(stage: Stage, plan: Plan) -> Section:
    """Half of the tools are granted; milliseconds of a list directly and through, and of calls made meanwhile."""
    wrong, lines, targets = Wrong(), list[tuple[str | float, ...]](), list[Verdict]()
    repeats = _REPEATS if plan.thorough else dict.fromkeys(COUNTS, 1)
    with bulk(stage) as port:
        upstreams = [(_name(count), f"http://127.0.0.1:{port}/list/{count}") for count in COUNTS]
        direct = {count: _lists(Target(port, f"/list/{count}"), repeats[count]) for count in COUNTS}
        for engine in ("embedded", "opa"):
            kind = Kind("starter", "process", opa=engine == "opa", upstreams=upstreams, grants=(TOOL, f"{READS}*"))
            with starter(kind)(stage) as subject:
                for count in COUNTS:
                    found, calls = _filtered(subject, count, repeats[count], wrong)
                    added, late = found.milliseconds - direct[count].milliseconds, calls.milliseconds(0.99)
                    lines.append((f"{count:,} tools, {engine}", direct[count].milliseconds, found.milliseconds, added,
                                  calls.milliseconds(0.5), late))  # fmt: skip
                    targets += _targets(count, engine, added, late)
    columns = (
        "list",
        "direct ms",
        "through ms",
        "filtering ms",
        "p50 ms of calls meanwhile",
        "p99 ms of calls meanwhile",
    )
    return Section("Filtered lists", columns, tuple(lines), tuple(targets), wrong.errors, wrong.sample)


def _targets(count: int, engine: str, added: float, late: float) -> list[Verdict]:
    if (count, engine) != (1_000, "opa"):
        return []
    return [
        at_most("1,000 tools, OPA: ms of filtering", added, MAX_FILTER_MS),
        below("1,000 tools, OPA: p99 ms of calls meanwhile", late, MAX_MEANWHILE_MS),
    ]


def _name(count: int) -> str:
    return f"list{count}"


def _filtered(subject: Subject, count: int, repeats: int, wrong: Wrong) -> tuple[_Lists, Load]:
    """Lists from a program of its own, and calls at a fixed rate from here while it runs."""
    target = Target(subject.target.port, f"/{_name(count)}")
    Caller(Target(target.port, f"/{UPSTREAM}")).closed_loop(1, calls=50)
    lister = _Lister(target, repeats)
    calls = Load()
    deadline = time.monotonic() + ASK_SECONDS
    while lister.runs() and time.monotonic() < deadline:
        part = Caller(Target(target.port, f"/{UPSTREAM}")).open_loop(4, rate=RATE, seconds=_PER_REPEAT[count])
        calls.times_ns.extend(part.times_ns)
        calls.errors += part.errors
        calls.sample = calls.sample or part.sample
    found = lister.found()
    expected = digest(f"{READS}{number:05}" for number in range(count) if number % 2)
    wrong.unless(right=found.names == expected, met=found.names)
    wrong.unless(right=calls.errors == 0, met=calls.sample)
    return found, calls


def _lists(target: Target, repeats: int) -> _Lists:
    return _Lister(target, repeats).found()


class _Lister:
    """`python -m benchmarks.lister` under way."""

    def __init__(self, target: Target, repeats: int) -> None:
        command = [sys.executable, "-m", "benchmarks.lister", str(target.port), target.path, str(repeats)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def runs(self) -> bool:
        """Whether it is not done yet."""
        return self._process.poll() is None

    def found(self) -> _Lists:
        """What it has printed, once it is done."""
        printed, _ = self._process.communicate(timeout=ASK_SECONDS)
        found: dict[str, Any] = json.loads(printed)
        return _Lists(statistics.median(found["milliseconds"]), str(found["names"]))
