"""A disk that is full, one that takes no writes any more, and one that is read only from the start.

A full disk is a small file system of its own, which needs root. A disk that fails under a running sidecar is made by a
limit on the size of its files: each write beyond it fails, as it does on a file system that went read only.
"""

import asyncio
import errno
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.crash.load import Calls
from tests.crash.reckoning import grant, reckon
from tests.peers.processes import NotReady
from tests.peers.sidecar import Folders, Sidecar, sidecar
from tests.soak.kills import promises
from tests.soak.mixed import load
from tests.soak.places import Remembering, between, configured, remembering, restart
from tests.soak.trial import Plan, Promise, Result, Say, at_least, equals, nothing

DISK: Final = "size=24m"
"""The reserve takes 16 MiB of it."""

SMALL: Final = "[evidence]\nmin_free_bytes = 0\n"
LOAD_SECONDS: Final = 0.7
CODES: Final = frozenset({"no_room", "spool_failed", "outcome_unrecorded"})
_NO_LIMIT: Final = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def run(folder: Path, plan: Plan, say: Say) -> Result:
    """Load before, while and after the disk takes nothing; then the same sidecar on a disk that is read only."""
    full, failing = _phases(folder / "full", _full, say), _phases(folder / "failing", _failing, say)
    did = "a full disk, a disk that fails under a running sidecar, and one that is read only from the start"
    return Result(did, (*_named("full", full), *_named("failing", failing), *_read_only(folder / "read-only")))


def _named(name: str, found: tuple[Promise, ...]) -> Iterator[Promise]:
    return (Promise(f"{name}: {one.what}", one.must, one.found, one.kept) for one in found)


Trouble = Callable[[Path, Sidecar], Iterator[None]]


def _phases(folder: Path, trouble: Trouble, say: Say) -> tuple[Promise, ...]:
    folder.mkdir()
    with remembering(folder) as upstream, _disk(folder / "disk") as disk:
        more = configured(folder, SMALL)
        with between(disk, upstream, more=more) as gate:
            before = asyncio.run(load(gate, LOAD_SECONDS, "before", say))
            with contextmanager(trouble)(disk, gate):
                meanwhile = asyncio.run(load(gate, LOAD_SECONDS, "meanwhile", say))
                unready, _ = gate.admin("/readyz")
            after = _after(gate, say)
            gate.program.terminate()
        restart(disk, upstream, more=more)
        return _found(disk, upstream, (before, meanwhile, after), unready)


def _after(gate: Sidecar, say: Say) -> Calls:
    """The first calls may still meet the trouble; then it has to be over."""
    calls = asyncio.run(load(gate, LOAD_SECONDS, "after", say))
    return calls if not calls.refused else asyncio.run(load(gate, LOAD_SECONDS, "later", say))


def _found(disk: Path, upstream: Remembering, phases: tuple[Calls, Calls, Calls], unready: int) -> tuple[Promise, ...]:
    before, meanwhile, after = phases
    calls = Calls()
    for phase in phases:
        calls.add(phase)
    found = reckon(Folders.under(disk), upstream.reached(), calls)
    return (
        *promises(found),
        nothing("calls refused before", before.refused),
        at_least("calls refused meanwhile", len(meanwhile.refused), 1),
        nothing("of these, with a code that does not say why", set(meanwhile.refused.values()) - CODES),
        equals("/readyz meanwhile", unready, 503),
        nothing("calls refused afterwards", after.refused),
        at_least("calls answered afterwards", len(after.answered), 1),
    )


@contextmanager
def _disk(place: Path) -> Iterator[Path]:
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _full(disk: Path, _: Sidecar) -> Iterator[None]:
    """Somebody else fills the file system, and clears it again."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65_536))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        try:
            while True:
                file.write(b"x")
        except OSError:
            pass
    try:
        yield
    finally:
        filler.unlink()


def _failing(_: Path, gate: Sidecar) -> Iterator[None]:
    """Every write to a file fails, wherever the file has come to."""
    process = gate.program.process.pid
    resource.prlimit(process, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, _NO_LIMIT)


def _read_only(folder: Path) -> Iterator[Promise]:
    """A sidecar that cannot write evidence does not start, says why, and leaves the files as they were."""
    folder.mkdir()
    with remembering(folder) as upstream, _disk(folder / "disk") as disk:
        with between(disk, upstream, more=configured(folder, SMALL)) as gate:
            gate.program.terminate()
        before = _bytes(disk / "evidence")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        yield equals("read only: what the start says", _refusal(folder, disk, upstream), "Read-only file system")
        yield equals("read only: files are as they were", before == _bytes(disk / "evidence"), expected=True)


def _refusal(folder: Path, disk: Path, upstream: Remembering) -> str:
    """Start with a state folder that can be written, and evidence that cannot."""
    folders = Folders.under(folder)
    grant(folders)
    more = [*configured(folder, SMALL), "--evidence", str(disk / "evidence")]
    try:
        with sidecar(folder, upstream.upstreams(), policy="starter", more=more):
            return "it started"
    except NotReady as ended:
        return "Read-only file system" if "Read-only file system" in str(ended) else str(ended)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}
