"""The rules of a chain, without input or output: how a call goes through its records, how records follow each other.

    nothing --intent--> open --outcome--> ended --late--> late
        \\--refusal--> refused

`TURNS` is the whole state machine; the diagram in docs/evidence.md is drawn from it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from evidence.record import GENESIS, Header, Kind, Record

_SEGMENT: Final = "segment"
_START: Final = Kind.START
_CLOSE: Final = Kind.CLOSE
"""By names of their own: a member of an enumeration is looked up in 0.1 us, and this is asked of every record."""


class State(StrEnum):
    """Where one call stands."""

    NOTHING = "nothing"
    ASKED = "asked"
    OPEN = "open"
    ENDED = "ended"
    LATE = "late"
    REFUSED = "refused"


TURNS: Final[dict[tuple[State, Kind], State]] = {
    (State.NOTHING, Kind.NOTICE): State.NOTHING,
    (State.NOTHING, Kind.ORDER): State.NOTHING,
    (State.NOTHING, Kind.APPROVAL): State.ASKED,
    (State.NOTHING, Kind.INTENT): State.OPEN,
    (State.NOTHING, Kind.REFUSAL): State.REFUSED,
    (State.ASKED, Kind.NOTICE): State.ASKED,
    (State.ASKED, Kind.ORDER): State.ASKED,
    (State.ASKED, Kind.APPROVAL): State.ASKED,
    (State.ASKED, Kind.INTENT): State.OPEN,
    (State.ASKED, Kind.REFUSAL): State.REFUSED,
    (State.OPEN, Kind.NOTICE): State.OPEN,
    (State.OPEN, Kind.ORDER): State.OPEN,
    (State.OPEN, Kind.APPROVAL): State.OPEN,
    (State.OPEN, Kind.OUTCOME): State.ENDED,
    (State.ENDED, Kind.NOTICE): State.ENDED,
    (State.ENDED, Kind.LATE): State.LATE,
    (State.LATE, Kind.NOTICE): State.LATE,
    (State.REFUSED, Kind.NOTICE): State.REFUSED,
}
"""What may follow what for one call; a pair that is not here is out of turn."""


class OutOfTurn(ValueError):
    """A record that its call cannot have at this point: a second intent, an outcome without one."""

    def __init__(self, call: str, state: State, kind: Kind) -> None:
        super().__init__(f"call {call} is {state.value}: no {kind.value} can follow")
        self.call = call
        self.state = state
        self.kind = kind


def turn(call: str, state: State, kind: Kind) -> State:
    """The state of `call` after a record of this kind. Raises OutOfTurn."""
    after = TURNS.get((state, kind))
    if after is None:
        raise OutOfTurn(call, state, kind)
    return after


def segment_body(open_calls: Iterable[str]) -> dict[str, Any]:
    """The body of the notice that begins a segment: it lists the calls that are open there."""
    return {"event": _SEGMENT, "open": sorted(open_calls)}


def still_open(record: Record) -> list[str] | None:
    """The calls that a segment's first notice lists as open; None for any other record."""
    if record.header.kind is not Kind.NOTICE or record.body.get("event") != _SEGMENT:
        return None
    calls = record.body.get("open")
    return [str(call) for call in calls] if isinstance(calls, list) else []


class BrokenLink(ValueError):
    """A record that does not follow the one before it; the text says in what."""


class Position(Struct, frozen=True):
    """A place in a chain: the record with this number and its link. 0 and GENESIS stand before the first."""

    seq: int = 0
    link: str = GENESIS


@dataclass(slots=True)
class Continuity:
    """Walks over headers in order and refuses one that does not follow.

    Numbers rise by one, `prev` is the link before, sidecar and tenant stay, an incarnation begins with `start` and
    ends with `close` at the latest, and its boot clock never goes back.
    """

    position: Position = field(default_factory=Position)
    last: Header | None = None

    def follow(self, header: Header, link: str) -> None:
        """Take one step. Raises BrokenLink."""
        if header.seq != self.position.seq + 1:
            raise BrokenLink(f"number {header.seq} follows number {self.position.seq}")
        if header.prev != self.position.link:
            raise BrokenLink("`prev` is not the link of the record before")
        if self.last is not None and (header.sidecar != self.last.sidecar or header.tenant != self.last.tenant):
            raise BrokenLink("a chain holds one sidecar and one tenant, and this record names others")
        _check_incarnation(self.last, header)
        self.position, self.last = Position(header.seq, link), header


def _check_incarnation(before: Header | None, header: Header) -> None:
    if header.kind is _START:
        if before is not None and before.incarnation == header.incarnation:
            raise BrokenLink("an incarnation starts twice")
        return
    if before is None or before.incarnation != header.incarnation:
        raise BrokenLink("an incarnation writes before its start")
    if before.kind is _CLOSE:
        raise BrokenLink("an incarnation writes after its close")
    if header.boot < before.boot:
        raise BrokenLink("the boot clock goes back within an incarnation")
