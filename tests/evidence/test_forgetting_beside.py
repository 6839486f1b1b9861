"""A journal takes keys out of the chain that it writes to: nothing that comes meanwhile is lost, nor by a kill."""

import json
from pathlib import Path

import pytest

from evidence.batch import read_batch
from evidence.chain import Position
from evidence.journal import Journal
from evidence.room import SpoolFailed
from evidence.shipping import ChainReader
from tests.evidence.desk import Desk, one_call


def _lines(desk: Desk) -> list[dict[str, str]]:
    (path,) = desk.evidence.glob("chain-*/keys.jsonl")
    return [json.loads(line) for line in path.read_bytes().splitlines()]


async def _next_day(desk: Desk, journal: Journal, call: str) -> str:
    """A call under a data key of its own; the id of that."""
    desk.clock.move(86_400)
    await one_call(journal, call)
    return _lines(desk)[-1]["id"]


async def test_what_is_named_goes_and_the_session_goes_on_under_another_key(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as journal:
        first, second = await _next_day(desk, journal, "a"), await _next_day(desk, journal, "b")
        assert await journal.forget({second, "0" * 64}) == [second]
        await one_call(journal, "c")
        third = _lines(desk)[-1]["id"]
        assert [line["id"] for line in _lines(desk)] == [first, third]
        assert await journal.forget({second}) == []
    report = desk.verify()
    assert report.ok, report.error
    assert report.total("erased_keys") == 1


async def test_keys_that_are_written_meanwhile_stay(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as journal:
        first = await _next_day(desk, journal, "a")
        draft = journal._spool.keys_without({first})  # noqa: SLF001  (between the two halves of `forget`)
        second = await _next_day(desk, journal, "b")
        assert draft[1] == [first]
        journal._spool.take_keys(draft[0])  # noqa: SLF001
        third = await _next_day(desk, journal, "c")
        assert [line["id"] for line in _lines(desk)] == [second, third]
    assert desk.verify().ok


@pytest.mark.parametrize(
    "taken", [pytest.param(False, id="before-it-is-in-place"), pytest.param(True, id="after-that")]
)
async def test_a_kill_leaves_one_file_or_the_other(tmp_path: Path, *, taken: bool) -> None:
    desk = Desk(tmp_path / "one")
    async with desk.journal() as journal:
        first = await _next_day(desk, journal, "a")
        read, _ = journal._spool.keys_without({first})  # noqa: SLF001
        if taken:
            journal._spool.take_keys(read)  # noqa: SLF001
        crashed = desk.crashed(tmp_path / "two")
    assert crashed.verify().ok
    async with crashed.journal() as journal:
        await one_call(journal, "later")
        assert await journal.forget({first}) == ([] if taken else [first])
    report = crashed.verify()
    assert report.ok, report.error
    assert report.total("erased_keys") == 1
    assert [child.name[:6] for child in crashed.evidence.iterdir()] == ["chain-"]


async def test_what_cannot_be_recorded_is_not_done(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    journal = await desk.open()
    first = await _next_day(desk, journal, "a")
    await journal.close("test")
    with pytest.raises(SpoolFailed):
        await journal.forget({first})
    assert [line["id"] for line in _lines(desk)] == [first]


@pytest.mark.parametrize("gone", [pytest.param(0, id="the-first"), pytest.param(1, id="the-last-that-was-shipped")])
async def test_what_comes_after_an_erasure_is_shipped_with_its_keys(tmp_path: Path, gone: int) -> None:
    """All lines of keys are of one length: what is read on must not be taken for what stood there before."""
    desk = Desk(tmp_path)
    async with desk.journal() as journal:
        keys = [await _next_day(desk, journal, "a"), await _next_day(desk, journal, "b")]
        reader = ChainReader(journal.chain)
        reader.seek(Position())
        assert _shipped(reader) == keys
        await journal.forget({keys[gone]})
        later = [await _next_day(desk, journal, "c"), await _next_day(desk, journal, "d")]
        assert _shipped(reader) == later
        assert len(_lines(desk)) == 3


def _shipped(reader: ChainReader) -> list[str]:
    outgoing = reader.more()
    assert outgoing is not None
    return [key.id for key in read_batch(outgoing.data).keys]
