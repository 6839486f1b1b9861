"""Segments that a log holds may go: never the last one, never one too young, and the chain goes on as before."""

import os
from pathlib import Path

import pytest

from evidence.batch import read_batch
from evidence.chain import Position
from evidence.layout import segment_name, segment_numbers
from evidence.shipping import ChainReader
from evidence.tailing import ChainTail
from evidence.trimming import trim
from tests.evidence.desk import Desk, one_call
from tests.evidence.test_shipping import SEGMENTS, written

NOW = 2_000_000_000.0


def aged(chain: Path, seconds: float) -> None:
    for path in chain.glob("records-*"):
        os.utime(path, (NOW - seconds, NOW - seconds))


@pytest.mark.parametrize(
    ("included", "age", "gone"),
    [
        pytest.param(0, 100.0, 0, id="nothing-is-in-the-log"),
        pytest.param(10_000, 1.0, 0, id="all-too-young"),
        pytest.param(10_000, 100.0, -1, id="all-but-the-last"),
        pytest.param(1, 100.0, 0, id="half-a-segment"),
    ],
)
async def test_what_goes(tmp_path: Path, included: int, age: float, gone: int) -> None:
    chain = await written(Desk(tmp_path))
    aged(chain, age)
    before = segment_numbers(os.listdir(chain))
    removed = trim(chain, included, 60.0, NOW)
    expected = before[:gone] if gone else []
    assert removed == [segment_name(number) for number in expected]
    assert segment_numbers(os.listdir(chain)) == before[len(expected) :]


async def test_only_as_far_as_the_log_is(tmp_path: Path) -> None:
    chain = await written(Desk(tmp_path))
    aged(chain, 100.0)
    reader = ChainReader(chain)
    reader.seek(Position())
    outgoing = reader.more(1)
    assert outgoing is not None
    last_of_first = 0
    while outgoing is not None and reader._segment == 1:  # noqa: SLF001
        last_of_first = read_batch(outgoing.data).last.seq
        outgoing = reader.more(1)
    assert trim(chain, last_of_first - 1, 60.0, NOW) == []
    assert trim(chain, last_of_first, 60.0, NOW) == [segment_name(1)]


async def test_a_chain_goes_on_without_its_first_segments(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    chain = await written(desk)
    aged(chain, 100.0)
    assert trim(chain, 10_000, 60.0, NOW)
    async with desk.journal(SEGMENTS) as journal:
        assert journal.chain == chain
        await one_call(journal, "f" * 32)
    found = [item.record.header.seq for item in ChainTail(chain).more()]
    assert found == list(range(found[0], found[-1] + 1))
    assert found[0] > 1


async def test_a_chain_of_another_sidecar_is_not_taken_over(tmp_path: Path) -> None:
    chain = await written(Desk(tmp_path))
    aged(chain, 100.0)
    assert trim(chain, 10_000, 60.0, NOW)
    other = Desk(tmp_path, sidecar="gate-2")
    async with other.journal(SEGMENTS) as journal:
        assert journal.chain != chain


@pytest.mark.parametrize("begun", [pytest.param(b"", id="an-empty-one"), pytest.param(b"record\t{", id="a-torn-one")])
async def test_a_segment_that_is_only_just_begun_says_nothing_of_the_one_before(tmp_path: Path, begun: bytes) -> None:
    chain = await written(Desk(tmp_path))
    last = segment_numbers(os.listdir(chain))[-1]
    (chain / segment_name(last + 1)).write_bytes(begun)
    aged(chain, 100.0)
    assert trim(chain, 10_000, 60.0, NOW) == [segment_name(number) for number in range(1, last)]
