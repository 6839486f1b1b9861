"""Checks one chain: bytes in, a report out. No input or output, no code of the writer.

The caller hands in the segments in order, then the wrapped keys and the reserve; the first fault ends the check.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import orjson

from evidence.chain import Continuity, State, still_open, turn
from evidence.layout import KEYS_NAME, RESERVE_NAME
from evidence.line import Box, Line, Note, read_line
from evidence.record import OUTCOMES, Header, Kind, Record, record_line
from evidence.report import ChainReport, Fault, Place, Step
from evidence.sealing import box_hash, read_key_line
from evidence.signing import (
    Certificate,
    check,
    exact_base64,
    open_note,
    read_head,
    read_public,
    signer_name,
)

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Faulty(Exception):
    """The chain is not what it says; `fault` tells where and how."""

    def __init__(self, step: Step, what: str) -> None:
        super().__init__(what)
        self.step = step
        self.what = what


class ChainCheck:
    """The check of one chain. `pinned` is the identity's public key (raw) that the chain must name, None for any."""

    def __init__(self, name: str, pinned: bytes | None) -> None:
        self.report = ChainReport(name)
        self._pinned = pinned
        self._continuity = Continuity()
        self._waiting: Record | None = None
        self._public = b""
        self._links: dict[int, str] = {}
        self._calls: dict[str, State] = {}
        self._data_keys: set[str] = set()
        self._before: Header | None = None
        self._file: str | None = None
        self._line: int | None = None
        self._doubtful = b""

    def segment(self, name: str, data: bytes, *, last: bool) -> None:
        """Check the next segment. Raises Faulty."""
        self._file = name
        self.report.segments += 1
        *lines, rest = data.split(b"\n")
        for number, line in enumerate(lines, 1):
            # What is wrong with a box is wrong with the record before it.
            self._line, self._doubtful = number, self._doubtful if self._waiting else line
            self._take(_step(Step.LINES, read_line, line), first=number == 1)
        self._line, self._doubtful = len(lines) + 1, b""
        self._end_segment(rest, last=last)

    def wrapped_keys(self, data: bytes) -> None:
        """Check keys.jsonl; a key that a record names and that is not there has been erased. Raises Faulty."""
        self._file = KEYS_NAME
        *lines, rest = data.split(b"\n")
        found: set[str] = set()
        for number, line in enumerate(lines, 1):
            self._line = number
            members = _step(Step.BOXES, read_key_line, line)
            if members["id"] in found:
                raise Faulty(Step.BOXES, "a wrapped key stands here twice")
            if self.report.tenant not in (None, members["tenant"]):
                raise Faulty(Step.BOXES, "a wrapped key of another tenant")
            found.add(members["id"])
        self._line = len(lines) + 1
        if rest:
            _refuse_changed_end(read_key_line, rest)
            self.report.torn_bytes += len(rest)
        self.report.erased_keys = len(self._data_keys - found)

    def reserve(self, data: bytes) -> None:
        """Check a part of the reserve, which holds zeros only. Raises Faulty."""
        self._file, self._line = RESERVE_NAME, None
        if data.count(0) != len(data):
            raise Faulty(Step.FILES, "the reserve holds something else than zeros")

    def end(self) -> None:
        """Count what is left open."""
        self.report.open = sum(state is State.OPEN for state in self._calls.values())

    def fail(self, faulty: Faulty) -> None:
        """Put the fault into the report, with the place where the check stands."""
        seq, kind = _claims(self._doubtful)
        self.report.fault = Fault(faulty.step, faulty.what, self.report.chain, self._file, self._line, seq, kind)

    def _take(self, line: Line, *, first: bool) -> None:
        if self._waiting is not None:
            self._box(self._waiting, line)
            return
        match line:
            case Record():
                self._record(line, first=first)
            case Note():
                self._head(line)
            case Box():
                raise Faulty(Step.BOXES, "a box that no record names")

    def _record(self, record: Record, *, first: bool) -> None:
        self._before = self._continuity.last
        _step(Step.LINKS, self._continuity.follow, record.header, record.link)
        if first and self.report.segments > 1:
            self._check_notice(record)
        if record.box is None:
            self._settle(record)
        else:
            self._waiting = record

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
        if record.header.kind is Kind.START:
            self._check_start(record)
        self._call(record)
        self._links[record.header.seq] = record.link
        self._count(record)

    def _check_notice(self, record: Record) -> None:
        """A later segment begins with the list of open calls: so much can be known without the segments before."""
        listed = still_open(record)
        if listed is None:
            raise Faulty(Step.FILES, "a later segment does not begin with the notice of what is open")
        if listed != sorted(call for call, state in self._calls.items() if state is State.OPEN):
            raise Faulty(Step.CALLS, "the calls that the notice lists are not those that are open")

    def _check_start(self, record: Record) -> None:
        """The identity is one and the same, and certifies the key that the incarnation signs with."""
        header, body = record.header, record.body
        try:
            identity = read_public(_text(body, "identity"))
            self._public = read_public(_text(body, "incarnation_key"))
            certified = _member(body, "certificate")
            certificate = Certificate(
                header.sidecar,
                header.incarnation,
                _text(body, "incarnation_key"),
                header.tenant,
                _text(certified, "not_before"),
            )
            check(identity, exact_base64(_text(certified, "signature")), certificate.statement())
        except ValueError as error:
            raise Faulty(Step.KEYS, f"the incarnation is not certified: {error}") from error
        if self._pinned is not None and identity != self._pinned:
            raise Faulty(Step.KEYS, "the identity is not the one that was given")
        if self.report.identity not in (None, body["identity"]):
            raise Faulty(Step.KEYS, "another identity than that of the incarnation before")
        self._describe(record)

    def _describe(self, record: Record) -> None:
        body, report = record.body, self.report
        report.identity = str(body["identity"])
        report.sidecar, report.tenant = record.header.sidecar, record.header.tenant
        report.isolation = str(body.get("isolation"))
        report.incarnations += 1
        report.repaired_bytes += _number(body.get("repaired_bytes"))
        report.abandoned.extend(str(name) for name in _sequence(body.get("abandoned")))

    def _head(self, note: Note) -> None:
        last = self._continuity.last
        if last is None:
            raise Faulty(Step.HEADS, "a head before the first record")
        text = _step(Step.HEADS, open_note, note.text, signer_name(last.incarnation), self._public)
        head = _step(Step.HEADS, read_head, text)
        if head.incarnation != last.incarnation:
            raise Faulty(Step.HEADS, "the head names another incarnation than its signer")
        if self._links.get(head.position.seq) != head.position.link:
            raise Faulty(Step.HEADS, f"the head over record {head.position.seq} does not name its link, or is not new")
        for seq in range(self.report.signed + 1, head.position.seq + 1):
            del self._links[seq]
        self.report.signed = head.position.seq

    def _call(self, record: Record) -> None:
        call, kind = record.header.call, record.header.kind
        if kind is Kind.OUTCOME and not _is_outcome(record.body.get("outcome")):
            raise Faulty(Step.CALLS, "an outcome that is none")
        if call is None:
            if kind in {Kind.INTENT, Kind.OUTCOME, Kind.REFUSAL, Kind.LATE}:
                raise Faulty(Step.CALLS, f"{kind.value} without a call")
            return
        self._calls[call] = _step(Step.CALLS, turn, call, self._calls.get(call, State.NOTHING), kind)

    def _count(self, record: Record) -> None:
        header, report = record.header, self.report
        report.records += 1
        report.intents += header.kind is Kind.INTENT
        report.outcomes += header.kind is Kind.OUTCOME
        report.refusals += header.kind is Kind.REFUSAL
        report.unknown += header.kind is Kind.OUTCOME and record.body["outcome"] == "unknown"
        report.closed = header.kind is Kind.CLOSE
        if header.kind is Kind.LOSS:
            report.lost += sum(map(_number, _step(Step.LINES, _member, record.body, "lost").values()))
        if self._before is not None and self._before.incarnation == header.incarnation:
            report.longest_silence_us = max(report.longest_silence_us, header.boot - self._before.boot)
        report.last = Place(header.seq, header.at)
        report.first = report.first or report.last

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


def _member(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"`{name}` is missing")  # noqa: TRY004 - what is read is wrong, not how it is read
    return value


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise ValueError(f"`{name}` is missing")  # noqa: TRY004 - what is read is wrong, not how it is read
    return value


def _is_outcome(value: object) -> bool:
    return isinstance(value, str) and value in OUTCOMES


def _number(value: object) -> int:
    return value if type(value) is int and value > 0 else 0


def _sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
