"""What a chain says of itself when it is opened again: where it stands, what is open, what a crash tore off. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evidence.chain import BrokenLink, Continuity, Position, still_open
from evidence.line import Box, Note, read_line
from evidence.record import BadLine, Kind, Record
from evidence.sealing import box_hash, read_key_line


class BrokenChain(Exception):
    """A chain that is broken elsewhere than at its tail: nothing may be written to it. `where` says which and how."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


@dataclass(frozen=True, slots=True)
class Survey:
    """What stands in a segment up to its last whole record: `good_bytes` of it are sound, the rest was torn off."""

    position: Position
    open_calls: tuple[str, ...]
    good_bytes: int
    first: Record | None


@dataclass(slots=True)
class _Walk:
    """Takes lines one by one; a record counts once the box that it names is there as well."""

    continuity: Continuity = field(default_factory=Continuity)
    open_calls: dict[str, None] = field(default_factory=dict)
    first: Record | None = None
    waiting: Record | None = None

    def take(self, line: bytes) -> None:
        found = read_line(line)
        if self.waiting is not None:
            self._box(self.waiting, found)
        elif isinstance(found, Box):
            raise BadLine("a box that no record names")
        elif isinstance(found, Record):
            self._record(found)

    def _box(self, record: Record, found: Record | Box | Note) -> None:
        if not isinstance(found, Box) or box_hash(found.data) != record.box:
            raise BadLine("not the box that the record before it names")
        self.waiting = None
        self._settle(record)

    def _record(self, record: Record) -> None:
        if record.box is not None:
            self.waiting = record
        else:
            self._settle(record)

    def _settle(self, record: Record) -> None:
        if self.first is None:
            self._begin(record)
        else:
            self.continuity.follow(record.header, record.link)
        if record.header.call is not None:
            self._turn(record.header.kind, record.header.call)

    def _begin(self, record: Record) -> None:
        """The first record of a segment is believed: a later segment's notice lists the calls that were open then."""
        self.first = record
        self.continuity.position = Position(record.header.seq, record.link)
        self.continuity.last = record.header
        self.open_calls.update(dict.fromkeys(still_open(record) or ()))

    def _turn(self, kind: Kind, call: str) -> None:
        if kind is Kind.INTENT:
            self.open_calls[call] = None
        elif kind is Kind.OUTCOME:
            self.open_calls.pop(call, None)


def survey(segment: bytes, name: str) -> Survey:
    """Read the last segment of a chain.

    Raises BrokenChain if a record or head that is sound by itself does not follow what is before it, or stands behind
    something unsound: a crash tears lines off, and makes none.
    """
    walk = _Walk()
    good = offset = 0
    lines = segment.split(b"\n")[:-1]
    for number, line in enumerate(lines):
        try:
            walk.take(line)
        except BrokenLink as error:
            raise BrokenChain(f"{name}, line {number + 1}: {error}") from error
        except BadLine as error:
            _refuse_if_sound(lines[number:], f"{name}, line {number + 1}: {error}")
            break
        offset += len(line) + 1
        if walk.waiting is None:
            good = offset
    return Survey(walk.continuity.position, tuple(walk.open_calls), good, walk.first)


def survey_keys(data: bytes, tenant: str) -> int:
    """How many bytes of keys.jsonl are whole lines of keys.

    Raises BrokenChain if one stands behind a bad line, stands twice, or is of another tenant.
    """
    good, found = 0, set[str]()
    lines = data.split(b"\n")[:-1]
    for number, line in enumerate(lines, 1):
        key = _key(line)
        if key is None:
            if any(_key(later) is not None for later in lines[number:]):
                raise BrokenChain(f"keys.jsonl, line {number}: not the line of a wrapped key")
            break
        if key["id"] in found or key["tenant"] != tenant:
            what = "a wrapped key stands here twice" if key["id"] in found else "a wrapped key of another tenant"
            raise BrokenChain(f"keys.jsonl, line {number}: {what}")
        found.add(key["id"])
        good += len(line) + 1
    return good


def _refuse_if_sound(lines: Iterable[bytes], where: str) -> None:
    for line in lines:
        try:
            found = read_line(line)
        except BadLine:
            continue
        if not isinstance(found, Box):
            raise BrokenChain(where)


def _key(line: bytes) -> Mapping[str, Any] | None:
    try:
        return read_key_line(line)
    except ValueError:
        return None
