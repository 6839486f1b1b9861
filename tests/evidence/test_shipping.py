"""A chain on its way to a ledger: whatever the sizes and the place it begins at, all records arrive, once, in order."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from evidence.batch import BadBatch, Batch, read_batch
from evidence.chain import Position
from evidence.journal import Limits, NotAcknowledged
from evidence.layout import KEYS_NAME, segment_name
from evidence.receipt import BadReceipts, read_receipt_line, receipt_line
from evidence.receipts import keep_receipt, kept_receipt
from evidence.record import Entry
from evidence.shipping import ChainReader, Forked, NotShippable
from tests.evidence.desk import Desk, intent, one_call, outcome

Change = Callable[[bytes], bytes]
SEGMENTS = Limits(min_free_bytes=0, reserve_bytes=256 * 1024, head_seconds=30.0, segment_bytes=4000)


async def written(desk: Desk, calls: int = 8, limits: Limits = SEGMENTS) -> Path:
    async with desk.journal(limits) as journal:
        for number in range(calls):
            await one_call(journal, f"{number:032x}")
        return journal.chain


def acknowledged(call: str) -> Entry:
    return intent(call, durability="acknowledged")


def batches(reader: ChainReader, max_bytes: int) -> list[Batch]:
    found = []
    while (outgoing := reader.more(max_bytes)) is not None:
        batch = read_batch(outgoing.data)
        assert (batch.after, batch.last, len(batch.records)) == (outgoing.after, outgoing.last, outgoing.records)
        found.append(batch)
    return found


def numbers(found: list[Batch]) -> list[int]:
    return [sent.record.header.seq for batch in found for sent in batch.records]


@pytest.mark.parametrize("max_bytes", [1, 700, 5000, 1 << 20])
async def test_all_of_a_chain_in_any_size(tmp_path: Path, max_bytes: int) -> None:
    chain = await written(Desk(tmp_path))
    assert len(list(chain.glob("records-*"))) > 2
    reader = ChainReader(chain)
    reader.seek(Position())
    found = batches(reader, max_bytes)
    total = numbers(found)[-1]
    assert numbers(found) == list(range(1, total + 1))
    assert all(before.last == after.after for before, after in pairwise(found))
    assert not any(batch.gap for batch in found)
    assert {batch.chain for batch in found} == {found[0].records[0].record.link}
    named = [sent.record.body["sealed"]["key"] for batch in found for sent in batch.records if sent.record.box]
    sent_keys = [key.id for batch in found for key in batch.keys]
    assert sorted(set(named)) == sorted(sent_keys)
    assert found[-1].heads


@pytest.mark.parametrize("at", [0, 1, 5, 9, 12, 17])
async def test_from_what_the_ledger_has(tmp_path: Path, at: int) -> None:
    chain = await written(Desk(tmp_path))
    whole = ChainReader(chain)
    whole.seek(Position())
    everything = [sent.record for batch in batches(whole, 1 << 20) for sent in batch.records]
    held = Position(at, everything[at - 1].link) if at else Position()
    reader = ChainReader(chain)
    reader.seek(held)
    found = batches(reader, 900)
    assert found[0].after == held
    assert numbers(found) == list(range(at + 1, everything[-1].header.seq + 1))


async def test_what_is_written_meanwhile(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal(SEGMENTS) as journal:
        await one_call(journal, "1" * 32)
        reader = ChainReader(journal.chain)
        reader.seek(Position())
        first = numbers(batches(reader, 1 << 20))
        assert reader.more() is None
        for number in range(9):
            await one_call(journal, f"{number:032x}")
        second = numbers(batches(reader, 1 << 20))
    assert first + second == list(range(1, second[-1] + 1))


async def test_a_record_without_its_box_waits(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    chain = await written(desk, 2, Limits(min_free_bytes=0, reserve_bytes=256 * 1024))
    segment = chain / segment_name(1)
    data = segment.read_bytes()
    cut = data.index(b"\nbox\t") + 1
    segment.write_bytes(data[:cut])
    reader = ChainReader(chain)
    reader.seek(Position())
    assert numbers(batches(reader, 1 << 20)) == [1]
    segment.write_bytes(data)
    assert numbers(batches(reader, 1 << 20))[0] == 2


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: b"garbage\n" + data, id="a-line-that-is-none"),
        pytest.param(lambda data: b"\0" * 50 + b"\n" + data, id="zeros-of-a-power-cut"),
        pytest.param(lambda data: b"\xff\n" + data, id="no-text"),
        pytest.param(lambda data: b"[]\n" + data, id="no-object"),
        pytest.param(lambda data: b'{"id":[]}\n' + data, id="an-id-that-is-none"),
        pytest.param(lambda data: data.replace(b'"id"', b'"ix"', 1), id="no-id"),
        pytest.param(lambda data: data.replace(b'"unit":"', b'"unit":"x', 1), id="another-unit"),
    ],
)
async def test_a_key_that_cannot_be_read_is_told(tmp_path: Path, change: Change) -> None:
    chain = await written(Desk(tmp_path))
    keys = chain / KEYS_NAME
    keys.write_bytes(change(keys.read_bytes()))
    reader = ChainReader(chain)
    reader.seek(Position())
    with pytest.raises(NotShippable, match=rf"{chain.name}, keys\.jsonl, at byte 0: "):
        batches(reader, 1 << 20)


@pytest.mark.parametrize("held", [Position(3, "0" * 64), Position(10_000, "1" * 64)])
async def test_another_record_than_the_ledger_has(tmp_path: Path, held: Position) -> None:
    reader = ChainReader(await written(Desk(tmp_path)))
    with pytest.raises(Forked):
        reader.seek(held)


async def test_a_chain_without_its_first_segments(tmp_path: Path) -> None:
    chain = await written(Desk(tmp_path))
    known = ChainReader(chain).origin()
    assert known is not None
    (chain / segment_name(1)).unlink()
    with pytest.raises(NotShippable):
        ChainReader(chain).origin()
    reader = ChainReader(chain, known.chain)
    reader.seek(Position(2, "0" * 64))
    found = batches(reader, 1 << 20)
    assert found[0].gap
    assert found[0].after.seq > 2
    assert not any(batch.gap for batch in found[1:])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param(lambda data: data[:-1], "no end", id="torn"),
        pytest.param(lambda data: data.replace(b'"v":1}', b'"v":2}', 1), "version 1", id="version"),
        pytest.param(lambda data: data.replace(b'"gap":false', b'"gap":0', 1), "wrong type", id="gap-type"),
        pytest.param(lambda data: data.replace(b'"sidecar":"gate-1"', b'"sidecar":"gate-2"', 1), "another", id="other"),
        pytest.param(lambda data: b"box\tAAAA\n" + data, "first line", id="no-header"),
        pytest.param(lambda data: swapped(data), "line", id="swapped"),
        pytest.param(lambda data: data + data.splitlines(keepends=True)[1], "after the first record", id="late-key"),
        pytest.param(lambda data: boxless(data), "box", id="no-box"),
    ],
)
async def test_no_batch(tmp_path: Path, change: Change, what: str) -> None:
    reader = ChainReader(await written(Desk(tmp_path), 2))
    reader.seek(Position())
    outgoing = reader.more()
    assert outgoing is not None
    with pytest.raises(BadBatch, match=what):
        read_batch(change(outgoing.data))


def swapped(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    records = [number for number, line in enumerate(lines) if line.startswith(b"record\t")]
    lines[records[0]], lines[records[1]] = lines[records[1]], lines[records[0]]
    return b"".join(lines)


def boxless(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    del lines[next(number for number, line in enumerate(lines) if line.startswith(b"box\t"))]
    return b"".join(lines)


def test_a_receipt_is_kept_whole(tmp_path: Path) -> None:
    chain = tmp_path / "chain-0123456789abcdef"
    chain.mkdir()
    assert kept_receipt(chain) is None
    for note in ("a\n\n— k AAAA\n", "b\n\n— k BBBB\n"):
        keep_receipt(chain, note)
        assert kept_receipt(chain) == note
    assert [path.name for path in tmp_path.iterdir()] == [chain.name]
    (chain / "receipts.tsv").write_bytes(receipt_line("c")[:-1])
    with pytest.raises(BadReceipts):
        kept_receipt(chain)


@pytest.mark.parametrize("line", [b"", b"receipt\t", b"receipt\t1", b'receipt\t "a"', b'head\t"a"'])
def test_no_receipt(line: bytes) -> None:
    with pytest.raises(BadReceipts):
        read_receipt_line(line)


async def test_an_intent_waits_for_its_receipt(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    woken: list[int] = []
    async with desk.journal() as journal:
        journal.shipped(lambda: woken.append(journal.seq), seconds=5)
        waiting = journal.append(acknowledged("1" * 32))
        await journal.flush()
        await journal.flush()
        assert not waiting.done()
        assert woken == [journal.seq]
        assert journal.impatient
        journal.held(journal.seq - 1)
        assert not waiting.done()
        journal.held(journal.seq)
        assert await waiting == journal.seq
    assert desk.verify().ok


async def test_a_receipt_that_does_not_come(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    limits = Limits(min_free_bytes=0, reserve_bytes=256 * 1024, head_seconds=0.01)
    async with desk.journal(limits) as journal:
        journal.shipped(lambda: None, seconds=5)
        waiting = journal.append(acknowledged("1" * 32))
        await journal.flush()
        desk.clock.move(6)
        with pytest.raises(NotAcknowledged):
            await waiting
        assert journal.open_calls == 0
    (chain,) = desk.verify().chains
    assert (chain.fault, chain.intents, chain.outcomes) == (None, 1, 1)


async def test_a_caller_that_gives_up_before_the_receipt_comes(tmp_path: Path) -> None:
    """Its call has ended then, and has one outcome; those beside it end as not sent, and the chain goes on."""
    desk = Desk(tmp_path)
    limits = Limits(min_free_bytes=0, reserve_bytes=256 * 1024, head_seconds=0.01)
    async with desk.journal(limits) as journal:
        journal.shipped(lambda: None, seconds=5)
        waiting = [journal.append(acknowledged(digit * 32)) for digit in "123"]
        await journal.flush()
        waiting[1].cancel()
        await journal.append(outcome("2" * 32))
        desk.clock.move(6)
        for one in (waiting[0], waiting[2]):
            with pytest.raises(NotAcknowledged):
                await one
        assert journal.open_calls == 0
        await one_call(journal, "4" * 32)
    (chain,) = desk.verify().chains
    assert (chain.fault, chain.intents, chain.outcomes) == (None, 4, 4)


async def test_nobody_to_acknowledge(tmp_path: Path) -> None:
    async with Desk(tmp_path).journal() as journal:
        with pytest.raises(NotAcknowledged):
            _ = journal.append(acknowledged("1" * 32))


async def test_the_end_of_a_journal_is_the_end_of_waiting(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    journal = await desk.open()
    journal.shipped(lambda: None, seconds=5)
    waiting = journal.append(acknowledged("1" * 32))
    await journal.flush()
    await journal.flush()
    await journal.close("test")
    with pytest.raises(NotAcknowledged):
        await waiting
    (chain,) = desk.verify().chains
    assert (chain.fault, chain.outcomes, chain.open) == (None, 1, 0)
