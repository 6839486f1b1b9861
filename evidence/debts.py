"""What a failing spool leaves behind: outcomes that are owed, intents that never were, other records that are lost.

Bounded: at most one outcome for each open call, and those keep no more text than the reserve has room for.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct, structs

from evidence.record import Entry, Kind
from evidence.room import NotRecorded, SpoolFailed
from evidence.writing import Draft

_REMEMBERED: Final = 4096
"""How many calls whose intent failed are remembered, for the outcome that may be appended all the same."""

_NOT_SENT: Final[dict[str, Any]] = {
    "outcome": "not_sent",
    "delivery": "own_error",
    "effect": "none",
}


class Pending(Struct, frozen=True):
    """An entry on its way to the disk, and who waits for it; an entry that is owed has no draft."""

    entry: Entry
    future: asyncio.Future[int]
    draft: Draft | None = None


class Debts:
    """Sorts what could not be written. `outcome_bytes` is the room that an owed outcome has."""

    def __init__(self, outcome_bytes: int) -> None:
        self._outcome_bytes = outcome_bytes
        self._owed: dict[str, Pending] = {}
        self._unrecorded: dict[str, None] = {}
        self._lost: Counter[str] = Counter()

    def answers(self, entry: Entry) -> bool:
        """Whether this is an outcome that the chain has no place for: its intent failed, or one is owed already."""
        if entry.kind is not Kind.OUTCOME or entry.call is None:
            return False
        return entry.call in self._owed or self._unrecorded.pop(entry.call, "no") is None

    def take(self, pending: Pending, why: str) -> None:
        """An entry is not in the file: an outcome is owed, everything else has failed."""
        entry = pending.entry
        if entry.kind is Kind.OUTCOME and entry.call is not None and not self.answers(entry):
            self._owed[entry.call] = Pending(self._lean(entry), pending.future)
            return
        if entry.kind is Kind.INTENT and entry.call is not None:
            self._forget(entry.call)
        else:
            self._lost[entry.kind.value] += 1
        fail(pending.future, SpoolFailed(why))

    def disown(self, pending: Pending, error: NotRecorded) -> None:
        """An entry is in the file but not as safe as it must be: an intent is never sent then, its outcome is owed.

        What its caller was told before stays as it is.
        """
        entry = pending.entry
        if entry.kind is Kind.INTENT and entry.call is not None and entry.call not in self._owed:
            self._forget(entry.call)
            outcome = Entry(Kind.OUTCOME, {**_NOT_SENT, "reason": error.code}, call=entry.call)
            self._owed[entry.call] = Pending(outcome, pending.future.get_loop().create_future())
        fail(pending.future, error)

    def unpaid(self) -> Sequence[Pending]:
        """The outcomes that are owed."""
        return tuple(self._owed.values())

    def paid(self) -> None:
        """All that `unpaid` gave is in the file."""
        self._owed.clear()

    def loss(self) -> Entry | None:
        """A record of what was lost by kind since the last one, or None."""
        return Entry(Kind.LOSS, {"reason": "spool_failed", "lost": dict(self._lost)}) if self._lost else None

    def declared(self) -> None:
        """The record of the loss is in the file."""
        self._lost.clear()

    def _forget(self, call: str) -> None:
        self._unrecorded[call] = None
        if len(self._unrecorded) > _REMEMBERED:
            del self._unrecorded[next(iter(self._unrecorded))]

    def _lean(self, entry: Entry) -> Entry:
        if sum(map(len, entry.secrets.values())) <= self._outcome_bytes:
            return entry
        return structs.replace(entry, secrets={}, body={**entry.body, "dropped": sorted(entry.secrets)})


def resolve(pending: Pending) -> None:
    """Tell who waits that the entry is durable."""
    if pending.draft is not None and not pending.future.done():
        pending.future.set_result(pending.draft.seq)


def fail(future: asyncio.Future[int], error: NotRecorded) -> None:
    """Tell who waits that the entry is not recorded; nobody has to listen, `problem` says it as well."""
    if not future.done():
        future.set_exception(error)
        future.exception()
