"""What each data key has sealed: whose records, of which upstream and class, and when. Kept with the records.

A record is of the class that policy obliged to record it in (`full`, `redacted`, `digest`), else of its kind. An
outcome and what comes late say nothing of their own: they count with the records of their erasure unit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, func, text

from central.ledger.keeping import insert_into
from central.store import tables
from central.store.engine import SQLITE
from evidence.batch import Sent
from evidence.clock import micros
from evidence.printable import printable
from evidence.record import Kind, Record
from policy.obligations import most_reticent

_LONGEST: Final = 256
_SILENT: Final = (Kind.OUTCOME, Kind.LATE)
_NO_MEMBERS: Final[Mapping[str, Any]] = MappingProxyType({})
_NOTHING: Final = ("", "", "", "", "")

_UPSERT: Final = text(
    "INSERT INTO sealings (tenant, key_id, about, upstream, class_name, agent, subject, session, first_at, last_at, "
    "first_received, last_received, records) "
    "SELECT :tenant, k, a, u, c, g, p, s, f, l, :received, :received, n FROM unnest("
    "CAST(:keys AS bytea[]), CAST(:abouts AS bytea[]), CAST(:upstreams AS text[]), CAST(:classes AS text[]), "
    "CAST(:agents AS text[]), CAST(:subjects AS text[]), CAST(:sessions AS text[]), CAST(:firsts AS bigint[]), "
    "CAST(:lasts AS bigint[]), CAST(:counts AS bigint[])) AS given (k, a, u, c, g, p, s, f, l, n) "
    "ON CONFLICT (tenant, key_id, about) DO UPDATE SET "
    "first_at = LEAST(sealings.first_at, excluded.first_at), last_at = GREATEST(sealings.last_at, excluded.last_at), "
    "last_received = GREATEST(sealings.last_received, excluded.last_received), "
    "records = sealings.records + excluded.records"
)


@dataclass(frozen=True, slots=True)
class About:
    """Whose record it is, where and of which class; empty texts for what it does not say."""

    upstream: str = ""
    class_name: str = ""
    agent: str = ""
    subject: str = ""
    session: str = ""

    def digest(self) -> bytes:
        """By what it is known."""
        # No name has a line end once it is printable.
        names = (self.upstream, self.class_name, self.agent, self.subject, self.session)
        return sha256("\n".join(names).encode()).digest()


@dataclass(slots=True)
class _Sealed:
    """Times as the records have them: texts of one form, which sort as what they say."""

    first: str
    last: str
    records: int = 0


class _Row(NamedTuple):
    key: bytes
    digest: bytes
    about: About
    first_at: int
    last_at: int
    records: int

    @property
    def name(self) -> tuple[bytes, bytes]:
        return self.key, self.digest

    def joined(self, other: "_Row") -> "_Row":
        """Both, of names that are kept as the same."""
        first, last = min(self.first_at, other.first_at), max(self.last_at, other.last_at)
        return self._replace(first_at=first, last_at=last, records=self.records + other.records)


def as_kept(value: object) -> str:
    """A name as it is kept and compared: one that a database takes, and not too long."""
    return printable(value)[:_LONGEST] if isinstance(value, str) else ""


def _said(record: Record) -> tuple[str, ...]:
    """What a record says of itself: the members of About, as they stand in it."""
    body, kind = record.body, record.header.kind
    if kind in _SILENT:
        return _NOTHING
    caller, request, decision = _members(body, "caller"), _members(body, "request"), _members(body, "decision")
    obligations = _members(decision, "obligations")
    return (
        _text(request.get("upstream") or body.get("upstream")),
        (most_reticent(obligations["record"]) if "record" in obligations else None) or kind.value,
        _text(caller.get("agent")),
        _text(caller.get("user")),
        _text(body.get("session")),
    )


def keep_sealings(connection: Connection, tenant: str, received_at: int, new: Iterable[Sent]) -> None:
    """Note what the keys of these records have sealed."""
    rows = _gathered(new, received_at)
    if not rows:
        return
    if connection.dialect.name == SQLITE:
        _upsert_sqlite(connection, tenant, received_at, rows)
        return
    columns: dict[str, Any] = {
        "keys": [row.key for row in rows],
        "abouts": [row.digest for row in rows],
        "upstreams": [row.about.upstream for row in rows],
        "classes": [row.about.class_name for row in rows],
        "agents": [row.about.agent for row in rows],
        "subjects": [row.about.subject for row in rows],
        "sessions": [row.about.session for row in rows],
        "firsts": [row.first_at for row in rows],
        "lasts": [row.last_at for row in rows],
        "counts": [row.records for row in rows],
    }
    connection.execute(_UPSERT, {"tenant": tenant, "received": received_at, **columns})


def _gathered(new: Iterable[Sent], received_at: int) -> list[_Row]:
    found: dict[tuple[str, tuple[str, ...]], _Sealed] = {}
    for sent in new:
        record = sent.record
        if record.box is None:
            continue
        at, named = record.header.at, (record.body["sealed"]["key"], _said(record))
        sealed = found.get(named)
        if sealed is None:
            sealed = found[named] = _Sealed(at, at)
        elif at > sealed.last:
            sealed.last = at
        elif at < sealed.first:
            sealed.first = at
        sealed.records += 1
    return _rows(found, received_at)


def _rows(found: Mapping[tuple[str, tuple[str, ...]], _Sealed], received_at: int) -> list[_Row]:
    """One for each key and About, in one order for all: two that write the same rows do not wait for each other."""
    rows: dict[tuple[bytes, bytes], _Row] = {}
    for (key, said), sealed in found.items():
        about = About(*map(as_kept, said))
        first, last = micros(sealed.first), micros(sealed.last)
        row = _Row(
            bytes.fromhex(key),
            about.digest(),
            about,
            received_at if first is None else first,
            received_at if last is None else last,
            sealed.records,
        )
        before = rows.get(row.name)
        rows[row.name] = row if before is None else row.joined(before)
    return [rows[name] for name in sorted(rows)]


def _upsert_sqlite(connection: Connection, tenant: str, received_at: int, rows: Iterable[_Row]) -> None:
    table = tables.sealings
    statement = insert_into(connection, table)
    changed = {
        "first_at": func.min(table.c.first_at, statement.excluded.first_at),
        "last_at": func.max(table.c.last_at, statement.excluded.last_at),
        "last_received": func.max(table.c.last_received, statement.excluded.last_received),
        "records": table.c.records + statement.excluded.records,
    }
    connection.execute(
        statement.on_conflict_do_update(index_elements=["tenant", "key_id", "about"], set_=changed),
        [
            {
                "tenant": tenant,
                "key_id": row.key,
                "about": row.digest,
                "upstream": row.about.upstream,
                "class_name": row.about.class_name,
                "agent": row.about.agent,
                "subject": row.about.subject,
                "session": row.about.session,
                "first_at": row.first_at,
                "last_at": row.last_at,
                "first_received": received_at,
                "last_received": received_at,
                "records": row.records,
            }
            for row in rows
        ],
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _members(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else _NO_MEMBERS
