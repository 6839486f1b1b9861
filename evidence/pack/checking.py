"""Checks one chain of a pack: headers, and beside them the bodies and texts of those that are disclosed.

Bytes in, a report out; no input or output, no code of the writer. The first fault ends the check.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

from evidence.calls import Calls, NotItsTurn
from evidence.canonical import read
from evidence.chain import BrokenLink, Continuity, OutOfTurn, Position, still_open
from evidence.checking import MAX_LINE_BYTES
from evidence.fault import Fault
from evidence.heads import Heads
from evidence.key_entry import BadHistory
from evidence.layout import LEDGER_KEYS_NAME, RECEIPTS_NAME
from evidence.line import Note, read_line
from evidence.note import VerifierKey
from evidence.pack.report import PartReport, Step
from evidence.pack.selecting import ANCHORS
from evidence.pack.vocabulary import (
    BODIES,
    HEADERS,
    TEXTS,
    BadPack,
    Body,
    Manifest,
    Texts,
    member_of,
    read_body,
    read_texts,
)
from evidence.record import BadLine, Header, Kind, Record, body_hash, link_of, read_header
from evidence.report import ChainReport
from evidence.sealing import commitment, value_of
from evidence.signing import BadSignature, exact_base64
from evidence.start import count, member, read_start
from evidence.witnessing import Contradicted, Ledger, Witness

_HEADER: Final = b"header\t"


class Faulty(Exception):
    """The pack is not what it says."""

    def __init__(self, fault: Fault[Step]) -> None:
        super().__init__(str(fault))
        self.fault = fault


class Members(Protocol):
    """The members of a pack."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Names and sizes."""

    def blocks(self, name: str) -> Iterable[bytes]:
        """What a member holds."""


class _Numbered(Protocol):
    @property
    def seq(self) -> int: ...


_N = TypeVar("_N", bound=_Numbered)


class Lines:
    """The lines of one member in turn; `line` is the number of the last one."""

    def __init__(self, members: Members, name: str) -> None:
        self.name = name
        self.line = 0
        self._lines = _split(members.blocks(name)) if name in members.sizes else iter(())

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.line += 1
            yield line


class _Beside(Generic[_N]):
    """Lines that each belong to a record, in the order of records: the next is looked at, and taken when it is due."""

    def __init__(self, found: Iterator[_N]) -> None:
        self._found = found
        self._next = next(found, None)

    def of(self, seq: int) -> _N | None:
        """That of this record, if there is one; those of no record stay in the way."""
        if self._next is None or self._next.seq != seq:
            return None
        due, self._next = self._next, next(self._found, None)
        return due

    @property
    def left(self) -> _N | None:
        """The next one."""
        return self._next


class PartCheck:
    """The check of one chain; it leaves the `links` of records that are to be shown included, and the calls `shown`."""

    def __init__(
        self,
        name: str,
        members: Members,
        manifest: Manifest,
        pinned: bytes | None,
        verifiers: Sequence[VerifierKey | Ledger],
        wanted: frozenset[int],
    ) -> None:
        self.report = PartReport(ChainReport(name))
        self.links: dict[int, str] = {}
        self._name, self._members, self._manifest = name, members, manifest
        self._pinned, self._wanted = pinned, wanted
        self._continuity, self._heads, self._calls = Continuity(), Heads(), Calls()
        self._witness = Witness(verifiers)
        self._place = Lines(members, member_of(name, HEADERS))
        self._header: Header | None = None
        self.shown: set[str] = set()
        self._hidden: set[str] = set()

    def run(self) -> None:
        """Check it. Raises Faulty, and what the members raise."""
        self._receipts()
        bodies = _Beside(self._read(BODIES, read_body, Step.BODIES))
        texts = _Beside(self._read(TEXTS, read_texts, Step.TEXTS))
        for line in self._lines(HEADERS):
            try:
                self._line(line, bodies, texts)
            except (BadLine, BrokenLink) as error:
                raise self._fault(Step.HEADERS, str(error)) from error
            except BadSignature as error:
                raise self._fault(Step.HEADS, str(error)) from error
            except (NotItsTurn, OutOfTurn) as error:
                raise self._fault(Step.CALLS, str(error)) from error
            except Contradicted as error:
                raise self._fault(Step.RECEIPTS, str(error)) from error
        self._end(bodies, texts)

    def _receipts(self) -> None:
        keys = member_of(self._name, LEDGER_KEYS_NAME)
        if keys in self._members.sizes:
            try:
                self._witness.learn(b"".join(self._members.blocks(keys)))
            except BadHistory as error:
                raise self._fault(Step.RECEIPTS, str(error), LEDGER_KEYS_NAME) from error
        for line in self._lines(RECEIPTS_NAME):
            try:
                self._witness.take(line)
            except ValueError as error:
                raise self._fault(Step.RECEIPTS, str(error)) from error
        self.report.chain.receipts = self._witness.lines

    def _line(self, line: bytes, bodies: _Beside[Body], texts: _Beside[Texts]) -> None:
        if not line.startswith(_HEADER):
            found = read_line(line)
            if not isinstance(found, Note):
                raise BadLine("a line that is neither header nor head")
            self._heads.take(found.text, self._continuity.last)
            return
        data = line.removeprefix(_HEADER)
        header, link = read_header(data), link_of(data)
        self._header = header
        self._follow(header, link)
        record = self._disclosed(header, link, data, bodies.of(header.seq))
        self._take(header, link, record)
        self._texts(record, texts.of(header.seq))

    def _follow(self, header: Header, link: str) -> None:
        if header.tenant != self._manifest.tenant:
            raise BadLine(f"a record of the tenant {header.tenant}, in a pack of {self._manifest.tenant}")
        before = self._continuity.last
        if before is not None or header.seq == 1:
            self._continuity.follow(header, link)
        elif header.seq < 2 or not self._witness.covers(Position(header.seq - 1, header.prev)):
            what = f"begins with record {header.seq}, and no receipt that counts reaches to the one before"
            raise self._fault(Step.RECEIPTS, f"{what}: give --receipt-key")
        else:
            self._heads.first = header.seq
            self._continuity.position, self._continuity.last = Position(header.seq, link), header
        if before is None:
            self.report.first = header
            self.report.chain.sidecar, self.report.chain.tenant = header.sidecar, header.tenant
            self._witness.begins(header, link)
        self.report.last = header

    def _disclosed(self, header: Header, link: str, data: bytes, body: Body | None) -> Record | None:
        """The record, if its body is here and the one that was recorded."""
        if body is None:
            return None
        if body_hash(body.data) != header.body_hash:
            raise self._fault(Step.BODIES, "the body does not have the hash that its header names", BODIES)
        try:
            value = read(body.data)
        except ValueError as error:
            raise self._fault(Step.BODIES, f"the body is not canonical JSON: {error}", BODIES) from error
        if not isinstance(value, dict):
            raise self._fault(Step.BODIES, "the body is no object", BODIES)
        self.report.disclosed += 1
        self.report.selected += body.selected
        if header.call is not None and body.selected:
            self.shown.add(header.call)
        elif not body.selected and header.kind not in ANCHORS and self.report.first is not header:
            raise self._fault(Step.SELECTION, "a body that nobody selected and the check does not need", BODIES)
        return Record(header, value, link, data, body.data, None)

    def _take(self, header: Header, link: str, record: Record | None) -> None:
        if record is None:
            if header.kind in ANCHORS:
                raise self._fault(Step.BODIES, f"the body of a {header.kind.value} is missing: every pack has them")
            if header.call is not None:
                self._hidden.add(header.call)
            if self._provable() and self._manifest.selection.spans(header.at):
                raise self._fault(Step.SELECTION, "the record lies in the span that was asked for, without its body")
        if header.kind is Kind.START and record is not None:
            self._start(record)
        if header.seq > 1 and self.report.first is header:
            self._goes_on(record)
        if record is None:
            self._calls.turn(header.call, header.kind)
        else:
            self._calls.take(record)
            if header.kind is Kind.LOSS:
                self.report.chain.lost += sum(map(count, self._lost(record).values()))
        self._witness.reaches(header.seq, link, header.incarnation)
        self._heads.record(header.seq, link)
        if header.seq in self._wanted:
            self.links[header.seq] = link

    def _provable(self) -> bool:
        """Whether headers alone say what was asked for."""
        return not {"session", "agent", "call"} & self._manifest.selection.as_json().keys()

    def _start(self, record: Record) -> None:
        chain = self.report.chain
        try:
            start = read_start(record)
        except ValueError as error:
            raise self._fault(Step.KEYS, f"the incarnation is not certified: {error}") from error
        if self._pinned is not None and start.identity_key != self._pinned:
            raise self._fault(Step.KEYS, "the identity is not the one that was given")
        if chain.identity not in (None, start.identity):
            raise self._fault(Step.KEYS, "another identity than that of the incarnation before")
        self._heads.starts(start.incarnation_key)
        chain.identity, chain.isolation = start.identity, start.isolation
        chain.incarnations += 1

    def _goes_on(self, record: Record | None) -> None:
        """The chain begins later, with the notice of what is open."""
        listed = None if record is None else still_open(record)
        if record is None or listed is None:
            raise self._fault(Step.CALLS, "a chain that begins later does not begin with the notice of what is open")
        self._calls.goes_on(listed)
        if record.body.get("open") != self._calls.open():
            raise self._fault(Step.CALLS, "the notice of what is open is no list of calls, each once and in order")

    def _lost(self, record: Record) -> Mapping[str, Any]:
        try:
            return member(record.body, "lost")
        except ValueError as error:
            raise self._fault(Step.BODIES, str(error), BODIES) from error

    def _texts(self, record: Record | None, texts: Texts | None) -> None:
        if texts is None:
            return
        if record is None:
            raise self._fault(Step.TEXTS, "texts of a record whose body is not here", TEXTS)
        commitments = record.body.get("commitments")
        for name, content in texts.secrets.items():
            committed = commitments.get(name) if isinstance(commitments, dict) else None
            if not isinstance(committed, dict):
                raise self._fault(Step.TEXTS, f"{name}: the record has committed to nothing of that name", TEXTS)
            if "redacted" not in content and not _keeps(committed, content):
                raise self._fault(Step.TEXTS, f"{name}: not what the record has committed to", TEXTS)
        self.report.texts += 1

    def _end(self, bodies: _Beside[Body], texts: _Beside[Texts]) -> None:
        report, last = self.report, self.report.last
        if last is None:
            raise self._fault(Step.HEADERS, "a chain without a record")
        if bodies.left is not None:
            raise self._fault(Step.BODIES, f"the body of record {bodies.left.seq} has no header, or comes late", BODIES)
        if texts.left is not None:
            raise self._fault(Step.TEXTS, f"the texts of record {texts.left.seq} have no header, or come late", TEXTS)
        try:
            self._witness.ends(last.seq)
        except Contradicted as error:
            raise self._fault(Step.RECEIPTS, str(error)) from error
        report.chain.signed, report.chain.unsigned_heads = self._heads.signed, self._heads.unsigned
        report.chain.receipt, report.chain.open = self._witness.furthest, len(self._calls.open())
        if both := sorted(self.shown & self._hidden):
            raise self._fault(Step.SELECTION, f"the call {both[0]} is here in part: some of its records have no body")

    def _lines(self, name: str) -> Iterator[bytes]:
        self._place, self._header = Lines(self._members, member_of(self._name, name)), None
        for line in self._place:
            if not line.endswith(b"\n"):
                raise self._fault(Step.HEADERS if name == HEADERS else Step.RECEIPTS, "the last line has no end")
            yield line[:-1]

    def _read(self, name: str, reader: Callable[[bytes], _N], step: Step) -> Iterator[_N]:
        last = 0
        for line in Lines(self._members, member_of(self._name, name)):
            if not line.endswith(b"\n"):
                raise self._fault(step, "the last line has no end", name)
            try:
                found = reader(line[:-1])
            except BadPack as error:
                raise self._fault(step, str(error), name) from error
            if found.seq <= last:
                raise self._fault(step, f"what is of record {found.seq} stands twice, or comes late", name)
            last = found.seq
            yield found

    def _fault(self, step: Step, what: str, name: str | None = None) -> Faulty:
        seq, kind = (None, None) if self._header is None else (self._header.seq, self._header.kind.value)
        if name is None:
            return Faulty(Fault(step, what, None, self._place.name, self._place.line, seq, kind))
        return Faulty(Fault(step, what, None, member_of(self._name, name), None, seq, kind))


def _keeps(committed: Mapping[str, Any], content: Mapping[str, str]) -> bool:
    """Whether the text and its salt give what was committed to."""
    try:
        salt, value = exact_base64(content["salt"]), value_of(content)
    except ValueError:
        return False
    return value is not None and committed == {"hmac": commitment(salt, value), "bytes": len(value)}


def _split(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a member, each with its LF. Raises BadLine for one that is longer than any that is written."""
    rest, size = [b""], 0
    for block in blocks:
        *lines, end = block.split(b"\n")
        if lines:
            lines[0] = b"".join([*rest, lines[0]])
            rest, size = [], 0
        for line in lines:
            yield line + b"\n"
        rest.append(end)
        size += len(end)
        if size > MAX_LINE_BYTES:
            raise BadLine("a line that is longer than any that is written")
    if last := b"".join(rest):
        yield last
