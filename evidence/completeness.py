"""Whether nothing of a sidecar is missing between two times: stated only where records prove it, else refused with why.

It is proved where every moment lies within a chain, between two records that name each other, with no doubt about
that moment. What counts as a doubt is in `Code`. Times are microseconds since 1970, by the sidecar's own clock.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Code(StrEnum):
    """Why a time is not complete."""

    NO_EVIDENCE = "no_evidence"
    KILLED = "killed"
    SILENT = "silent"
    GAP = "gap"
    LOST = "lost"
    UNSIGNED = "unsigned"
    NO_KEY = "no_key"
    CLOCK = "clock"
    REFUSED = "refused"
    TOO_MUCH = "too_much"


@dataclass(frozen=True, slots=True)
class Life:
    """One incarnation within a chain; `keyed` if its key is known."""

    incarnation: str
    first_seq: int
    last_seq: int
    first_at: int
    last_at: int
    heartbeats: int
    closed: bool
    keyed: bool = True


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that speaks against completeness from one time to another; None is as far as time goes."""

    code: Code
    what: str
    from_at: int | None
    to_at: int | None
    chain: str | None = None
    seq: int | None = None

    def touches(self, since: int, until: int) -> bool:
        """Whether any of it lies between the two."""
        return (self.from_at is None or self.from_at <= until) and (self.to_at is None or self.to_at >= since)

    def as_json(self) -> dict[str, Any]:
        """The doubt as a JSON object."""
        return {
            "code": self.code.value,
            "what": self.what,
            "from": at_text(self.from_at),
            "to": at_text(self.to_at),
            "chain": self.chain,
            "seq": self.seq,
        }


@dataclass(frozen=True, slots=True)
class Line:
    """A chain as its lives in their order, and what was met in it."""

    chain: str
    lives: tuple[Life, ...]
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """Nothing of `sidecar` is missing from `since` to `until`: true where there are no `reasons` against it."""

    sidecar: str
    since: int
    until: int
    reasons: tuple[Doubt, ...]

    @property
    def complete(self) -> bool:
        """Whether the statement is true."""
        return not self.reasons

    def as_json(self) -> dict[str, Any]:
        """The statement as a JSON object."""
        return {
            "sidecar": self.sidecar,
            "from": at_text(self.since),
            "to": at_text(self.until),
            "complete": self.complete,
            "reasons": [reason.as_json() for reason in self.reasons],
        }


def stated(sidecar: str, lines: Sequence[Line], since: int, until: int) -> Statement:
    """What the chains of one sidecar prove about the time from `since` to `until`, both included."""
    if since > until:
        raise ValueError("a time that ends before it begins")
    doubts = [doubt for line in lines for doubt in (*line.doubts, *_unkeyed(line), *_killed(line, lines))]
    found = [doubt for doubt in (*doubts, *_uncovered(lines, since, until)) if doubt.touches(since, until)]
    found.sort(key=lambda doubt: (doubt.from_at is not None, doubt.from_at or 0, doubt.code))
    return Statement(sidecar, since, until, tuple(found))


def _unkeyed(line: Line) -> Iterator[Doubt]:
    for life in line.lives:
        if not life.keyed:
            what = f"the key of incarnation {life.incarnation} went in a gap: its heads cannot be checked"
            yield Doubt(Code.NO_KEY, what, life.first_at, life.last_at, line.chain, life.first_seq)


def _killed(line: Line, lines: Sequence[Line]) -> Iterator[Doubt]:
    """A life that ended without a close may have written more, which was never flushed, until the next one began."""
    starts = sorted(life.first_at for each in lines if each is not line for life in each.lives)
    for number, life in enumerate(line.lives):
        if life.closed:
            continue
        if number + 1 < len(line.lives):
            until: int | None = line.lives[number + 1].first_at
        else:
            until = next((at for at in starts if at > life.last_at), None)
        if until is not None:
            what = f"incarnation {life.incarnation} ended without a close: what it did last may not be recorded"
            # The last record itself is there: what may be missing comes after it.
            yield Doubt(Code.KILLED, what, life.last_at + 1, max(until, life.last_at + 1), line.chain, life.last_seq)


def _uncovered(lines: Sequence[Line], since: int, until: int) -> Iterator[Doubt]:
    """Moments that no chain reaches over: before the first, after the last, and between two that nothing links."""
    spans = sorted((line.lives[0].first_at, line.lives[-1].last_at) for line in lines if line.lives)
    reached: int | None = None
    for first, last in spans:
        if first > until:
            break
        if (reached is None or first > reached) and (first > since if reached is None else reached < until):
            yield _nothing(reached, first)
        reached = last if reached is None else max(reached, last)
    if reached is None or reached < until:
        following = next((first for first, _ in spans if first > until), None)
        yield _nothing(reached, following)


def _nothing(after: int | None, before: int | None) -> Doubt:
    match after, before:
        case None, None:
            what = "there is no evidence"
        case None, _:
            what = "nothing says what was before the chain that begins here"
        case _, None:
            what = "nothing has come after this record"
        case _:
            what = "one chain ends, another begins, and nothing links the two"
    return Doubt(
        Code.NO_EVIDENCE,
        what,
        None if after is None else after + 1,
        None if before is None else before - 1,
    )


def at_text(at: int | None) -> str | None:
    """A time for a person and for programs, RFC 3339; None for none, or for one that no calendar has."""
    try:
        return None if at is None else (_EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds")
    except OverflowError:
        return None
