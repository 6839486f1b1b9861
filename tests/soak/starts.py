"""`agentgate wrap` started and ended again and again, around a server that has children and grandchildren."""

import os
import signal
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from benchmarks.process import children
from tests.peers.places import AGENTGATE, ROOT
from tests.peers.raw import document
from tests.peers.sidecar import Folders
from tests.soak.trial import Panel, Plan, Promise, Result, Say, at_least, at_most, equals, nothing
from tests.soak.watching import descriptors, settled

STARTS: Final = 1_000
SHARE: Final = 0.4
TOGETHER: Final = 2
SERVER: Final = ("sh", str(ROOT / "tests/soak/tree.sh"))
END_SECONDS: Final = 30.0
GENTLE: Final = ("its input ends", "SIGTERM")
ENDS: Final = (*GENTLE, "SIGKILL")
"""kill -9 takes the server along, by its parent's death; what that has started stays, as it does without `wrap`."""

_MARK: Final = "AGENTGATE_SOAK"
_SAID_EVERY: Final = 50
_LIVES: Final = 5
"""`wrap`, the server, its two children and a grandchild."""


@dataclass(frozen=True, slots=True)
class _Life:
    """One start and end: descriptors of `wrap` and processes at the first answer; whether the server has outlived it,
    and how many processes have."""

    end: str
    descriptors: int
    processes: int
    server_left: bool
    left: int
    answer: bytes


def run(folder: Path, plan: Plan, say: Say) -> Result:
    """Each life: start, one call, then one of three ends. Afterwards nothing of it may run."""
    folders, bound = Folders.under(folder), plan.bound(STARTS, SHARE)
    lives, threads = list[_Life](), list[Future[None]]()
    rounds = _Shared(bound.rounds())
    with ThreadPoolExecutor(TOGETHER) as pool:
        threads = [pool.submit(_live, folders, rounds, lives, say) for _ in range(TOGETHER)]
    for thread in threads:
        thread.result()
    report = folders.verify()
    panel = Panel("descriptors of wrap in each life", tuple((n, life.descriptors) for n, life in enumerate(lives)))
    did = f"{bound.of(len(lives))} starts, each with a server, its two children and a grandchild"
    return Result(did, (*_promises(lives), equals("verify", report["error"] or "ok", "ok")), (panel,))


class _Shared(Iterator[int]):
    """Numbers for several threads: each comes once."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers, self._lock = numbers, Lock()

    def __next__(self) -> int:
        with self._lock:
            return next(self._numbers)


def _live(folders: Folders, rounds: _Shared, lives: list[_Life], say: Say) -> None:
    for number in rounds:
        lives.append(_life(folders, number))
        if len(lives) % _SAID_EVERY == 0:
            say(f"{len(lives)} starts")


def _promises(lives: list[_Life]) -> Iterator[Promise]:
    yield nothing("calls not answered", [life for life in lives if b'"isError":false' not in life.answer])
    yield at_least("processes of each life, while it lasts", min(life.processes for life in lives), _LIVES)
    for end in ENDS:
        yield nothing(f"servers left after {end}", [life for life in lives if life.end == end and life.server_left])
    for end in GENTLE:
        yield at_most(f"other processes left after {end}", sum(life.left for life in lives if life.end == end), 0)
    counts = [life.descriptors for life in lives]
    yield at_most("descriptors of wrap, most less fewest", max(counts) - min(counts), 0)


def _life(folders: Folders, number: int) -> _Life:
    mark, end = uuid.uuid4().hex, ENDS[number % len(ENDS)]
    command = [str(AGENTGATE), "wrap", "--name", "tree", "--policy", "observe", *folders.flags(), "--", *SERVER]
    process = subprocess.Popen(
        command, cwd=ROOT, env=_marked(mark), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        process.stdin.write(document("tools/call", {"name": "any", "arguments": {}}) + b"\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        counted, servers = descriptors(process.pid), children(process.pid)
        # The server answers while its grandchild may still be on its way.
        running = _LIVES - settled(lambda: _LIVES - len(_of(mark)), 0)
        _end(process, end)
    server_left = settled(lambda: len(set(servers) & set(_of(mark))), 0) > 0
    left = settled(lambda: len(_of(mark)), 0) if end in GENTLE else len(_of(mark))
    for survivor in _of(mark):
        with suppress(ProcessLookupError):
            os.kill(survivor, signal.SIGKILL)
    return _Life(end, counted, running, server_left, left, answer)


def _end(process: "subprocess.Popen[bytes]", end: str) -> None:
    assert process.stdin is not None
    match end:
        case "SIGTERM":
            process.terminate()
        case "SIGKILL":
            process.kill()
        case _:
            process.stdin.close()
    process.wait(END_SECONDS)


def _marked(mark: str) -> Mapping[str, str]:
    return {**os.environ, _MARK: mark}  # noqa: TID251  (a child of ours gets our environment)


def _of(mark: str) -> list[int]:
    """Every process that has the mark in its environment, as all have that came from one start."""
    wanted = f"{_MARK}={mark}".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if wanted in place.read_bytes():
                found.append(int(place.parent.name))
    return found
