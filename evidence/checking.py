"""Checks one chain: bytes in, a report out. No input or output, no code of the writer.

The caller hands in the receipts, the segments in their order, the wrapped keys and the reserve, each in blocks of any
size; the first fault ends the check.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, ParamSpec, TypeVar

import orjson

from evidence.calls import Calls, NotItsTurn
from evidence.chain import BrokenLink, Continuity, OutOfTurn, Position, still_open
from evidence.fault import Fault
from evidence.heads import Heads
from evidence.key_entry import BadHistory
from evidence.layout import KEYS_NAME, LEDGER_KEYS_NAME, RECEIPTS_NAME, RESERVE_NAME
from evidence.line import Box, Line, Note, read_line
from evidence.note import VerifierKey
from evidence.record import BadLine, Header, Kind, Record, record_line
from evidence.report import ChainReport, Place, Step
from evidence.sealing import box_hash, read_key_line
from evidence.signing import BadSignature
from evidence.start import count, member, read_start
from evidence.witnessing import Contradicted, Ledger, Witness

_P = ParamSpec("_P")
_T = TypeVar("_T")

MAX_LINE_BYTES: Final = 1 << 28
"""No line is longer: the largest answer that a sidecar can be told to seal has a quarter of it."""


class Faulty(Exception):
    """The chain is not what it says; `step` and `what` tell how."""

    def __init__(self, step: Step, what: str) -> None:
        super().__init__(what)
        self.step = step
        self.what = what


_STEP_OF: Final[Mapping[type[Exception], Step]] = {
    BadLine: Step.LINES,
    BrokenLink: Step.LINKS,
    BadSignature: Step.HEADS,
    NotItsTurn: Step.CALLS,
    OutOfTurn: Step.CALLS,
    Contradicted: Step.RECEIPTS,
}
"""Which step a line fails by what is wrong with it; what a `start` certifies has its own place."""

_REFUSED: Final = tuple(_STEP_OF)

_START: Final = Kind.START
_OUTCOME: Final = Kind.OUTCOME
_LOSS: Final = Kind.LOSS
"""By names of their own, as in `chain`: members of enumerations are slow to look up."""


class ChainCheck:
    """The check of one chain.

    `pinned` is the identity's public key (raw) that the chain must name, None for any; a receipt counts if one of
    `verifiers` has signed it.
    """

    def __init__(self, name: str, pinned: bytes | None = None, verifiers: Sequence[VerifierKey | Ledger] = ()) -> None:
        self.report = ChainReport(name)
        self._pinned = pinned
        self._continuity = Continuity()
        self._witness = Witness(verifiers)
        self._heads = Heads()
        self._calls = Calls()
        self._kinds = dict.fromkeys(Kind, 0)
        self._data_keys: set[str] = set()
        self._trimmed = False
        self._waiting: Record | None = None
        self._before: Header | None = None
        self._first: Header | None = None
        self._last: Header | None = None
        self._file: str | None = None
        self._line: int | None = None
        self._doubtful = b""

    def ledger_keys(self, blocks: Iterable[bytes]) -> None:
        """Check the history of the ledger's keys, before the receipts. Raises Faulty."""
        self._file, data = LEDGER_KEYS_NAME, b"".join(blocks)
        try:
            if data:
                self._witness.learn(data)
        except BadHistory as error:
            self._line = None if error.entry is None else error.entry + 1
            raise Faulty(Step.RECEIPTS, str(error)) from error

    def receipts(self, blocks: Iterable[bytes]) -> None:
        """Check the file of receipts, before the segments. Raises Faulty."""
        if self._walk(RECEIPTS_NAME, blocks, lambda line: _step(Step.RECEIPTS, self._witness.take, line)):
            raise Faulty(Step.RECEIPTS, "the last receipt has no end")
        self.report.receipts = self._witness.lines

    def trimmed(self, what: str) -> None:
        """The first segments are not there; `what` says so. Raises Faulty if no receipt can stand for them."""
        self._trimmed = True
        if not self._witness.covers(Position()):
            raise Faulty(Step.FILES, what)

    def segment(self, name: str, blocks: Iterable[bytes], *, last: bool) -> None:
        """Check the next segment. Raises Faulty."""
        self.report.segments += 1
        self._end_segment(self._walk(name, blocks, self._take), last=last)

    def records_end(self) -> None:
        """There are no more segments. Raises Faulty."""
        if self._trimmed and self._last is None:
            raise Faulty(Step.FILES, "segments are missing, and no record is left")
        _step(Step.RECEIPTS, self._witness.ends, self._last.seq if self._last else 0)

    def wrapped_keys(self, blocks: Iterable[bytes]) -> None:
        """Check keys.jsonl; a key that a record names and that is not there has been erased. Raises Faulty."""
        found: set[str] = set()
        if rest := self._walk(KEYS_NAME, blocks, lambda line: self._key(line, found)):
            _refuse_changed_end(read_key_line, rest)
            self.report.torn_bytes += len(rest)
        self.report.erased_keys = len(self._data_keys - found)

    def reserve(self, blocks: Iterable[bytes]) -> None:
        """Check the reserve, which holds zeros only. Raises Faulty."""
        self._file, self._line = RESERVE_NAME, None
        for block in blocks:
            if block.count(0) != len(block):
                raise Faulty(Step.FILES, "the reserve holds something else than zeros")

    def fail(self, faulty: Faulty) -> None:
        """Put the fault into the report, with the place where the check stands."""
        seq, kind = _claims(self._doubtful)
        self.report.fault = Fault(faulty.step, faulty.what, self.report.chain, self._file, self._line, seq, kind)

    def end(self) -> None:
        """Put what was found into the report."""
        report, kinds = self.report, self._kinds
        report.records = sum(kinds.values())
        report.intents, report.outcomes = kinds[Kind.INTENT], kinds[Kind.OUTCOME]
        report.refusals = kinds[Kind.REFUSAL]
        report.open = len(self._calls.open())
        report.signed, report.unsigned_heads = self._heads.signed, self._heads.unsigned
        report.first, report.last = _place(self._first), _place(self._last)
        report.closed = self._last is not None and self._last.kind is Kind.CLOSE
        report.receipt = self._witness.furthest

    def _walk(self, name: str, blocks: Iterable[bytes], take: Callable[[bytes], None]) -> bytes:
        """Hand over each whole line of a file; what follows the last of them is given back."""
        self._file, self._line, self._doubtful = name, 1, b""
        rest, size, number = [b""], 0, 0
        for block in blocks:
            *lines, end = block.split(b"\n")
            if lines:
                lines[0] = b"".join([*rest, lines[0]])
                rest, size = [], 0
            for line in lines:
                number += 1
                self._line = number
                take(line)
            rest.append(end)
            size += len(end)
            if size > MAX_LINE_BYTES:
                raise Faulty(Step.FILES, "a line that is longer than any that is written")
        self._line, self._doubtful = number + 1, b""
        return b"".join(rest)

    def _take(self, line: bytes) -> None:
        waiting = self._waiting
        if waiting is None:
            # What is wrong with a box is wrong with the record before it.
            self._doubtful = line
        try:
            found = read_line(line)
            if waiting is not None:
                self._box(waiting, found)
            elif type(found) is Record:
                self._record(found)
            elif type(found) is Note:
                self._heads.take(found.text, self._continuity.last)
            else:
                raise Faulty(Step.BOXES, "a box that no record names")
        except _REFUSED as error:
            raise Faulty(_STEP_OF[type(error)], str(error)) from error

    def _record(self, record: Record) -> None:
        before = self._before = self._continuity.last
        if before is None:
            self._begin(record)
        else:
            self._continuity.follow(record.header, record.link)
        if self._line == 1 and (self._trimmed or self.report.segments > 1):
            self._check_notice(record)
        if record.box is None:
            self._settle(record)
        else:
            self._waiting = record

    def _begin(self, record: Record) -> None:
        """The first record of the folder: number 1, or one whose predecessors a receipt stands for."""
        header = record.header
        if not self._trimmed:
            self._continuity.follow(header, record.link)
        elif not self._witness.covers(Position(header.seq - 1, header.prev)) or header.seq < 2:
            raise Faulty(Step.FILES, f"segments are missing: no receipt reaches to record {header.seq - 1}")
        else:
            self._heads.first = header.seq
            self._continuity.position, self._continuity.last = Position(header.seq, record.link), header
        self._witness.begins(header, record.link)

    def _box(self, record: Record, line: Line) -> None:
        if not isinstance(line, Box):
            raise Faulty(Step.BOXES, "the record before names a box, and something else follows")
        if box_hash(line.data) != record.box:
            raise Faulty(Step.BOXES, "the box does not have the hash that its record names")
        self._waiting = None
        self._data_keys.add(record.body["sealed"]["key"])
        self._settle(record)

    def _settle(self, record: Record) -> None:
        """A record counts when its box is there as well."""
        header, link = record.header, record.link
        if header.kind is _START:
            self._start(record)
        self._calls.take(record)
        self._witness.reaches(header.seq, link, header.incarnation)
        self._heads.record(header.seq, link)
        self._count(record)

    def _check_notice(self, record: Record) -> None:
        """A later segment begins with the list of open calls: so much can be known without the segments before."""
        if still_open(record) is None:
            raise Faulty(Step.FILES, "a later segment does not begin with the notice of what is open")
        listed = record.body.get("open")
        if self._trimmed and self.report.segments == 1:
            if not isinstance(listed, list) or not all(isinstance(call, str) for call in listed):
                raise Faulty(Step.CALLS, "the notice does not list the calls that are open")
            self._calls.goes_on(listed)
        if listed != self._calls.open():
            raise Faulty(Step.CALLS, "the calls that the notice lists are not those that are open")

    def _start(self, record: Record) -> None:
        """The identity is one and the same, and certifies the key that the incarnation signs with."""
        report = self.report
        try:
            start = read_start(record)
        except ValueError as error:
            raise Faulty(Step.KEYS, f"the incarnation is not certified: {error}") from error
        if self._pinned is not None and start.identity_key != self._pinned:
            raise Faulty(Step.KEYS, "the identity is not the one that was given")
        if report.identity not in (None, start.identity):
            raise Faulty(Step.KEYS, "another identity than that of the incarnation before")
        self._heads.starts(start.incarnation_key)
        report.identity, report.isolation = start.identity, start.isolation
        report.incarnations += 1
        report.repaired_bytes += start.repaired_bytes
        report.abandoned.extend(start.abandoned)

    def _count(self, record: Record) -> None:
        header, report, before = record.header, self.report, self._before
        if header.kind is _OUTCOME:
            report.unknown += record.body["outcome"] == "unknown"
        elif header.kind is _LOSS:
            report.lost += sum(map(count, _step(Step.LINES, member, record.body, "lost").values()))
        self._kinds[header.kind] += 1
        if before is None:
            self._first = header
            report.sidecar, report.tenant = header.sidecar, header.tenant
        elif header.boot - before.boot > report.longest_silence_us and before.incarnation == header.incarnation:
            report.longest_silence_us = header.boot - before.boot
        self._last = header

    def _key(self, line: bytes, found: set[str]) -> None:
        members = _step(Step.BOXES, read_key_line, line)
        if members["id"] in found:
            raise Faulty(Step.BOXES, "a wrapped key stands here twice")
        if self.report.tenant not in (None, members["tenant"]):
            raise Faulty(Step.BOXES, "a wrapped key of another tenant")
        found.add(members["id"])

    def _end_segment(self, rest: bytes, *, last: bool) -> None:
        torn = len(rest)
        if self._waiting is not None:
            torn += len(record_line(self._waiting.header_bytes, self._waiting.body_bytes, self._waiting.link))
        if torn and not last:
            raise Faulty(Step.FILES, "a segment that is not the last ends in the middle")
        if rest:
            _refuse_changed_end(self._read_whole, rest)
        self.report.torn_bytes += torn

    def _read_whole(self, line: bytes) -> None:
        """Raises ValueError unless it is a whole line: a piece of a box looks like one until its hash is known."""
        found = read_line(line)
        if isinstance(found, Box) and (self._waiting is None or box_hash(found.data) != self._waiting.box):
            raise ValueError("a piece of a box")


def _step(step: Step, do: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Do it, and let what is wrong count for `step`."""
    try:
        return do(*args, **kwargs)
    except ValueError as error:
        raise Faulty(step, str(error)) from error


def _refuse_changed_end(read: Callable[[bytes], object], rest: bytes) -> None:
    """An unfinished last line is torn; a whole one that ends in another byte than LF has been changed."""
    try:
        read(rest[:-1])
    except ValueError:
        return
    raise Faulty(Step.LINES, "the last line is whole, but its line end was changed")


def _claims(line: bytes) -> tuple[int | None, str | None]:
    """What a line says of its own number and kind, as far as it can be read at all."""
    try:
        header = orjson.loads(line.split(b"\t")[1])
        return int(header["seq"]), str(header["kind"])
    except (LookupError, TypeError, ValueError):
        return None, None


def _place(header: Header | None) -> Place | None:
    return None if header is None else Place(header.seq, header.at)
