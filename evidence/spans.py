"""Whether anything is missing between two times of what sidecars wrote, out of evidence folders: after a check of them.

The rule is that of `central.ledger.completeness`, applied to files: each life of a sidecar was closed, or went on in
the same chain, or was heard until the end, without a silence or a loss between, and under signed heads. Files tell
nothing of the records that were given up of a chain: a span that may have some of them is not whole.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from evidence.clock import micros
from evidence.printable import printable
from evidence.record import Header, Kind
from evidence.report import ChainReport
from evidence.tailing import ChainTail

HEARD_US: Final = 60 * 1_000_000
"""A life that was heard so shortly before the end was heard until its end; a longer pause is a silence."""


class NoTime(ValueError):
    """A text that is no time with its zone, or two times of which the second is not the later one."""


@dataclass(frozen=True, slots=True)
class Span:
    """From one time to before another, in microseconds since 1970, as they were given in `begins` and `ends`."""

    since: int
    until: int
    begins: str
    ends: str


@dataclass(frozen=True, slots=True)
class Lack:
    """Why a span is not whole: a code, what it means, and the record that it stands behind or begins at."""

    chain: str
    code: str
    what: str
    seq: int


@dataclass(slots=True)
class _Walk:
    """What a chain has in the span. `first_at` is the time of its first record, `last` its last one in the span."""

    report: ChainReport
    first_at: int = 0
    last: Header | None = None
    last_at: int = 0
    ended: bool = True
    lacks: list[Lack] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Whole:
    """What is stated of a span: it is complete where some chain has records in it, and nothing lacks.

    `chains` are those that have records in it, or of which something lacks there.
    """

    span: Span
    chains: int
    lacks: tuple[Lack, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.chains > 0 and not self.lacks

    def as_json(self) -> dict[str, Any]:
        """The statement as a JSON object."""
        lacks = [asdict(lack) for lack in self.lacks]
        return {"complete": self.complete, "from": self.span.begins, "to": self.span.ends, "chains": self.chains,
                "lacks": lacks}  # fmt: skip

    def lines(self) -> Iterator[str]:
        """The statement for a person."""
        times = f"between {self.span.begins} and {self.span.ends}"
        for lack in self.lacks:
            yield printable(f"not proved: {lack.chain}, record {lack.seq}: {lack.what} ({lack.code})")
        if not self.chains:
            yield printable(f"NOT COMPLETE: there is no record {times}")
        else:
            yield printable(f"{'nothing is missing' if self.complete else 'NOT COMPLETE:'} {times}")


def read_span(begins: str, ends: str) -> Span:
    """The span between two times, RFC 3339. Raises NoTime."""
    since, until = micros(begins), micros(ends)
    for text, at in ((begins, since), (ends, until)):
        if at is None:
            raise NoTime(f"{text} is no time with its zone: write for example 2026-05-01T00:00:00Z")
    if since is None or until is None or since >= until:
        raise NoTime(f"{ends} is not later than {begins}")
    return Span(since, until, begins, ends)


def whole(chains: Iterable[tuple[Path, ChainReport]], span: Span) -> Whole:
    """What is stated of chains that were checked. Raises Unreadable, OSError."""
    walks = [_walk(path, report, span) for path, report in chains]
    heard = [walk for walk in walks if walk.last is not None or walk.lacks]
    newest = {walk.report.sidecar: walk for walk in sorted(walks, key=lambda walk: walk.first_at)}
    for walk in heard:
        walk.lacks += _ends(walk, span, goes_on=newest[walk.report.sidecar] is not walk)
    return Whole(span, len(heard), tuple(lack for walk in heard for lack in walk.lacks))


def _walk(path: Path, report: ChainReport, span: Span) -> _Walk:
    walk, before, before_at = _Walk(report), None, 0
    for found in ChainTail(path).more():
        header = found.record.header
        at = micros(header.at)
        at = before_at if at is None else at
        if before is None:
            walk.first_at = at
            walk.lacks += _given_up(report.chain, header, at, span)
        else:
            walk.lacks += _quiet(report.chain, before, header, (before_at, at), span)
        if span.since <= at < span.until:
            walk.last, walk.last_at = header, at
            if header.kind is Kind.LOSS:
                walk.lacks.append(Lack(report.chain, "lost", "records were lost, which it declares", header.seq))
        walk.ended = walk.last is not None and header.seq == walk.last.seq
        before, before_at = header, at
    return walk


def _given_up(chain: str, first: Header, at: int, span: Span) -> Sequence[Lack]:
    """What is not here of the beginning of a chain was written before the first record that is, at `at`."""
    if first.seq == 1 or at < span.since:
        return ()
    return (Lack(chain, "given_up", f"records 1 to {first.seq - 1} are not here", 1),)


def _quiet(chain: str, before: Header, header: Header, at: tuple[int, int], span: Span) -> Sequence[Lack]:
    passed = header.boot - before.boot
    within = at[0] < span.until and at[1] > span.since
    if before.incarnation != header.incarnation or passed <= HEARD_US or not within:
        return ()
    return (Lack(chain, "silence", f"nothing was written for {passed / 1e6:.0f} s", before.seq),)


def _ends(walk: _Walk, span: Span, *, goes_on: bool) -> Iterator[Lack]:
    report, last = walk.report, walk.last
    if last is None:
        return
    if report.signed < last.seq:
        what = f"records {report.signed + 1} to {last.seq} are under no signed head"
        yield Lack(report.chain, "unsigned", what, report.signed + 1)
    if last.kind is Kind.CLOSE or not walk.ended or span.until - walk.last_at <= HEARD_US:
        return
    if goes_on:
        what = "it ended without a close, and its sidecar went on in another chain"
        yield Lack(report.chain, "unfinished", what, last.seq)
    else:
        what = "it was not closed, and nothing was heard of it until the end"
        yield Lack(report.chain, "unheard", what, last.seq)
