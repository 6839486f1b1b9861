"""Walks along one chain as the ledger holds it, row by row; the first thing that is not right ends it. No database.

Shares nothing with what wrote the rows but the pure core of `evidence`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from central.check.findings import Step
from evidence.chain import BrokenLink, Continuity, Position, still_open
from evidence.record import BadLine, Kind, Record, read_record, record_line
from evidence.sealing import box_hash
from evidence.signing import open_note, read_head, signer_name
from evidence.start import read_start


class Wrong(Exception):
    """What is not right, at which step and record, and which leaf of the log says so."""

    def __init__(self, step: Step, what: object, seq: int | None, leaf: int | None = None) -> None:
        super().__init__(what)
        self.step, self.what, self.seq, self.leaf = step, str(what), seq, leaf


@dataclass(frozen=True, slots=True)
class Row:
    """A row of `records`."""

    seq: int
    received_at: int
    link: bytes
    header: bytes
    body: bytes
    box: bytes | None


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A row of `batches`, and from which leaf on it stands in the log; None while it waits."""

    id: int
    first_seq: int
    last_seq: int
    received_at: int
    first_leaf: int | None


@dataclass(frozen=True, slots=True)
class HeadRow:
    """A row of `heads`, and the link that the ledger has for the record that it covers; None where a gap took it."""

    seq: int
    signed: int
    note: str
    link: bytes | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A row of `chains`, and what stands of its gaps and incarnations elsewhere.

    `gaps` has how many records are missing from a number on, `keys` the incarnation and its key by the number of its
    first record; `identity` is the registered one, None where nobody is registered.
    """

    sidecar: str
    tenant: str
    chain: str
    first_seq: int
    position: Position
    last_header: bytes | None
    key: bytes | None
    signed: int
    gaps: Mapping[int, int]
    keys: Mapping[int, tuple[str, bytes | None]]
    identity: bytes | None


Leaf = Callable[[int], bytes | None]
"""A published leaf by its number; None for one that is not published."""

_NO_RECORD: Final = "the ledger has not got it"


class Walk:
    """`take` each row in its order, then `end`. Both raise Wrong.

    `data_keys` has the first record that names each data key, `destroyed` those that a tombstone here says are gone.
    """

    def __init__(self, standing: Standing, batches: Sequence[BatchRow], heads: Sequence[HeadRow], leaf: Leaf) -> None:
        self._standing, self._leaf = standing, leaf
        self._batches, self._heads = list(reversed(batches)), list(reversed(heads))
        self._continuity = Continuity()
        self._header: bytes | None = None
        self._first = 0
        self._key: bytes | None = None
        self._signed = 0
        self.data_keys: dict[str, int] = {}
        self.destroyed: set[str] = set()

    def take(self, row: Row) -> None:
        """The next row."""
        self._heads_at(self._continuity.position.seq)
        record = _read(row)
        self._check_owner(record, row)
        self._follow(record, row.seq)
        batch = self._batch_of(row)
        if record.header.kind is Kind.START:
            self._start(record)
        self._check_leaf(row, batch)
        self._first = self._first or row.seq
        self._header = row.header
        if record.box is not None:
            self.data_keys.setdefault(str(record.body["sealed"]["key"]), row.seq)
        if record.header.kind is Kind.TOMBSTONE:
            self.destroyed.update(map(str, record.body.get("keys", ())))

    def end(self) -> None:
        """There are no more rows."""
        seq = self._continuity.position.seq
        self._heads_at(seq)
        while self._batches and self._batches[-1].last_seq <= seq:
            self._batches.pop()
        if self._batches:
            batch, first = self._batches[-1], max(seq + 1, self._batches[-1].first_seq)
            raise Wrong(Step.BATCHES, f"batch {batch.id} has it, and {_NO_RECORD}", first, _leaf_of(batch, first))
        if self._heads:
            head = self._heads[-1]
            raise Wrong(Step.HEADS, f"a signed head stands behind it, and {_NO_RECORD}", head.seq)
        self._stands()

    def _stands(self) -> None:
        row, seq = self._standing, self._continuity.position.seq
        found = (row.position, row.first_seq, row.last_header, row.signed)
        there = (self._continuity.position, self._first, self._header, self._signed)
        if found != there:
            said = f"the chain stands at record {row.position.seq} and is signed up to {row.signed}"
            what = f"{said}, and its last record is {seq}, signed up to {self._signed}"
            raise Wrong(Step.STANDING, what, max(seq, row.position.seq))
        if row.key != self._key:
            raise Wrong(Step.KEYS, "the chain goes on with another key than its incarnation was certified for", seq)

    def _check_owner(self, record: Record, row: Row) -> None:
        header, mine = record.header, self._standing
        if header.seq != row.seq:
            raise Wrong(Step.RECORDS, f"in its place stands record {header.seq}", row.seq)
        if (header.sidecar, header.tenant) != (mine.sidecar, mine.tenant):
            raise Wrong(Step.RECORDS, f"it is of sidecar {header.sidecar}, tenant {header.tenant}", row.seq)
        if row.seq == 1 and record.link != mine.chain:
            raise Wrong(Step.LINKS, "the first record is not the one that the chain is named by", 1)

    def _follow(self, record: Record, seq: int) -> None:
        before = self._continuity.position.seq
        try:
            if seq <= before + 1:
                self._continuity.follow(record.header, record.link)
            else:
                self._land(record, before)
        except BrokenLink as error:
            raise Wrong(Step.LINKS, error, seq) from error

    def _land(self, record: Record, before: int) -> None:
        """Records are missing: that is so if it was noted when they did not come."""
        header, last = record.header, self._continuity.last
        landing = header.kind is Kind.START or still_open(record) is not None
        if not landing or self._standing.gaps.get(before + 1) != header.seq - 1 - before:
            batch = next((each for each in reversed(self._batches) if each.last_seq > before), None)
            raise Wrong(Step.LINKS, _NO_RECORD, before + 1, None if batch is None else _leaf_of(batch, before + 1))
        if last is None or last.incarnation != header.incarnation:
            self._key = None
        self._continuity.position, self._continuity.last = Position(header.seq, record.link), header

    def _batch_of(self, row: Row) -> BatchRow:
        while self._batches and self._batches[-1].last_seq < row.seq:
            self._batches.pop()
        batch = self._batches[-1] if self._batches else None
        if batch is None or not batch.first_seq <= row.seq:
            raise Wrong(Step.BATCHES, "it came with no batch", row.seq)
        if batch.received_at != row.received_at:
            raise Wrong(Step.BATCHES, f"it has another time than batch {batch.id}, which it came with", row.seq)
        return batch

    def _start(self, record: Record) -> None:
        header, mine = record.header, self._standing
        try:
            start = read_start(record)
        except ValueError as error:
            raise Wrong(Step.KEYS, f"the incarnation is not certified: {error}", header.seq) from error
        if mine.identity is not None and start.identity_key != mine.identity:
            raise Wrong(Step.KEYS, "it is certified by another identity than the registered one", header.seq)
        if mine.keys.get(header.seq) != (header.incarnation, start.incarnation_key):
            raise Wrong(Step.KEYS, "the table of incarnations has another key for it", header.seq)
        self._key = start.incarnation_key

    def _check_leaf(self, row: Row, batch: BatchRow) -> None:
        number = _leaf_of(batch, row.seq)
        published = None if number is None else self._leaf(number)
        if published is not None and published != row.link:
            raise Wrong(Step.LEAVES, f"leaf {number} was published as {published.hex()}", row.seq, number)

    def _heads_at(self, seq: int) -> None:
        while self._heads and self._heads[-1].seq <= seq:
            self._head(self._heads.pop(), seq)

    def _head(self, row: HeadRow, seq: int) -> None:
        last = self._continuity.last
        if last is None or row.seq != seq:
            raise Wrong(Step.HEADS, "a signed head stands where no record is", row.seq)
        try:
            text = row.note.rpartition("\n\n")[0] + "\n"
            head = read_head(
                text if self._key is None else open_note(row.note, signer_name(last.incarnation), self._key)
            )
        except ValueError as error:
            raise Wrong(Step.HEADS, f"the head behind it does not count: {error}", seq) from error
        named = head.position
        there = self._gone(named.seq) if row.link is None else row.link.hex() == named.link
        if named.seq != row.signed or named.seq > seq or not there:
            raise Wrong(Step.HEADS, f"a head was signed over another record {named.seq}", named.seq)
        self._signed = max(self._signed, row.signed)

    def _gone(self, seq: int) -> bool:
        """Whether a gap that was noted took the record."""
        return any(first <= seq < first + count for first, count in self._standing.gaps.items())


def _read(row: Row) -> Record:
    """The record in a row, if its bytes have the hashes that it is known by."""
    try:
        record = read_record(record_line(row.header, row.body, row.link.hex())[:-1])
    except BadLine as error:
        raise Wrong(Step.RECORDS, error, row.seq) from error
    if record.box != (None if row.box is None else box_hash(row.box)):
        raise Wrong(Step.RECORDS, "its sealed box is not the one that it names", row.seq)
    return record


def _leaf_of(batch: BatchRow, seq: int) -> int | None:
    return None if batch.first_leaf is None else batch.first_leaf + seq - batch.first_seq
