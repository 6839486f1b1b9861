"""Reads one chain on its way to a ledger: whole records from a position onwards, in batches of bounded size.

Only what a flush has put on the disk leaves it: a record that a power cut takes back, and another in its place, would
be a fork for whoever has seen the first. All calls block; OSError passes through.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evidence.batch import write_batch
from evidence.chain import Position
from evidence.layout import KEYS_NAME, segment_name, segment_numbers
from evidence.record import Record, read_record
from evidence.sealing import read_key_line

MAX_BYTES: Final = 1 << 20
"""About how much a batch holds before it is compressed; one record and its box are never torn apart for it."""

_RECORD: Final = b"record\t"
_BOX: Final = b"box\t"
_BLOCK_BYTES: Final = 256 << 10


class NotShippable(Exception):
    """A chain that cannot be shipped as it lies there; `verify` says more."""


class Forked(NotShippable):
    """The ledger holds another record than the chain does, under the same number."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A batch as bytes, and the positions between which it leads. `gap`: nothing is left of what comes before it."""

    after: Position
    last: Position
    records: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose chain it is; `chain` is the link of its first record."""

    sidecar: str
    tenant: str
    chain: str


class ChainReader:
    """One chain. `seek` says from where on it is read, each `more` gives the next batch."""

    def __init__(self, chain: Path, chain_id: str | None = None) -> None:
        """`chain_id` is the link of the first record, where its segment may be gone; else it is read."""
        self._chain = chain
        self._chain_id = chain_id
        self._segment, self._offset = 1, 0
        self._after = Position()
        self._gap = False
        self._keys: dict[str, int] = {}
        self._keys_offset = 0
        self._keys_last = b""

    def origin(self) -> Origin | None:
        """Whose chain it is; None as long as it has no whole record. Raises NotShippable."""
        numbers = self._numbers()
        first = self._first_record(numbers[0]) if numbers else None
        if first is None:
            return None
        if self._chain_id is None:
            if first.header.seq != 1:
                raise NotShippable(f"{self._chain.name}: its first segment is gone, and no receipt names the chain")
            self._chain_id = first.link
        return Origin(first.header.sidecar, first.header.tenant, self._chain_id)

    def seek(self, held: Position) -> None:
        """Go on after `held`, which the ledger has; or with the first record there is, if that comes later.

        Raises Forked if the chain has another record there, or has never come so far.
        """
        numbers = self._numbers()
        starts = [(number, first) for number in numbers if (first := self._first_record(number)) is not None]
        if not starts:
            if held.seq:
                raise Forked(f"{self._chain.name}: the ledger holds {held.seq} records, and here is none")
            return
        number, first = starts[0]
        for number, first in reversed(starts):  # noqa: B007  (the one that holds the next record, else the first)
            if first.header.seq <= held.seq + 1:
                break
        before = Position(first.header.seq - 1, first.header.prev)
        self._segment, self._offset, self._after = number, 0, before
        self._gap = before.seq > held.seq
        self._forget_keys()
        if not self._gap:
            self._skip_to(held)

    def more(self, max_bytes: int = MAX_BYTES) -> Outgoing | None:
        """The next batch, None if nothing is there that was not read before. Raises NotShippable."""
        origin = self.origin()
        while origin is not None:
            followed = (self._chain / segment_name(self._segment + 1)).exists()
            taken = _Taken()
            for lines, record in self._items():
                taken.add(lines, record)
                if taken.size >= max_bytes:
                    break
            if taken.lines:
                return self._outgoing(origin, taken)
            if not followed:
                return None
            self._segment, self._offset = self._segment + 1, 0
        return None

    def _outgoing(self, origin: Origin, taken: "_Taken") -> Outgoing:
        after, gap = self._after, self._gap
        self._offset += taken.size
        if taken.last is not None:
            self._after, self._gap = taken.last, False
        data = write_batch(
            sidecar=origin.sidecar,
            tenant=origin.tenant,
            chain=origin.chain,
            after=after,
            gap=gap,
            keys=self._wrapped(taken.boxes),
            lines=taken.lines,
        )
        return Outgoing(after, self._after, taken.records, data)

    def _skip_to(self, held: Position) -> None:
        for lines, record in self._items():
            if record is None or record.header.seq > held.seq:
                if self._after.seq >= held.seq:
                    break
                self._offset += len(lines)
                continue
            self._offset += len(lines)
            self._after = Position(record.header.seq, record.link)
        if self._after != held:
            raise Forked(f"{self._chain.name}: the ledger holds another record {held.seq} than this chain has")

    def _items(self) -> Iterator[tuple[bytes, Record | None]]:
        """From the offset on: each record with its box, or a head, as lines. What is flushed, and whole, only."""
        path = self._chain / segment_name(self._segment)
        waiting: tuple[bytes, Record] | None = None
        for line in _flushed_lines(path, self._offset):
            if waiting is not None:
                if not line.startswith(_BOX):
                    raise NotShippable(f"{self._chain.name}, {path.name}: record {waiting[1].header.seq} has no box")
                yield waiting[0] + line, waiting[1]
                waiting = None
            elif line.startswith(_RECORD):
                record = self._read(line, path)
                if record.box is None:
                    yield line, record
                else:
                    waiting = line, record
            else:
                yield line, None

    def _read(self, line: bytes, path: Path) -> Record:
        try:
            return read_record(line[:-1])
        except ValueError as error:
            raise NotShippable(f"{self._chain.name}, {path.name}: {error}") from error

    def _numbers(self) -> list[int]:
        return segment_numbers(os.listdir(self._chain))

    def _first_record(self, number: int) -> Record | None:
        path = self._chain / segment_name(number)
        with path.open("rb") as file:
            line = file.readline()
        return self._read(line, path) if line.endswith(b"\n") else None

    def _wrapped(self, ids: list[str]) -> list[bytes]:
        """The lines of the wrapped keys that a batch is the first to name since `seek`. Raises NotShippable."""
        path = self._chain / KEYS_NAME
        if not ids or not path.exists():
            return []
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            if os.pread(handle, len(self._keys_last), self._keys_offset - len(self._keys_last)) != self._keys_last:
                self._forget_keys()
            for line in _flushed_lines_of(handle, self._keys_offset):
                self._keys[self._key_id(line)] = self._keys_offset
                self._keys_offset += len(line)
                self._keys_last = line
            found = sorted(self._keys.pop(name) for name in dict.fromkeys(ids) if name in self._keys)
            return [_line_at(handle, offset) for offset in found]
        finally:
            os.close(handle)

    def _key_id(self, line: bytes) -> str:
        try:
            return str(read_key_line(line[:-1])["id"])
        except ValueError as error:
            raise NotShippable(f"{self._chain.name}, {KEYS_NAME}, at byte {self._keys_offset}: {error}") from error

    def _forget_keys(self) -> None:
        """Read keys.jsonl from its beginning: after an erasure it is another file, and nothing is where it was."""
        self._keys, self._keys_offset, self._keys_last = {}, 0, b""


class _Taken:
    """What goes into one batch."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.boxes: list[str] = []
        self.size = 0
        self.records = 0
        self.last: Position | None = None

    def add(self, lines: bytes, record: Record | None) -> None:
        self.lines.append(lines)
        self.size += len(lines)
        if record is not None:
            self.records += 1
            self.last = Position(record.header.seq, record.link)
            if record.box is not None:
                self.boxes.append(record.body["sealed"]["key"])


def _flushed_lines(path: Path, offset: int) -> Iterator[bytes]:
    """The whole lines from `offset` on that are on the disk, each with its LF."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        yield from _flushed_lines_of(handle, offset)
    finally:
        os.close(handle)


def _flushed_lines_of(handle: int, offset: int) -> Iterator[bytes]:
    end = os.fstat(handle).st_size
    if end <= offset:
        return
    os.fdatasync(handle)
    rest = b""
    while offset < end and (block := os.pread(handle, min(_BLOCK_BYTES, end - offset), offset)):
        offset += len(block)
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line + b"\n"


def _line_at(handle: int, offset: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        block = os.pread(handle, 4096, offset + len(line))
        if not block:
            return line
        line += block.partition(b"\n")[0] + (b"\n" if b"\n" in block else b"")
    return line
