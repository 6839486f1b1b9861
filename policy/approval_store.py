"""Approvals on disk: `approvals.db` in the state folder, shared by sidecars that ask and operators who answer.

What is here outlives every process. Each change is one transaction, so that an approval is answered once and spent
once, whoever comes at the same time. Times are seconds since 1970. Every function raises sqlite3.Error.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, structs

from policy import sqlite_file
from policy.approval import Asked, Event, State, after, turn
from policy.sqlite_file import transaction

if TYPE_CHECKING:
    import sqlite3

FILE: Final = "approvals.db"
WAIT_SECONDS: Final = 2.0
MAX_WAITING: Final = 20
"""Approvals of one caller that may wait at the same time."""

KEPT_SECONDS: Final = 30 * 24 * 3600
"""How long an approval that is over stays to be listed."""

MAX_OVER: Final = 200
"""Approvals of one caller that are over and stay to be listed; the oldest go first, all of them are in evidence."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS approvals (
    id TEXT PRIMARY KEY, binding TEXT, owner TEXT, tenant TEXT, agent TEXT, upstream TEXT, method TEXT, name TEXT,
    shown TEXT, reason TEXT, asked_at INTEGER, expires_at INTEGER, steps INTEGER, client_attested INTEGER,
    approvers TEXT, state TEXT, answers TEXT, noted TEXT
);
CREATE INDEX IF NOT EXISTS approvals_by_binding ON approvals (binding);
CREATE INDEX IF NOT EXISTS approvals_by_state ON approvals (state);
"""
_ASKED: Final = (
    "id", "binding", "owner", "tenant", "agent", "upstream", "method", "name", "shown", "reason", "asked_at",
    "expires_at", "steps", "client_attested",
)  # fmt: skip
_COLUMNS: Final = ", ".join((*_ASKED, "approvers", "state", "answers"))

_STANDING: Final = "binding = ? AND state IN ('waiting', 'granted', 'rejected') ORDER BY asked_at DESC"


_TOLD: Final = "noted = state || ' ' || json_array_length(answers)"

_FORGET: Final = f"""
DELETE FROM approvals WHERE id IN (
    SELECT id FROM approvals WHERE owner = ? AND {_TOLD} AND (
        state IN ('expired', 'spent', 'cancelled') OR (state = 'rejected' AND (client_attested OR expires_at <= ?))
    ) ORDER BY asked_at DESC, rowid DESC LIMIT -1 OFFSET ?
)
"""  # noqa: S608  (ours)
"""What a person rejected stands for as long as it was asked for: an agent that asks and cancels cannot wash it away."""


class TooMany(Exception):
    """The caller has so many approvals waiting already."""


class Approval(Struct, frozen=True):
    """One approval as it stands; `answers` are the signed answers as they were given."""

    asked: Asked
    state: State
    answers: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """What of it is news when it is another: each answer, and each state."""
        return f"{self.state} {len(self.answers)}"


def opened(path: Path) -> "sqlite3.Connection":
    """The file, made where there is none (0600). Raises OSError."""
    return sqlite_file.opened(path, _TABLES, wait_seconds=WAIT_SECONDS, synchronous="FULL")


def asked(database: "sqlite3.Connection", wanted: Asked, now: int) -> tuple[Approval, bool]:
    """The approval that stands for what is wanted, and whether it was asked for only now. Raises TooMany."""
    with transaction(database):
        _expire(database, now)
        for found in _found(database, _STANDING, (wanted.binding,)):
            if found.state is not State.REJECTED or found.asked.expires_at > now:
                return found, False
        (waiting,) = database.execute(
            "SELECT count(*) FROM approvals WHERE owner = ? AND state = 'waiting'", (wanted.owner,)
        ).fetchone()
        if waiting >= MAX_WAITING:
            raise TooMany
        database.execute("DELETE FROM approvals WHERE state != 'waiting' AND expires_at < ?", (now - KEPT_SECONDS,))
        database.execute(_FORGET, (wanted.owner, now, MAX_OVER))
        values = [getattr(wanted, name) for name in _ASKED]
        new = Approval(wanted, State.WAITING)
        row = (*values, json.dumps(wanted.approvers), State.WAITING, "[]", new.told)
        database.execute(f"INSERT INTO approvals VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608  (question marks)
    return new, True


class Unspendable(Exception):
    """Somebody else has spent an approval, or it is over; `id` says which."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id


def spent(database: "sqlite3.Connection", ids: Iterable[str], now: int) -> None:
    """Spend granted approvals, all of them or, where it raises Unspendable, none; one that is named twice is not."""
    with transaction(database):
        _expire(database, now)
        for id in ids:
            found = next(_found(database, "id = ?", (id,)), None)
            if found is None or found.state is not State.GRANTED:
                raise Unspendable(id)
            told = structs.replace(found, state=State.SPENT).told
            database.execute("UPDATE approvals SET state = ?, noted = ? WHERE id = ?", (State.SPENT, told, id))


def approval_of(database: "sqlite3.Connection", id: str, now: int) -> Approval | None:
    """The approval of this id as it stands now; None if there is none."""
    with transaction(database):
        _expire(database, now)
        return next(_found(database, "id = ?", (id,)), None)


def answered(database: "sqlite3.Connection", id: str, event: Event, approver: str, answer: str, now: int) -> Approval:
    """Grant or reject a waiting approval by the signed `answer` of `approver`.

    Raises KeyError for none of this id, NoTurn if it is over, SameApprover for a second step of the same person.
    """
    with transaction(database):
        approval = _standing(database, id, now)
        granted_by = [json.loads(one)["approver"] for one in approval.answers]
        state = after(approval.asked, approval.state, event, approver, granted_by)
        return _changed(database, structs.replace(approval, state=state, answers=(*approval.answers, answer)))


def cancelled(database: "sqlite3.Connection", id: str, now: int) -> Approval:
    """Cancel a waiting approval: whoever asked for it wants it no more. Raises KeyError, NoTurn."""
    with transaction(database):
        approval = _standing(database, id, now)
        return _changed(database, structs.replace(approval, state=turn(approval.state, Event.CANCEL)))


def _standing(database: "sqlite3.Connection", id: str, now: int) -> Approval:
    _expire(database, now)
    approval = next(_found(database, "id = ?", (id,)), None)
    if approval is None:
        raise KeyError(id)
    return approval


def _changed(database: "sqlite3.Connection", approval: Approval) -> Approval:
    row = (approval.state, json.dumps(approval.answers), approval.asked.id)
    database.execute("UPDATE approvals SET state = ?, answers = ? WHERE id = ?", row)
    return approval


def news(database: "sqlite3.Connection", tenants: Sequence[str], now: int) -> list[Approval]:
    """Approvals of these tenants with a state or an answer that was not told before; it counts as told now."""
    with transaction(database):
        _expire(database, now)
        news = [one for one in _found(database, f"NOT ({_TOLD})", ()) if one.asked.tenant in tenants]
        for one in news:
            database.execute("UPDATE approvals SET noted = ? WHERE id = ?", (one.told, one.asked.id))
    return news


def listed(database: "sqlite3.Connection", now: int, *, every: bool) -> list[Approval]:
    """What waits, the oldest first; with `every`, all that is kept."""
    with transaction(database):
        _expire(database, now)
    return list(_found(database, "1 ORDER BY asked_at" if every else "state = 'waiting' ORDER BY asked_at", ()))


def _expire(database: "sqlite3.Connection", now: int) -> None:
    database.execute(
        "UPDATE approvals SET state = ? WHERE state IN ('waiting', 'granted') AND expires_at <= ?", (State.EXPIRED, now)
    )


def _found(database: "sqlite3.Connection", where: str, values: tuple[Any, ...]) -> Iterator[Approval]:
    rows = database.execute(f"SELECT {_COLUMNS} FROM approvals WHERE {where}", values).fetchall()  # noqa: S608  (ours)
    for *members, approvers, state, answers in rows:
        given = dict(zip(_ASKED, members, strict=True))
        given["client_attested"] = bool(given["client_attested"])
        asked_for = Asked(**given, approvers=tuple(json.loads(approvers)))
        yield Approval(asked_for, State(state), tuple(json.loads(answers)))
