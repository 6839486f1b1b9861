"""The calls of a chain, each held to the turns that a call may take. Pure."""

from collections.abc import Mapping
from typing import Final

from evidence.chain import State, turn
from evidence.record import OUTCOMES, Kind, Record

_OUTCOME: Final = Kind.OUTCOME
_NOTHING: Final = State.NOTHING
_OPEN: Final = State.OPEN
"""By names of their own, as in `chain`: members of enumerations are slow to look up."""

_OF_A_CALL: Final = frozenset({Kind.INTENT, Kind.OUTCOME, Kind.REFUSAL, Kind.LATE})


class NotItsTurn(ValueError):
    """A record that its call cannot have at this point, or that names none and must; the text says which."""


class Calls:
    """Walks along with the records of a chain."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}
        self._open: set[str] = set()
        self._forgotten = False

    def goes_on(self, open_calls: list[str]) -> None:
        """The records before are gone; these calls are open, and others may have ended."""
        self._states = dict.fromkeys(open_calls, _OPEN)
        self._open = set(open_calls)
        self._forgotten = True

    def take(self, record: Record) -> None:
        """A record was found true. Raises NotItsTurn, OutOfTurn."""
        kind = record.header.kind
        if kind is _OUTCOME and not _is_outcome(record.body):
            raise NotItsTurn("an outcome that is none")
        self.turn(record.header.call, kind)

    def turn(self, call: str | None, kind: Kind) -> None:
        """As `take`, where the body is not known. Raises NotItsTurn, OutOfTurn."""
        if call is None:
            if kind in _OF_A_CALL:
                raise NotItsTurn(f"{kind.value} without a call")
            return
        state = self._states.get(call, _NOTHING)
        if self._forgotten and state is _NOTHING and kind is Kind.LATE:
            state = State.ENDED
        after = self._states[call] = turn(call, state, kind)
        if after is _OPEN:
            self._open.add(call)
        elif state is _OPEN:
            self._open.remove(call)

    def open(self) -> list[str]:
        """The calls that are open, sorted."""
        return sorted(self._open)


def _is_outcome(body: Mapping[str, object]) -> bool:
    outcome = body.get("outcome")
    return isinstance(outcome, str) and outcome in OUTCOMES
