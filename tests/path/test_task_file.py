"""The file of tasks is written anew: beside whoever appends, and whatever ends it in between."""

import asyncio
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

import pytest

from proxy.places import Places
from proxy.task_file import FILE, GROWN_BYTES, MAX_TASKS, NEW_FILE, TaskFile
from proxy.tasks import Tasks
from tests.path.stage import HandClock, callers
from tests.path.test_tasks import begun, waiting

KILLS: Final = 25
ALICE, _ = callers()


def grow(file: TaskFile) -> None:
    """Add tasks that are over until it is worth while to compact the file."""
    while not file.grown:
        for number in range(2000):
            file.append(begun(f"{number}-" + "0" * 64, over=True))


def test_a_file_that_has_grown_is_compacted(tmp_path: Path) -> None:
    file = TaskFile(tmp_path, 0)
    file.append(begun("a"))
    grow(file)
    file.append(begun("b"))
    file.compact(0)
    assert not file.grown
    assert len((tmp_path / FILE).read_bytes().splitlines()) == 2
    file.append(begun("c"))
    file.close()
    assert TaskFile(tmp_path, 0).begun.keys() == {"a", "b", "c"}


def test_only_so_many_tasks_are_kept(tmp_path: Path) -> None:
    file = TaskFile(tmp_path, 0)
    for number in range(MAX_TASKS + 5):
        file.append(begun(str(number)))
    file.append(begun("0", call="again"))
    file.close()
    kept = TaskFile(tmp_path, 0).begun
    assert len(kept) == MAX_TASKS
    assert "5" not in kept
    assert kept["0"].call == "again"


def test_a_file_that_somebody_else_has_is_not_compacted(tmp_path: Path) -> None:
    file, other = TaskFile(tmp_path, 0), TaskFile(tmp_path, 0)
    grow(file)
    before = (tmp_path / FILE).stat()
    file.compact(0)
    assert (tmp_path / FILE).stat().st_ino == before.st_ino
    assert not file.grown, "it is not tried again before it has grown as much again"
    file.append(begun("a"))
    other.append(begun("b"))
    other.close()
    file.compact(0)
    other = TaskFile(tmp_path, 0)
    other.append(begun("c"))
    file.append(begun("d"))
    for each in (file, other):
        each.close()
    assert TaskFile(tmp_path, 0).begun.keys() == {"a", "b", "c", "d"}
    assert (tmp_path / FILE).stat().st_size < GROWN_BYTES


def test_a_start_while_another_process_compacts(tmp_path: Path) -> None:
    """It may have opened the file that is replaced: it waits, sees the other one, and loses none of its lines."""
    file = TaskFile(tmp_path, 0)
    for round in range(20):
        grow(file)
        compacting = threading.Thread(target=file.compact, args=(0,))
        compacting.start()
        other = TaskFile(tmp_path, 0)
        other.append(begun(f"other-{round}"))
        file.append(begun(f"file-{round}"))
        compacting.join()
        other.close()
    file.close()
    assert TaskFile(tmp_path, 0).begun.keys() == {f"{who}-{round}" for who in ("other", "file") for round in range(20)}


CUT_OFF = [
    pytest.param(b"", id="nothing-written"),
    pytest.param(b'{"task":"z","owner":"alice"', id="half-a-line"),
    pytest.param(
        b'{"task":"z","owner":"alice","call":"c","chain":"d","until":2000000000}\n', id="whole-but-not-renamed"
    ),
]


@pytest.mark.parametrize("left", CUT_OFF)
def test_a_compaction_that_was_cut_off_leaves_the_old_file(left: bytes, tmp_path: Path) -> None:
    file = TaskFile(tmp_path, 0)
    file.append(begun("a"))
    file.close()
    (tmp_path / NEW_FILE).write_bytes(left)
    assert TaskFile(tmp_path, 0).begun == {"a": begun("a")}
    assert not (tmp_path / NEW_FILE).exists()


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """The lines do not fit into the new file; the process goes on with the old one, and so does the next."""
    file = TaskFile(tmp_path, 0)
    for number in range(9):
        file.append(begun(str(number)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError):
            file.compact(0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    file.append(begun("9"))
    file.close()
    assert TaskFile(tmp_path, 0).begun.keys() == set("0123456789")


async def test_tasks_have_their_file_compacted_on_a_thread(tmp_path: Path) -> None:
    clock, file = HandClock(), TaskFile(tmp_path, 0)
    known = Tasks(file, clock.unix_seconds, clock.seconds, Places(1), sole_caller=False)
    known.begin(begun("a"), ALICE, "files", waiting())
    grow(file)
    known.expire()
    async with asyncio.timeout(10):
        while file.grown:
            known.expire()
            known.begin(begun("b"), ALICE, "files", waiting())
            await asyncio.sleep(0.001)
    known.close()
    assert TaskFile(tmp_path, 0).begun.keys() == {"a", "b"}
    assert (tmp_path / FILE).stat().st_size < GROWN_BYTES


def test_a_process_that_is_killed_while_it_compacts(tmp_path: Path) -> None:
    """Whatever the moment, each task that it has said to be on disk is there at the next start."""
    for life in range(KILLS):
        folder = tmp_path / str(life)
        folder.mkdir()
        command = [sys.executable, "-m", "tests.path.compacting", str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
            assert program.stdout is not None
            assert program.stdout.readline() == b"compacted\n"
            time.sleep(life * 0.003)
            program.kill()
            said = {line.strip() for line in program.stdout if line.endswith(b"\n")}
        file = TaskFile(folder, 0)
        assert said <= {name.encode() for name in file.begun}
        file.close()
