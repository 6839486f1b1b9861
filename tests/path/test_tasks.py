"""Whose task is whose: on disk, bounded, and beyond the life of the process."""

import asyncio
import errno
import os
import resource
from pathlib import Path

import pytest

from proxy.detached import GIVEN_UP, Waiting, nothing
from proxy.places import Places
from proxy.refusals import NoSuchTask
from proxy.task_file import FILE, MAX_TASKS, Begun, TaskFile
from proxy.tasks import AT_ONCE, LONGEST_SECONDS, Tasks
from proxy.vocabulary import Ending, Exchange
from proxy.wire.message import read_client
from tests.path.messages import MESSAGES
from tests.path.stage import HandClock, callers
from tests.path.transcript import perform

ALICE, BOB = callers()
SOON = 2_000_000_000


def begun(task: str = "t", owner: str = "alice", call: str = "c", until: int = SOON, *, over: bool = False) -> Begun:
    """A task of alice's."""
    return Begun(task, owner, call, "chain-1", until, over)


def waiting(seen: list[Ending] | None = None) -> Waiting:
    """A call that tells how it ended."""
    sent = Exchange(ALICE, "files", "http", "2025-11-25", None, read_client(MESSAGES["CALL"], limit=1 << 20))
    return Waiting(sent, sent.envelope.messages[0], None, nothing if seen is None else seen.append)


def tasks(folder: Path, clock: HandClock | None = None, *, sole: bool = False, file: TaskFile | None = None) -> Tasks:
    """The tasks of one process."""
    clock = clock or HandClock()
    file = file or TaskFile(folder, int(clock.unix_seconds()))
    return Tasks(file, clock.unix_seconds, clock.seconds, Places(1), sole_caller=sole)


def test_an_owner_outlives_the_process(tmp_path: Path) -> None:
    first = tasks(tmp_path)
    first.begin(begun(), ALICE, "files", waiting())
    second = tasks(tmp_path)
    assert second.known("t", "alice") == first.known("t", "alice")
    with pytest.raises(NoSuchTask):
        second.check("t", "bob")
    assert second.take("t", ALICE, "files") is None
    first.close()
    second.close()


def test_what_is_over_or_forgotten_leaves_the_file(tmp_path: Path) -> None:
    file = TaskFile(tmp_path, 0)
    for each in (begun("a"), begun("b"), begun("b", over=True), begun("c", until=5)):
        file.append(each)
    file.close()
    assert TaskFile(tmp_path, 10).begun == {"a": begun("a")}
    assert len((tmp_path / FILE).read_bytes().splitlines()) == 1


def test_a_file_that_somebody_else_has_is_not_rewritten(tmp_path: Path) -> None:
    first = TaskFile(tmp_path, 0)
    first.append(begun("a", over=True))
    second = TaskFile(tmp_path, 0)
    first.append(begun("b"))
    assert second.begun == {}
    assert len((tmp_path / FILE).read_bytes().split()) == 2
    first.close()
    second.close()
    assert TaskFile(tmp_path, 0).begun == {"b": begun("b")}


LINES = [
    pytest.param(b'{"task":"torn","owner":', id="torn"),
    pytest.param(b"\x00\xff", id="rubbish"),
    pytest.param(b"[]", id="a-list"),
    pytest.param(b'{"task":1}', id="another-type"),
    pytest.param(b"", id="empty"),
]


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_is_none_is_left_out(line: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = TaskFile(tmp_path, 0)
    file.append(begun("a"))
    file.close()
    with (tmp_path / FILE).open("ab") as raw:
        raw.write(line + b"\n")
    assert TaskFile(tmp_path, 0).begun == {"a": begun("a")}
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == (
        ["tasks.jsonl of the state folder: no task can be read in line 3"] if line else []
    )


def test_many_lines_that_are_none_are_named_in_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE).write_bytes(b"{\n" * 13)
    assert TaskFile(tmp_path, 0).begun == {}
    assert ["in line 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and in 3 more;" in each.getMessage() for each in caplog.records] == [
        True
    ]


def test_a_line_behind_a_torn_one_counts(tmp_path: Path) -> None:
    """A full disk, or a machine that lost its power, leaves half a line."""
    file, other = TaskFile(tmp_path, 0), TaskFile(tmp_path, 0)
    with (tmp_path / FILE).open("ab") as raw:
        raw.write(b'{"task":"torn","owner":')
    other.append(begun("a"))
    file.close()
    other.close()
    assert TaskFile(tmp_path, 0).begun == {"a": begun("a")}


def test_a_line_that_the_disk_takes_half_of_is_told_and_written_again(tmp_path: Path) -> None:
    known = tasks(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        known.begin(begun("a"), ALICE, "files", waiting())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "whose task is whose" in (known.problem() or "")
    known.expire()
    assert known.problem() is None
    known.close()
    assert TaskFile(tmp_path, 0).begun == {"a": begun("a", until=int(HandClock().unix_seconds()) + LONGEST_SECONDS)}


def test_only_pseudonyms_and_only_for_its_owner(tmp_path: Path) -> None:
    TaskFile(tmp_path, 0).close()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_task_ends_once(tmp_path: Path) -> None:
    seen: list[Ending] = []
    known = tasks(tmp_path)
    known.begin(begun(), ALICE, "files", waiting(seen))
    assert known.take("t", BOB, "files") is None
    assert known.take("t", ALICE, "other") is None
    assert known.take("t", ALICE, "files") is not None
    assert known.take("t", ALICE, "files") is None


async def test_that_a_call_is_over_is_on_disk_first(tmp_path: Path) -> None:
    steps: list[str] = []

    class Watched(TaskFile):
        def append(self, begun: Begun) -> None:
            steps.append("over" if begun.over else "begun")
            super().append(begun)

        def flush(self) -> None:
            super().flush()
            steps.append("flushed")

    known = tasks(tmp_path, file=Watched(tmp_path, 0))
    known.begin(begun(), ALICE, "files", waiting())
    assert await known.over("t")
    assert steps == ["begun", "over", "flushed"]
    assert not await known.over("t")
    assert len(steps) == 3
    assert TaskFile(tmp_path, 0).begun == {}


async def test_of_two_that_say_it_one_is_the_first(tmp_path: Path) -> None:
    known = tasks(tmp_path)
    known.begin(begun(), ALICE, "files", waiting())
    assert sorted(await asyncio.gather(known.over("t"), known.over("t"))) == [False, True]


async def test_who_leaves_beside_another_takes_nothing_back(tmp_path: Path) -> None:
    known = tasks(tmp_path)
    known.begin(begun(), ALICE, "files", waiting())

    async def leaves() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await known.over("t")

    _, first = await asyncio.gather(leaves(), known.over("t"))
    assert first
    assert TaskFile(tmp_path, 0).begun == {}


def test_a_problem_is_told_until_everything_is_on_disk(tmp_path: Path) -> None:
    class Full(TaskFile):
        full = True

        def append(self, begun: Begun) -> None:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            super().append(begun)

    file = Full(tmp_path, 0)
    known = tasks(tmp_path, file=file)
    for number in range(AT_ONCE + 2):
        known.begin(begun(str(number)), ALICE, "files", waiting())
    file.full = False
    known.expire()
    assert "No space left" in (known.problem() or "")
    known.begin(begun("newest"), ALICE, "files", waiting())
    assert "newest" in TaskFile(tmp_path, 0).begun
    known.expire()
    assert known.problem() is None
    assert len(TaskFile(tmp_path, 0).begun) == AT_ONCE + 3


async def test_who_leaves_while_it_is_flushed_leaves_it_to_the_next(tmp_path: Path) -> None:
    known = tasks(tmp_path)
    known.begin(begun(), ALICE, "files", waiting())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await known.over("t")
    assert TaskFile(tmp_path, 0).begun.keys() == {"t"}
    assert known.take("t", ALICE, "files") is not None
    assert await known.over("t")


async def test_a_disk_that_cannot_be_flushed_is_told_and_keeps_no_record(tmp_path: Path) -> None:
    class Failing(TaskFile):
        def flush(self) -> None:
            raise OSError(errno.EIO, "Input/output error")

    known = tasks(tmp_path, file=Failing(tmp_path, 0))
    known.begin(begun(), ALICE, "files", waiting())
    assert await known.over("t")
    assert "Input/output error" in (known.problem() or "")


def test_a_flush_reaches_the_file_that_a_compaction_puts_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, flushed = TaskFile(tmp_path, 0), list[int]()
    file.append(begun("a", over=True))

    def fsync(handle: int) -> None:
        flushed.append(os.fstat(handle).st_ino)
        if len(flushed) == 1:
            monkeypatch.undo()
            file.compact(0)
            monkeypatch.setattr(os, "fsync", fsync)

    monkeypatch.setattr(os, "fsync", fsync)
    file.flush()
    assert len(flushed) == 2
    assert flushed[-1] == (tmp_path / FILE).stat().st_ino
    file.close()
    file.flush()


def test_tasks_are_bounded_in_time_and_number(tmp_path: Path) -> None:
    clock, seen = HandClock(), list[Ending]()
    known = tasks(tmp_path, clock)
    known.begin(begun(until=1 << 60), ALICE, "files", waiting(seen))
    clock.move(LONGEST_SECONDS + 1)
    known.expire()
    assert seen == [GIVEN_UP]
    assert known.known("t", "alice") is None
    for number in range(MAX_TASKS + 5):
        known.begin(begun(str(number), until=int(clock.unix_seconds()) + 9), ALICE, "files", waiting(seen))
    assert len(seen) == 6
    assert known.known("0", "alice") is None
    assert known.known(str(MAX_TASKS + 4), "alice") is not None


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    known = tasks(tmp_path)
    known.close()
    known.begin(begun(), ALICE, "files", waiting())
    assert "whose task is whose" in (known.problem() or "")
    assert known.known("t", "alice") is not None


async def test_a_task_of_another_tenant_is_known_after_a_restart(tmp_path: Path) -> None:
    before = """
        two tenants
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
    """
    came, expected = await perform(before, tmp_path)
    assert came == expected
    after = """
        two tenants
        >> CALL by=stranger
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record outcome echo failed own_error unknown task_not_found
        client 200 1 isError task_not_found
    """
    came, expected = await perform(after, tmp_path, first_id=1000)
    assert came == expected


async def _begin(root: Path) -> None:
    """A call goes on as a task, and the process ends."""
    text = """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
    """
    came, expected = await perform(text, root)
    assert came == expected


async def test_a_killed_tool_is_known_after_a_restart(tmp_path: Path) -> None:
    await _begin(tmp_path)
    after = """
        >> GET_T1
        record intent tasks/get tasks/get granted continues
        upstream GET_T1
        << 200 json T1_WORKING
        record outcome tasks/get completed answer done ok
        client 200 T1_WORKING
        !!! kill tool=echo
        >> GET_T1
        record refusal tasks/get contained
        client 200 2 error -31404 contained
    """
    came, expected = await perform(after, tmp_path, first_id=1000)
    assert came == expected


async def test_a_result_after_a_restart_is_late(tmp_path: Path) -> None:
    await _begin(tmp_path)
    after = """
        >> GET_T1 by=bob
        record refusal tasks/get task_not_found
        client 200 2 error -32602 task_not_found
        >> GET_T1
        record intent tasks/get tasks/get granted continues
        upstream GET_T1
        << 200 json T1_DONE
        record late echo
        record outcome tasks/get completed answer done ok
        client 200 T1_DONE
        >> GET_T1
        record intent tasks/get tasks/get granted continues
        upstream GET_T1
        << 200 json T1_DONE
        record outcome tasks/get completed answer done ok
        client 200 T1_DONE
    """
    came, expected = await perform(after, tmp_path, first_id=1000)
    assert came == expected
