"""A batch: the lines of one chain on their way from a spool to a ledger, exactly as they stand in the file.

    batch TAB {"after":{"link":…,"seq":…},"chain":…,"gap":false,"sidecar":…,"tenant":…,"v":1} LF
    key TAB <a line of keys.jsonl> LF           the wrapped keys that boxes of this batch are the first to name
    record TAB … LF, box TAB … LF, head TAB … LF        as in a segment

`chain` is the link of the chain's first record; `after` the position that the first record follows (0 and 64 zeros
at the beginning). `gap` says that the sender has nothing between what the ledger holds and `after`: records are
missing, and the ledger is to keep what there is. Pure: bytes to values and back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from evidence.canonical import canonical, read
from evidence.chain import Position
from evidence.line import Box, Note, read_line
from evidence.record import BadLine, Record, is_digest
from evidence.sealing import box_hash, read_key_line

MEDIA_TYPE: Final = "application/vnd.agentgate.batch.v1+zstd"
"""The lines above in one zstd frame (RFC 8878)."""

_BATCH: Final = b"batch\t"
_KEY: Final = b"key\t"
_HEADER: Final = frozenset({"v", "sidecar", "tenant", "chain", "after", "gap"})


class BadBatch(ValueError):
    """Bytes that are no batch; the text says what is wrong, and in which line."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A wrapped data key: its id, the pseudonym of its erasure unit, and its whole line without LF."""

    id: str
    unit: str
    line: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """A record with its sealed box, which has the hash that the record names; None where it has no box."""

    record: Record
    box: bytes | None


@dataclass(frozen=True, slots=True)
class SentHead:
    """A signed head and the number of the record after which it stands; the signature is not checked yet."""

    seq: int
    note: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that follow each other, with what belongs to them. Whether they join on, the ledger knows."""

    sidecar: str
    tenant: str
    chain: str
    after: Position
    gap: bool
    keys: tuple[WrappedKey, ...]
    records: tuple[Sent, ...]
    heads: tuple[SentHead, ...]

    @property
    def last(self) -> Position:
        """Where the chain stands after this batch."""
        return self.after if not self.records else _position(self.records[-1].record)


def write_batch(
    *, sidecar: str, tenant: str, chain: str, after: Position, gap: bool, keys: Iterable[bytes], lines: Iterable[bytes]
) -> bytes:
    """The bytes of a batch, not compressed; `keys` and `lines` are whole lines of the files with their LF."""
    position = {"seq": after.seq, "link": after.link}
    header = {"v": 1, "sidecar": sidecar, "tenant": tenant, "chain": chain, "after": position, "gap": gap}
    return b"".join([_BATCH, canonical(header), b"\n", *(_KEY + key for key in keys), *lines])


def read_batch(data: bytes) -> Batch:
    """Read the bytes of a batch. Raises BadBatch unless every line, hash and box is in the form that is written.

    Each record follows the one before it by number and `prev`, all of one sidecar and tenant, and each box follows its
    record. Signatures, certificates and the turns of calls are not looked at.
    """
    first, *lines = data.split(b"\n")
    if not lines or lines.pop():
        raise BadBatch("the last line has no end")
    header = _read_header(first)
    position = Position(header["after"]["seq"], header["after"]["link"])
    reading = _Reading(header["sidecar"], header["tenant"], position)
    for number, line in enumerate(lines, 2):
        try:
            reading.take(line)
        except ValueError as error:
            raise BadBatch(f"line {number}: {error}") from error
    reading.end()
    return Batch(
        header["sidecar"],
        header["tenant"],
        header["chain"],
        position,
        header["gap"],
        tuple(reading.keys),
        tuple(reading.records),
        tuple(reading.heads),
    )


class _Reading:
    """What was read so far."""

    def __init__(self, sidecar: str, tenant: str, position: Position) -> None:
        self.keys: list[WrappedKey] = []
        self.records: list[Sent] = []
        self.heads: list[SentHead] = []
        self._names = (sidecar, tenant)
        self._position = position
        self._waiting: Record | None = None

    def take(self, line: bytes) -> None:
        if line.startswith(_KEY):
            self._key(line[len(_KEY) :])
            return
        found = read_line(line)
        if self._waiting is not None:
            self._box(self._waiting, found)
        elif isinstance(found, Record):
            self._record(found)
        elif isinstance(found, Note):
            self.heads.append(SentHead(self._position.seq, found.text))
        else:
            raise BadLine("a box that no record names")

    def end(self) -> None:
        if self._waiting is not None:
            raise BadBatch("the last record has no box, and names one")

    def _key(self, line: bytes) -> None:
        if self.records or self._waiting is not None:
            raise BadLine("a key after the first record")
        members = read_key_line(line)
        if members["tenant"] != self._names[1]:
            raise BadLine("a wrapped key of another tenant")
        self.keys.append(WrappedKey(members["id"], members["unit"], line))

    def _record(self, record: Record) -> None:
        header = record.header
        if (header.sidecar, header.tenant) != self._names:
            raise BadLine("a record of another sidecar or tenant than the batch")
        if header.seq != self._position.seq + 1 or header.prev != self._position.link:
            raise BadLine(f"record {header.seq} does not follow record {self._position.seq}")
        self._position = _position(record)
        if record.box is None:
            self.records.append(Sent(record, None))
        else:
            self._waiting = record

    def _box(self, record: Record, found: Record | Box | Note) -> None:
        if not isinstance(found, Box) or box_hash(found.data) != record.box:
            raise BadLine("not the box that the record before names")
        self._waiting = None
        self.records.append(Sent(record, found.data))


def _position(record: Record) -> Position:
    return Position(record.header.seq, record.link)


def _read_header(line: bytes) -> Mapping[str, Any]:
    try:
        header = read(line.removeprefix(_BATCH)) if line.startswith(_BATCH) else None
    except ValueError as error:
        raise BadBatch(f"the first line is not canonical JSON: {error}") from error
    if not isinstance(header, dict) or header.keys() != _HEADER or header["v"] != 1:
        raise BadBatch("the first line is not that of a batch of version 1")
    after = header["after"]
    if (
        not all(isinstance(header[name], str) for name in ("sidecar", "tenant"))
        or not is_digest(header["chain"])
        or not isinstance(header["gap"], bool)
        or not isinstance(after, dict)
        or after.keys() != {"seq", "link"}
        or type(after["seq"]) is not int
        or after["seq"] < 0
        or not is_digest(after["link"])
    ):
        raise BadBatch("a member of the first line has the wrong type")
    return header
