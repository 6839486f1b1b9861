"""What each data key has sealed: whose records, of which upstream and class, and when. Kept with the records.

A record is of the class that policy obliged to record it in (`full`, `redacted`, `digest`), else of its kind. An
outcome and what comes late say nothing of their own: they count with the records of their erasure unit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, func, text

from central.ledger.keeping import insert_into
from central.ledger.standing import micros
from central.store import tables
from central.store.engine import SQLITE
from evidence.batch import Sent
from evidence.canonical import canonical
from evidence.printable import printable
from evidence.record import Kind, Record
from policy.obligations import most_reticent

_LONGEST: Final = 256
_SILENT: Final = frozenset({Kind.OUTCOME, Kind.LATE})

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
        return sha256(canonical([self.upstream, self.class_name, self.agent, self.subject, self.session])).digest()


@dataclass(slots=True)
class _Sealed:
    first_at: int
    last_at: int
    records: int = 0


def as_kept(value: object) -> str:
    """A name as it is kept and compared: one that a database takes, and not too long."""
    return printable(value)[:_LONGEST] if isinstance(value, str) else ""


def about_of(record: Record) -> About:
    """What a record says of itself."""
    body, kind = record.body, record.header.kind
    if kind in _SILENT:
        return About()
    caller, request, decision = (_members(body, name) for name in ("caller", "request", "decision"))
    return About(
        as_kept(request.get("upstream") or body.get("upstream")),
        most_reticent(_members(decision, "obligations").get("record")) or kind.value,
        as_kept(caller.get("agent")),
        as_kept(caller.get("user")),
        as_kept(body.get("session")),
    )


def keep_sealings(connection: Connection, tenant: str, received_at: int, new: Iterable[Sent]) -> None:
    """Note what the keys of these records have sealed."""
    found = _gathered(new, received_at)
    if not found:
        return
    # In one order for all: two that write the same rows do not wait for each other.
    rows = sorted(((key, about.digest(), about, sealed) for (key, about), sealed in found.items()), key=lambda r: r[:2])
    if connection.dialect.name == SQLITE:
        _upsert_sqlite(connection, tenant, received_at, rows)
        return
    columns: dict[str, Any] = {
        "keys": [key for key, _, _, _ in rows],
        "abouts": [digest for _, digest, _, _ in rows],
        "upstreams": [about.upstream for _, _, about, _ in rows],
        "classes": [about.class_name for _, _, about, _ in rows],
        "agents": [about.agent for _, _, about, _ in rows],
        "subjects": [about.subject for _, _, about, _ in rows],
        "sessions": [about.session for _, _, about, _ in rows],
        "firsts": [sealed.first_at for _, _, _, sealed in rows],
        "lasts": [sealed.last_at for _, _, _, sealed in rows],
        "counts": [sealed.records for _, _, _, sealed in rows],
    }
    connection.execute(_UPSERT, {"tenant": tenant, "received": received_at, **columns})


def _gathered(new: Iterable[Sent], received_at: int) -> dict[tuple[bytes, About], _Sealed]:
    found: dict[tuple[bytes, About], _Sealed] = {}
    for sent in new:
        record = sent.record
        if record.box is None:
            continue
        at = micros(record.header.at)
        at = received_at if at is None else at
        named = (bytes.fromhex(record.body["sealed"]["key"]), about_of(record))
        sealed = found.setdefault(named, _Sealed(at, at))
        sealed.first_at, sealed.last_at = min(sealed.first_at, at), max(sealed.last_at, at)
        sealed.records += 1
    return found


def _upsert_sqlite(
    connection: Connection, tenant: str, received_at: int, rows: Iterable[tuple[bytes, bytes, About, _Sealed]]
) -> None:
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
                "key_id": key,
                "about": digest,
                "upstream": about.upstream,
                "class_name": about.class_name,
                "agent": about.agent,
                "subject": about.subject,
                "session": about.session,
                "first_at": sealed.first_at,
                "last_at": sealed.last_at,
                "first_received": received_at,
                "last_received": received_at,
                "records": sealed.records,
            }
            for key, digest, about, sealed in rows
        ],
    )


def _members(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}
