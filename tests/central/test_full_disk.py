"""The disk of central or its database is full: calls that need it are refused, nothing is lost, and all goes on."""

import asyncio
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.crash.load import Calls, call_until
from tests.crash.reckoning import opened, reckon
from tests.peers.postgres import postgres
from tests.soak import books
from tests.soak.places import NAMES, until
from tests.soak.planes import Planes, on_sqlite, over

pytestmark = [
    pytest.mark.xdist_group("full_disk_of_central"),
    pytest.mark.skipif(os.geteuid() != 0, reason="a small file system of the test's own needs root"),
]

Disk = Callable[[Path], AbstractContextManager[tuple[Planes, Path]]]


@contextmanager
def small(place: Path, size: str) -> Iterator[Path]:
    """A file system of its own, full before the machine is."""
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def embedded(folder: Path) -> Iterator[tuple[Planes, Path]]:
    """Everything that central has lies on it: ledger, log, keys."""
    with small(folder / "central", "12m") as disk, on_sqlite(folder) as planes:
        yield planes, disk


@contextmanager
def server(folder: Path) -> Iterator[tuple[Planes, Path]]:
    """All of PostgreSQL lies on it, its write-ahead log as well."""
    # Not among the test's own files: those are closed to the user that the server runs as.
    place = Path(tempfile.mkdtemp(prefix="agentgate-disk-"))
    try:
        with small(place, "200m") as disk:
            disk.chmod(0o755)
            with postgres(disk) as running, over(folder, running) as planes:
                yield planes, disk
    finally:
        place.rmdir()


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Somebody else's file takes what is left, and goes away again."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    try:
        yield
    finally:
        filler.unlink()


async def called(planes: Planes, prefix: str) -> Calls:
    gate, stop = planes.sidecar_up(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        load = tasks.create_task(call_until([gate.url(name) for name in NAMES], stop, prefix, 6))
        await asyncio.sleep(0.7)
        stop.set()
    return load.result()


async def called_until(planes: Planes, prefix: str, enough: Callable[[Calls], bool]) -> list[Calls]:
    """Turn after turn of calls, until one is as it should be."""
    turns = list[Calls]()
    while not turns or not enough(turns[-1]):
        assert len(turns) < 60, "it did not come to be"
        turns.append(await called(planes, f"{prefix}{len(turns)}"))
    return turns


def _refused(calls: Calls) -> bool:
    return bool(calls.refused) and not calls.answered


def _answered(calls: Calls) -> bool:
    return bool(calls.answered) and not calls.refused


@pytest.mark.parametrize("disk", [pytest.param(embedded, id="sqlite"), pytest.param(server, id="postgresql")])
async def test_a_full_disk(tmp_path: Path, disk: Disk) -> None:
    with disk(tmp_path) as (planes, place):
        planes.central_up()
        turns = [await called(planes, "before")]
        assert turns[0].answered
        with filled(place):
            meanwhile = await called_until(planes, "meanwhile", _refused)
            assert set(meanwhile[-1].refused.values()) == {"not_acknowledged"}
            assert _notes(planes)
        _supervised(planes)
        turns += meanwhile + await called_until(planes, "after", _answered)
        until(lambda: not _notes(planes), "the sidecar still says that evidence does not arrive")
        _agree(planes, turns)


def _supervised(planes: Planes) -> None:
    """A server that could not write its log has ended; whoever runs it starts it again."""
    running = planes.server
    if running is not None and running.process is not None and running.process.poll() is not None:
        running.process = None
        planes.database_up()


def _notes(planes: Planes) -> list[str]:
    return list(json.loads(planes.sidecar_up().admin("/readyz")[1]).get("notes", []))


def _agree(planes: Planes, turns: list[Calls]) -> None:
    planes.end_sidecar()
    spool = books.spool_book(planes.folders.evidence)
    until(lambda: books.ledger_book(planes.database)[0] == spool, "the evidence does not all arrive")
    until(lambda: books.leaves(planes.log).total() == len(spool), "the evidence does not all come into the log")
    assert set(books.leaves(planes.log).values()) == {1}
    calls = Calls()
    for turn in turns:
        calls.add(turn)
    found = reckon(planes.folders, planes.upstream.reached(), calls)
    assert (found.unrecorded, found.answered_unreached, found.not_once) == (set(), set(), {})
    assert found.report["ok"]
    bodies: list[dict[str, Any]] = [each["body"] for each in opened(planes.folders)]
    assert not [body for body in bodies if body.get("event") == "central_behind_receipt"]
