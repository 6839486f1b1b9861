"""What callers have done and what that obliges to, on disk: counts, recent calls, labels, calls counted against limits.

One SQLite file in the state folder, `memory.db`, which several processes may share: a label or a limit holds for all of
them. It is read and written in a thread of its own; what was written survives kill -9. Owners (callers) stand there as
keyed pseudonyms. A policy that reads nothing of a caller's past and sets no labels and limits never opens it.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from msgspec import Struct

from policy import sqlite_file
from policy.engine import CannotDecide
from policy.obligations import LONGEST_WINDOW, Limit
from policy.sqlite_file import transaction
from proxy.database import Database

if TYPE_CHECKING:
    import sqlite3

FILE: Final = "memory.db"
WAIT_SECONDS: Final = 1.0
"""How long another process may hold the file before a call that needs it is refused."""

MAX_LABELS: Final = 64
"""Labels that one owner can have; a call that would leave another one is refused."""

MAX_RECENT: Final = 16
"""Recent calls of one owner that are remembered."""

MAX_OWNERS: Final = 10_000
"""Owners whose counts and recent calls are remembered; who has not called for longest goes first. Labels stay."""

_SECOND: Final = 1_000_000_000
_PRUNE_EVERY: Final = 1_000
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS pasts (owner TEXT PRIMARY KEY, calls INTEGER, denials INTEGER, recent TEXT, at INTEGER)
    WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pasts_by_age ON pasts (at);
CREATE TABLE IF NOT EXISTS labels (owner TEXT, label TEXT, PRIMARY KEY (owner, label)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counted (tenant TEXT, key TEXT, at INTEGER);
CREATE INDEX IF NOT EXISTS counted_by_key ON counted (tenant, key, at);
CREATE TABLE IF NOT EXISTS windows (tenant TEXT, key TEXT, seconds INTEGER, count INTEGER, PRIMARY KEY (tenant, key))
    WITHOUT ROWID;
"""
# `windows` has the longest window and the largest count that limits of a key have had: what must be kept for all of
# them. A file of a version without that table gets it when it is opened.

_COUNTED: Final = "SELECT count(*) FROM counted WHERE tenant = ? AND key = ? AND at > ?"
_FORGET: Final = "DELETE FROM counted WHERE tenant = ? AND key = ? AND at <= ?"
_FORGET_BEYOND: Final = """
DELETE FROM counted WHERE rowid IN
    (SELECT rowid FROM counted WHERE tenant = ? AND key = ? ORDER BY at DESC LIMIT -1 OFFSET ?)
"""


class MemoryFailed(CannotDecide):
    """The file could not be read or written, or holds no more."""

    code = "memory_failed"


class Past(Struct, frozen=True):
    """What is remembered of one owner; `recent` has the latest call last."""

    calls: int = 0
    denials: int = 0
    labels: tuple[str, ...] = ()
    recent: tuple[dict[str, Any], ...] = ()


class Deed(Struct, frozen=True):
    """One call to remember: whose, as what it is shown to policy later, and what it obliges to."""

    tenant: str
    owner: str
    now_ns: int
    shown: dict[str, Any]
    denied: bool = False
    labels: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()


class Memory:
    """The file of one state folder; it is made when something is to be remembered for the first time."""

    def __init__(self, state: Path) -> None:
        """Nothing is opened yet."""
        self._database = Database(FILE, lambda: _opened(state / FILE), MemoryFailed)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._written = 0

    @asynccontextmanager
    async def turn(self, owner: str) -> AsyncIterator[None]:
        """One call of an owner after the other: what the first leaves is there when the next is decided."""
        lock = self._turns.setdefault(owner, asyncio.Lock())
        async with lock:
            yield

    async def past(self, owner: str) -> Past:
        """What is remembered of an owner. Raises MemoryFailed."""
        return await self._database.done(lambda database: _past(database, owner))

    async def remember(self, deed: Deed) -> str | None:
        """Count a call, against its limits too, and leave its labels; on disk when this returns.

        Returns the key of a limit that is reached already, and then nothing is counted or left. Raises MemoryFailed.
        """
        return await self._database.done(lambda database: self._remember(database, deed))

    async def label(self, owner: str, labels: tuple[str, ...]) -> None:
        """Leave labels, all or none; on disk when this returns. Raises MemoryFailed."""
        await self._database.done(lambda database: _labelled(database, owner, labels))

    def close(self) -> None:
        """Free the file; idempotent."""
        self._database.close()

    def _remember(self, database: "sqlite3.Connection", deed: Deed) -> str | None:
        with transaction(database):
            if not deed.denied:
                # A limit that is reached is known from then on too: what it counts must not be forgotten.
                _know(database, deed)
                reached = _reached(database, deed)
                if reached is not None:
                    return reached
                _count(database, deed)
                _label(database, deed.owner, deed.labels)
            _note(database, deed)
            self._prune(database)
        return None

    def _prune(self, database: "sqlite3.Connection") -> None:
        self._written += 1
        if self._written % _PRUNE_EVERY == 0:
            database.execute(
                "DELETE FROM pasts WHERE owner IN (SELECT owner FROM pasts ORDER BY at DESC LIMIT -1 OFFSET ?)",
                (MAX_OWNERS,),
            )


def _past(database: "sqlite3.Connection", owner: str) -> Past:
    labels = database.execute("SELECT label FROM labels WHERE owner = ? ORDER BY label", (owner,))
    calls, denials, recent = _counts(database, owner)
    return Past(calls, denials, tuple(label for (label,) in labels), tuple(recent))


def _counts(database: "sqlite3.Connection", owner: str) -> tuple[int, int, list[dict[str, Any]]]:
    found = database.execute("SELECT calls, denials, recent FROM pasts WHERE owner = ?", (owner,)).fetchone()
    return (0, 0, []) if found is None else (found[0], found[1], json.loads(found[2]))


def _opened(path: Path) -> "sqlite3.Connection":
    return sqlite_file.opened(path, _TABLES, wait_seconds=WAIT_SECONDS, synchronous="NORMAL")


def _labelled(database: "sqlite3.Connection", owner: str, labels: tuple[str, ...]) -> None:
    with transaction(database):
        _label(database, owner, labels)


def _know(database: "sqlite3.Connection", deed: Deed) -> None:
    """See to it that as much is kept from now on as each limit needs."""
    for limit in deed.limits:
        known = _known(database, deed.tenant, limit.key)
        needed = max(known[0], limit.seconds), max(known[1], limit.count)
        if needed != known:
            database.execute("INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?)", (deed.tenant, limit.key, *needed))


def _known(database: "sqlite3.Connection", tenant: str, key: str) -> tuple[int, int]:
    """The longest window and the largest count of a key.

    Of calls that an older version has counted nobody knows for how long they are needed: as long as can be.
    """
    found = database.execute("SELECT seconds, count FROM windows WHERE tenant = ? AND key = ?", (tenant, key))
    for seconds, count in found:
        return seconds, count
    (before,) = database.execute("SELECT count(*) FROM counted WHERE tenant = ? AND key = ?", (tenant, key)).fetchone()
    return (LONGEST_WINDOW, before) if before else (0, 0)


def _reached(database: "sqlite3.Connection", deed: Deed) -> str | None:
    """The key of the first limit that is reached already."""
    for limit in deed.limits:
        since = deed.now_ns - limit.seconds * _SECOND
        (so_far,) = database.execute(_COUNTED, (deed.tenant, limit.key, since)).fetchone()
        if so_far >= limit.count:
            return limit.key
    return None


def _count(database: "sqlite3.Connection", deed: Deed) -> None:
    """Count the call once for each key, however many limits have it, and forget what no limit of the key needs.

    No more than the largest count: as many calls, and later ones, have a limit reached without those before them.
    """
    for key in dict.fromkeys(limit.key for limit in deed.limits):
        database.execute("INSERT INTO counted VALUES (?, ?, ?)", (deed.tenant, key, deed.now_ns))
        seconds, count = _known(database, deed.tenant, key)
        database.execute(_FORGET, (deed.tenant, key, deed.now_ns - seconds * _SECOND))
        database.execute(_FORGET_BEYOND, (deed.tenant, key, count))


def _label(database: "sqlite3.Connection", owner: str, labels: tuple[str, ...]) -> None:
    if not labels:
        return
    database.executemany("INSERT OR IGNORE INTO labels VALUES (?, ?)", [(owner, label) for label in labels])
    (found,) = database.execute("SELECT count(*) FROM labels WHERE owner = ?", (owner,)).fetchone()
    if found > MAX_LABELS:
        raise ValueError(f"a caller has {MAX_LABELS} labels already")


def _note(database: "sqlite3.Connection", deed: Deed) -> None:
    calls, denials, recent = _counts(database, deed.owner)
    text = json.dumps([*recent, deed.shown][-MAX_RECENT:], ensure_ascii=False)
    row = (deed.owner, calls + 1, denials + deed.denied, text, deed.now_ns)
    database.execute("INSERT OR REPLACE INTO pasts VALUES (?, ?, ?, ?, ?)", row)
