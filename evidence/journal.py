"""What the data plane calls: it appends entries to the chain and learns when they are durable.

`process`: the entries of one turn of the event loop are written together, before anything else happens; they
survive kill -9. `host`: a thread flushes them to disk, one flush for all that wait. `acknowledged`: an intent waits
besides until a ledger holds it. An entry whose future fails
needs no successor: it is not in the chain, or the journal ends its call itself. An outcome that could not be written
is owed, and written as soon as the spool takes it; other kinds are counted and declared in a `loss` record.
"""

import asyncio
import contextlib
import errno
import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from pathlib import Path
from typing import Any, Final

from msgspec import structs

from evidence.acknowledging import WHY, Unacknowledged
from evidence.chain import Position
from evidence.clock import Clock
from evidence.debts import Debts, Pending, fail, resolve
from evidence.flushing import Flusher
from evidence.keys import Keys
from evidence.opening import Author, Opened, begin
from evidence.record import Entry, Kind
from evidence.room import DEFAULT_LIMITS, Limits, NoRoom, NotAcknowledged, NotRecorded, Room, SpoolFailed

__all__ = ["Journal", "Limits", "NoRoom", "NotAcknowledged", "NotRecorded", "SpoolFailed"]

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_CLOSED: Final = "the journal is closed"
_SPOILED: Final = "somebody removed, cut or appended to the files of the chain; restart to begin another"


class Journal:
    """The writing end of one chain. All methods belong to the event loop on which it was opened."""

    def __init__(self, opened: Opened, author: Author) -> None:
        self._opened, self._author, self._limits = opened, author, author.limits
        self._spool, self._writer = opened.spool, opened.writer
        self._room = Room(opened.spool, author.limits)
        self._loop = asyncio.get_running_loop()
        self._flusher = Flusher(opened.spool)
        self._batch: list[Pending] = []
        self._debts = Debts(author.limits.outcome_bytes)
        self._unacknowledged: Unacknowledged | None = None
        self._trouble: str | None = None
        self._headed = 0
        self._beat_us = author.clock.now().boot_us
        self._timer = self._loop.call_later(author.limits.head_seconds, self._tick)

    @classmethod
    async def open(
        cls,
        folder: Path,
        *,
        sidecar: str,
        tenant: str,
        keys: Keys,
        isolation: str,
        clock: Clock,
        limits: Limits = DEFAULT_LIMITS,
        start: Mapping[str, Any] | None = None,
    ) -> "Journal":
        """Lock a chain under `folder` (recover it, or make one) and write `start`. Raises SpoolFailed."""
        author = Author(sidecar, tenant, keys, isolation, clock, limits, start or {})
        try:
            return cls(await asyncio.to_thread(begin, folder, author), author)
        except OSError as error:
            raise SpoolFailed(f"{error.filename or folder}: {error.strerror}") from error

    def append(self, entry: Entry) -> asyncio.Future[int]:
        """Queue `entry` as the next record; the future gives its number once it is as durable as the entry asks.

        An intent raises NoRoom or SpoolFailed at once when it cannot be taken; every other failure comes through the
        future (SpoolFailed). Raises ValueError for an entry that has no place or no form (OutOfTurn, a bad body).
        """
        if entry.kind is Kind.INTENT:
            self._admit(entry)
        future: asyncio.Future[int] = self._loop.create_future()
        if self._debts.answers(entry):
            fail(future, SpoolFailed("the call has no intent in the chain, or its outcome is owed already"))
        elif self._trouble is not None:
            self._debts.take(Pending(entry, future), self._trouble)
            self._loop.call_soon(self._pay)
        else:
            self._batch.append(Pending(entry, future, self._writer.draft(entry)))
            if len(self._batch) == 1:
                self._loop.call_soon(self._store)
        return future

    def pseudonym(self, kind: str, text: str) -> str:
        """A keyed pseudonym of a person, session or subject: 32 hex digits, stable for this tenant."""
        return self._author.keys.pseudonym_of(self._author.tenant, kind, text)

    def shipped(self, wake: Callable[[], None], seconds: float) -> None:
        """Somebody ships this chain: `wake` asks for it at once, and intents wait for a receipt at most `seconds`."""
        self._unacknowledged = Unacknowledged(seconds, wake)

    def held(self, seq: int) -> None:
        """A ledger has given its receipt for all records up to `seq`."""
        if self._unacknowledged is not None:
            self._unacknowledged.held(seq)

    @property
    def impatient(self) -> bool:
        """Whether an intent waits for a receipt."""
        return bool(self._unacknowledged)

    def problem(self) -> str | None:
        """Why intents are refused now, or None."""
        return self._trouble or self._room.shortage()

    async def flush(self) -> None:
        """Write and flush to disk all that was appended so far. Raises SpoolFailed."""
        self._store()
        if self._trouble is not None:
            raise SpoolFailed(self._trouble)
        try:
            await asyncio.shield(self._flusher.flushed())
        except OSError as error:
            raise SpoolFailed(self._begin_trouble(error)) from error

    async def forget(self, keys: AbstractSet[str]) -> list[str]:
        """Destroy the wrapped keys of these ids, and seal nothing more under them; the ids of those that were there.

        It is recorded before it is done (`keys_erased`). Raises SpoolFailed, OSError: then they are asked for again.
        """
        self._writer.drop_keys(keys)
        read, gone = await asyncio.to_thread(self._spool.keys_without, keys)
        if gone:
            await self.append(Entry(Kind.NOTICE, {"event": "keys_erased", "keys": gone}, durability="host"))
            self._spool.take_keys(read)
            await self.flush()
        return gone

    async def close(self, reason: str) -> None:
        """Write `close` and the last head, flush, and free the chain; idempotent. What cannot be written stays out."""
        if self._trouble == _CLOSED:
            return
        self._timer.cancel()
        self._expire(math.inf)
        self._pay()
        sound, self._trouble = self._trouble is None, _CLOSED
        with contextlib.suppress(OSError):
            if sound:
                self._writer.store([self._writer.draft(Entry(Kind.CLOSE, {"reason": reason}))])
                await asyncio.shield(self._flusher.flushed())
                self._writer.store_head(self._writer.written)
        self._flusher.close()
        with contextlib.suppress(OSError):
            self._spool.close()

    @property
    def incarnation(self) -> str:
        """The random id of this life of the process: 32 hex digits."""
        return self._opened.incarnation

    @property
    def chain(self) -> Path:
        """The folder of the chain."""
        return self._spool.chain

    @property
    def size_bytes(self) -> int:
        """How large the chain is on disk, its reserve not counted."""
        return self._spool.size_bytes

    @property
    def free_bytes(self) -> int:
        """What the disk had free when it was last measured."""
        return self._room.free_bytes

    @property
    def open_calls(self) -> int:
        """How many intents have no outcome yet."""
        return self._writer.open_calls

    @property
    def seq(self) -> int:
        """The number of the last record in the file."""
        return self._writer.written.seq

    @property
    def _hopeless(self) -> bool:
        """Nothing can be written to this chain any more, by this journal."""
        return self._trouble in (_CLOSED, _SPOILED)

    def _admit(self, entry: Entry) -> None:
        if self._trouble is not None:
            raise SpoolFailed(self._trouble)
        if entry.durability == "acknowledged" and self._unacknowledged is None:
            raise NotAcknowledged("no central is configured that could acknowledge anything")
        self._room.admit(self._writer.open_calls)

    def _store(self) -> None:
        batch, self._batch = self._batch, []
        if not batch:
            return
        try:
            self._writer.store([pending.draft for pending in batch if pending.draft is not None])
        except OSError as error:
            self._refuse(batch, error)
            return
        self._answer(batch)
        if self._spool.segment_bytes >= self._limits.segment_bytes:
            # The old segment takes more while a new one cannot be made.
            with contextlib.suppress(OSError):
                self._writer.next_segment()

    def _answer(self, stored: Sequence[Pending]) -> None:
        """The entries are in the file: tell those who wait, now or after the next flush."""
        waiting = [pending for pending in stored if pending.entry.durability != "process"]
        for pending in stored:
            if pending.entry.durability == "process":
                resolve(pending)
        if waiting:
            self._flusher.flushed().add_done_callback(partial(self._flushed, waiting))

    def _flushed(self, waiting: Sequence[Pending], done: asyncio.Future[None]) -> None:
        error = done.exception()
        if error is None:
            for pending in waiting:
                self._settle(pending)
            return
        why = self._begin_trouble(error)
        for pending in waiting:
            self._disown(pending, SpoolFailed(why))
        self._pay()

    def _disown(self, pending: Pending, error: NotRecorded) -> None:
        """A call that its caller gave up meanwhile has its outcome already."""
        if self._writer.is_open(pending.entry.call):
            self._debts.disown(pending, error)
        else:
            fail(pending.future, error)

    def _settle(self, pending: Pending) -> None:
        """It is on the disk, which is enough for all but the intents that a ledger must hold."""
        asked = pending.entry.durability == "acknowledged" and pending.entry.kind is Kind.INTENT
        if asked and self._unacknowledged is not None:
            self._unacknowledged.wait(pending, self._author.clock.now().boot_us)
        else:
            resolve(pending)

    def _expire(self, now_us: float) -> None:
        """Calls whose intents nobody has acknowledged until now end as not sent."""
        if not self._unacknowledged:
            return
        for pending in self._unacknowledged.overdue(now_us):
            self._disown(pending, NotAcknowledged(WHY))
        self._pay()

    def _refuse(self, batch: Sequence[Pending], error: OSError) -> None:
        """Nothing of the batch is in the file: outcomes are tried once more on the reserve, the rest has failed."""
        why = self._begin_trouble(error)
        for pending in batch:
            self._debts.take(pending, why)
        if error.errno in _FULL:
            self._spool.release()
        self._pay()

    def _begin_trouble(self, error: BaseException) -> str:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        if not self._hopeless:
            self._trouble = f"{self.chain}: {reason}"
        return self._trouble or ""

    def _pay(self) -> bool:
        """Write the outcomes that are owed, their boxes with salts only (room is short); False if some remain owed."""
        self._store()
        owed = self._debts.unpaid()
        if not owed:
            return True
        if self._hopeless:
            _fail_all(owed, self._trouble)
            return False
        drafts = self._writer.draft_owed([pending.entry for pending in owed])
        drafted = [structs.replace(pending, draft=draft) for pending, draft in zip(owed, drafts, strict=True)]
        try:
            self._writer.store(drafts)
        except OSError as error:
            _fail_all(owed, self._begin_trouble(error))
            return False
        self._debts.paid()
        self._answer(drafted)
        return True

    def _tick(self) -> None:
        """Once a second: look at the disk, mend or beat, and sign what is new."""
        self._timer = self._loop.call_later(self._limits.head_seconds, self._tick)
        self._store()
        self._expire(self._author.clock.now().boot_us)
        self._look()
        if self._trouble is None:
            self._beat()
        elif not self._hopeless:
            self._probe()
        if self._writer.written.seq > self._headed and not self._hopeless:
            self._flusher.flushed().add_done_callback(partial(self._sign, self._writer.written))

    def _look(self) -> None:
        try:
            self._room.measure()
            if not self._spool.intact():
                self._trouble = _SPOILED
        except OSError as error:
            self._begin_trouble(error)

    def _beat(self) -> None:
        now = self._author.clock.now().boot_us
        if now - self._beat_us >= self._limits.heartbeat_seconds * 1_000_000:
            self._beat_us = now
            _ = self.append(Entry(Kind.HEARTBEAT, {"open_calls": self.open_calls, "free_bytes": self.free_bytes}))

    def _probe(self) -> None:
        """Try whether the spool works again; not on the reserve, which belongs to outcomes."""
        if not self._spool.reserved or not self._pay():
            return
        entry = self._debts.loss() or Entry(Kind.HEARTBEAT, {"open_calls": self.open_calls})
        try:
            self._writer.store([self._writer.draft(entry)])
        except OSError as error:
            self._begin_trouble(error)
            return
        self._debts.declared()
        self._flusher.flushed().add_done_callback(self._mended)

    def _mended(self, done: asyncio.Future[None]) -> None:
        if done.exception() is None and not self._hopeless:
            self._trouble = None

    def _sign(self, position: Position, done: asyncio.Future[None]) -> None:
        error = done.exception()
        if error is None and position.seq > self._headed and not self._hopeless:
            try:
                self._writer.store_head(position)
                self._headed = position.seq
            except OSError as failure:
                error = failure
        if error is not None:
            self._begin_trouble(error)


def _fail_all(owed: Sequence[Pending], why: str | None) -> None:
    for pending in owed:
        fail(pending.future, SpoolFailed(why or ""))
