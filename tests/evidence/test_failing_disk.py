"""A disk that is full, files that stop growing, kill -9: calls are refused, outcomes still fit, no half line stays."""

import asyncio
import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from evidence.journal import Journal, NotAcknowledged, NotRecorded, SpoolFailed
from evidence.opening import Author, begin
from evidence.receipts import keep_receipt
from evidence.record import Kind
from evidence.spool import Spool
from evidence.tailing import FolderTail
from tests.evidence.desk import SMALL, Desk, intent, one_call, outcome, refusal

QUICK = replace(SMALL, head_seconds=0.02)


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of its own, full before the machine is."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Writes beyond `size` fail for this process, as they do over a quota."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def healthy(journal: Journal) -> None:
    for _ in range(300):
        if journal.problem() is None:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(journal.problem())


async def fill(journal: Journal) -> None:
    for number in range(100):
        await journal.append(intent(f"d{number}", secret=b"y" * 3000))


def kinds(desk: Desk) -> list[str]:
    return [found.record.header.kind.value for found in FolderTail(desk.evidence).more()]


@pytest.mark.skipif(os.geteuid() != 0, reason="a file system of a test's own needs root; RLIMIT_FSIZE covers the rest")
async def test_on_a_full_disk_outcomes_still_fit_and_calls_come_back_with_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        desk = Desk(disk)
        async with desk.journal(QUICK) as journal:
            for number in range(20):
                await journal.append(intent(f"c{number}"))
            ballast = disk / "somebody-else"
            with pytest.raises(OSError, match="No space"):
                ballast.write_bytes(b"x" * (4 << 20))
            with pytest.raises(NotRecorded):
                await fill(journal)
            written = await asyncio.gather(*(journal.append(outcome(f"c{number}")) for number in range(20)))
            assert len(set(written)) == 20
            assert journal.problem() is not None
            with pytest.raises(NotRecorded):
                await journal.append(intent("e"))
            ballast.unlink()
            await healthy(journal)
            await one_call(journal, "f")
        report = desk.verify()
        assert report.ok
        assert report.total("unknown") == 0
        assert report.total("outcomes") >= 21


async def test_nothing_half_written_stays_and_the_loss_is_declared(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal(QUICK) as journal:
        await journal.append(intent("c1"))
        await journal.flush()
        size = (journal.chain / "records-00000001.tsv").stat().st_size
        with file_size_limit(size + 100):
            with pytest.raises(SpoolFailed):
                await journal.append(intent("c2"))
            assert (journal.chain / "records-00000001.tsv").stat().st_size == size
            assert journal.open_calls == 1
            for entry in (refusal("c3"), outcome("c1"), outcome("c2")):
                with pytest.raises(SpoolFailed):
                    await journal.append(entry)
            with pytest.raises(SpoolFailed):
                await journal.append(intent("c4"))
            with pytest.raises(SpoolFailed):
                await journal.flush()
            assert "File too large" in (journal.problem() or "")
        await healthy(journal)
        assert journal.open_calls == 0
        await one_call(journal, "c5")
    report = desk.verify()
    assert report.ok
    assert report.total("lost") == 1
    assert kinds(desk) == ["start", "intent", "outcome", "loss", "intent", "outcome", "close"]


async def test_an_outcome_that_is_owed_is_not_replaced_when_the_wait_for_a_receipt_ends(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal(QUICK) as journal:
        journal.shipped(lambda: None, seconds=5)
        waiting = journal.append(intent("c1", durability="acknowledged"))
        await journal.flush()
        await journal.flush()
        with file_size_limit(1):
            for entry in (intent("c2"), outcome("c1")):
                with pytest.raises(SpoolFailed):
                    await journal.append(entry)
            desk.clock.move(6)
            with pytest.raises(NotAcknowledged):
                await waiting
        await healthy(journal)
    assert desk.verify().ok
    (ended,) = (found.record for found in FolderTail(desk.evidence).more() if found.record.header.kind is Kind.OUTCOME)
    assert ended.body["outcome"] == "completed"


async def test_a_receipt_that_cannot_be_kept_spoils_no_evidence(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as journal:
        await one_call(journal, "c1")
        with file_size_limit(8), pytest.raises(OSError, match="File too large"):
            keep_receipt(journal.chain, "a\n\n— k AAAA\n")
    assert len(list(desk.evidence.iterdir())) == 2
    assert desk.verify().ok


async def test_a_batch_falls_as_a_whole_but_its_outcomes_are_owed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal(QUICK) as journal:
        await journal.append(intent("c1"))
        size = (journal.chain / "records-00000001.tsv").stat().st_size
        with file_size_limit(size + 100):
            batch = [journal.append(entry) for entry in (intent("c2"), outcome("c1"), outcome("c2"), refusal("c3"))]
            results = await asyncio.gather(*batch, return_exceptions=True)
            assert [type(result) for result in results] == [SpoolFailed] * 4
        await healthy(journal)
    report = desk.verify()
    assert report.ok
    assert kinds(desk)[:4] == ["start", "intent", "outcome", "loss"]


async def test_large_secrets_of_an_owed_outcome_are_dropped_by_name(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal(QUICK) as journal:
        await journal.append(intent("c1"))
        size = (journal.chain / "records-00000001.tsv").stat().st_size
        with file_size_limit(size + 100), pytest.raises(SpoolFailed):
            await journal.append(outcome("c1", secret=b"x" * 10_000))
        await healthy(journal)
    bodies = [found.record.body for found in FolderTail(desk.evidence).more()]
    assert next(body for body in bodies if "outcome" in body)["dropped"] == ["result"]
    assert desk.verify().ok


class DyingSpool(Spool):
    """The same descriptors, but a disk that answers no flush while `dead`."""

    def __init__(self, alive: Spool) -> None:
        self.__dict__.update(alive.__dict__)
        self.dead = False

    def sync_job(self) -> Callable[[], None]:
        return self._refuse if self.dead else super().sync_job()

    @staticmethod
    def _refuse() -> None:
        raise OSError(errno.EIO, "Input/output error")


async def test_an_intent_that_could_not_be_flushed_was_never_sent(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    author = Author(desk.sidecar, desk.tenant, desk.keys, "none", desk.clock, QUICK, {})
    opened = begin(desk.evidence, author)
    spool = DyingSpool(opened.spool)
    journal = Journal(replace(opened, spool=spool), author)
    await one_call(journal, "c1")
    spool.dead = True
    with pytest.raises(SpoolFailed, match="Input/output error"):
        await journal.append(intent("c2", durability="host"))
    assert "Input/output error" in (journal.problem() or "")
    with pytest.raises(SpoolFailed):
        await journal.append(outcome("c2"))
    with pytest.raises(SpoolFailed):
        await journal.append(intent("c3"))
    spool.dead = False
    await healthy(journal)
    await journal.append(intent("c4", durability="host"))
    await journal.append(outcome("c4"))
    await journal.close("test")
    report = desk.verify()
    assert report.ok
    bodies = [found.record for found in FolderTail(desk.evidence).more() if found.record.header.call == "c2"]
    assert [record.header.kind for record in bodies] == ["intent", "outcome"]
    assert bodies[-1].body["outcome"] == "not_sent"


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.evidence.desk import Desk, intent, one_call

async def main():
    journal = await Desk(Path(sys.argv[1])).open()
    number = 0
    while True:
        await one_call(journal, f"done-{number}")
        await journal.append(intent(f"open-{number}"))
        sys.stdout.write(f"{number}\\n")
        sys.stdout.flush()
        number += 1

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [pytest.param(count, id=f"after-{count}") for count in (1, 7)])
async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, lines: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    acknowledged = [int(await process.stdout.readline()) for _ in range(lines)]
    process.kill()
    await process.wait()
    desk = Desk(tmp_path)
    assert desk.verify().ok
    async with desk.journal():
        pass
    report = desk.verify()
    assert report.ok
    assert report.total("open") == 0
    calls = {found.record.header.call for found in FolderTail(desk.evidence).more()}
    assert {f"open-{number}" for number in acknowledged} | {f"done-{number}" for number in acknowledged} <= calls
    assert report.total("unknown") >= len(acknowledged)
