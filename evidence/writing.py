"""One incarnation's hand: drafts entries in their order, and stores drafts in the spool, all of them or none.

Knows nothing of the event loop. What is drafted and not stored leaves no trace: position and calls go back.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from msgspec import Struct

from evidence.chain import Position, State, segment_body, turn
from evidence.clock import Clock
from evidence.record import Entry, Kind
from evidence.scribe import Scribe
from evidence.sealing import Sealer
from evidence.spool import Spool

_REMEMBERED = frozenset({State.ASKED, State.OPEN})


class Draft(Struct, frozen=True):
    """An entry as lines that are not in the file yet; `before` is where its call stood."""

    entry: Entry
    seq: int
    lines: bytes
    before: State | None


class Writer:
    """Writes one chain through a spool. `written` is where the chain stands on disk, `open_calls` what is open then."""

    def __init__(self, spool: Spool, scribe: Scribe, sealer: Sealer, clock: Clock, open_calls: Sequence[str]) -> None:
        self._spool = spool
        self._scribe = scribe
        self._sealer = sealer
        self._clock = clock
        self._calls: dict[str, State] = dict.fromkeys(open_calls, State.OPEN)
        self.open_calls = len(self._calls)
        self.written = scribe.position

    def draft(self, entry: Entry, *, plain: bool = True) -> Draft:
        """The next record. Raises OutOfTurn for a call that cannot have it, ValueError for a body that has no form."""
        before = self._calls.get(entry.call) if entry.call is not None else None
        after = self._after(entry, before)
        lines = self._scribe.write(entry, self._clock.now(), plain=plain)
        self._set(entry.call, after)
        return Draft(entry, self._scribe.position.seq, lines, before)

    def draft_owed(self, entries: Sequence[Entry]) -> list[Draft]:
        """The next records, without texts: all of them, or none where one has no place. Raises as `draft`."""
        drafts = list[Draft]()
        try:
            for entry in entries:
                drafts.append(self.draft(entry, plain=False))
        except BaseException:
            self._undo(drafts)
            raise
        return drafts

    def is_open(self, call: str | None) -> bool:
        """Whether a call has an intent and no outcome, drafts included."""
        return call is not None and self._calls.get(call) is State.OPEN

    def store(self, drafts: Sequence[Draft]) -> None:
        """Write all drafts that exist, in their order. Raises OSError when nothing of them was written."""
        try:
            if self._sealer.unwritten:
                self._spool.write_keys(b"".join(self._sealer.unwritten))
                self._sealer.unwritten.clear()
            self._spool.write(b"".join([draft.lines for draft in drafts]))
        except OSError:
            self._undo(drafts)
            raise
        self.written = self._scribe.position

    def next_segment(self) -> None:
        """Begin a new segment with the notice of what is open. Raises OSError, and then the old one goes on."""
        calls = [call for call, state in self._calls.items() if state is State.OPEN]
        notice = self.draft(Entry(Kind.NOTICE, segment_body(calls)))
        try:
            self._spool.next_segment(notice.lines)
        except OSError:
            self._undo([notice])
            raise
        self.written = self._scribe.position

    def drop_keys(self, keys: AbstractSet[str]) -> None:
        """Seal nothing more under these data keys."""
        self._sealer.drop(keys)

    def store_head(self, position: Position) -> None:
        """Sign and write the head of a position that is on disk. Raises OSError."""
        self._spool.write(self._scribe.head(position, self._clock.now()))

    def _after(self, entry: Entry, before: State | None) -> State:
        if entry.call is None:
            return State.NOTHING
        # Ended calls are forgotten here; `verify` knows them all.
        state = before or (State.ENDED if entry.kind is Kind.LATE else State.NOTHING)
        return turn(entry.call, state, entry.kind)

    def _undo(self, drafts: Sequence[Draft]) -> None:
        self._scribe.position = self.written
        for draft in reversed(drafts):
            self._set(draft.entry.call, draft.before)

    def _set(self, call: str | None, state: State | None) -> None:
        if call is None:
            return
        before = self._calls.pop(call, None)
        if state in _REMEMBERED:
            self._calls[call] = state
        self.open_calls += (state is State.OPEN) - (before is State.OPEN)
