"""The statement: what the record of an abandonment says, and what the ledger keeps of it."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection

from central.abandonment.finding import Silent
from central.ledger.keeping import insert_into
from central.store import tables
from evidence.clock import Instant, micros
from evidence.record import Entry, Kind, Record

CALLS: Final = 1_000
"""Calls that one record names; a chain that left more open has several records."""


def entries(silent: Silent) -> Iterator[Entry]:
    """What is written: which chain ends where, when it was heard last, and which calls have an unknown effect."""
    heard = Instant(silent.heard_at * 1_000, 0).rfc3339()
    for start in range(0, len(silent.open_calls) or 1, CALLS):
        body = {
            "sidecar": silent.sidecar,
            "chain": silent.chain,
            "incarnation": silent.incarnation,
            "seq": silent.position.seq,
            "link": silent.position.link,
            "heard_at": heard,
            "effect": "unknown",
            "calls": list(silent.open_calls[start : start + CALLS]),
            "unnamed": 0 if start else silent.unnamed,
        }
        yield Entry(Kind.ABANDONMENT, body)


def keep(connection: Connection, record: Record) -> None:
    """Note what a record of central's own chain says. Again changes nothing."""
    body = record.body
    statement = insert_into(connection, tables.abandonments).values(
        statement=bytes.fromhex(record.link),
        tenant=record.header.tenant,
        chain=bytes.fromhex(body["chain"]),
        seq=body["seq"],
        calls=len(body["calls"]) + body["unnamed"],
        at=micros(record.header.at) or 0,
    )
    connection.execute(statement.on_conflict_do_nothing(index_elements=["statement"]))
