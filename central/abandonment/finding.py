"""Chains that ended without a close and were not heard of for long, and the calls that were open there. Blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, select

from central.store.tables import abandonments, calls, chains, incarnations, records
from evidence.chain import Position, State
from evidence.record import read_header

AT_ONCE: Final = 20
"""Chains that are taken for abandoned in one transaction."""

_HEADERS: Final = 500


@dataclass(frozen=True, slots=True)
class Silent:
    """A chain that nobody goes on with, up to where the ledger holds it; `heard_at` is central's clock, in us.

    `open_calls` are the ids of the calls without an outcome; of `unnamed` further ones the intent is lost.
    """

    tenant: str
    sidecar: str
    chain: str
    incarnation: str
    position: Position
    heard_at: int
    open_calls: tuple[str, ...]
    unnamed: int


def is_any(connection: Connection, before: int) -> bool:
    """Whether there is one of which nothing came since `before` (us)."""
    return connection.execute(_query(before).limit(1)).first() is not None


def find(connection: Connection, before: int, *, limit: int = AT_ONCE) -> list[Silent]:
    """Some chains of which nothing came since `before` (us), and that no statement of central is about yet."""
    return [_silent(connection, row) for row in connection.execute(_query(before).limit(limit)).all()]


def _query(before: int) -> Select[Any]:
    said = select(abandonments.c.statement).where(
        abandonments.c.tenant == chains.c.tenant,
        abandonments.c.chain == chains.c.chain,
        abandonments.c.seq == chains.c.seq,
    )
    last = (incarnations.c.chain_no == chains.c.no) & (incarnations.c.last_seq == chains.c.seq)
    return (
        select(chains, incarnations.c.incarnation)
        .join_from(chains, incarnations, last)
        .where(incarnations.c.closed.is_(False), chains.c.received_at < before, ~said.exists())
        .order_by(chains.c.no)
    )


def _silent(connection: Connection, row: Row[Any]) -> Silent:
    query = select(calls.c.intent_seq).where(calls.c.chain_no == row.no, calls.c.state == State.OPEN.value)
    seqs = list(connection.execute(query).scalars())
    named = sorted(seq for seq in seqs if seq is not None)
    found = tuple(_calls(connection, row.no, named))
    return Silent(
        tenant=row.tenant,
        sidecar=row.sidecar,
        chain=bytes(row.chain).hex(),
        incarnation=row.incarnation,
        position=Position(row.seq, bytes(row.link).hex()),
        heard_at=row.received_at,
        open_calls=found,
        unnamed=len(seqs) - len(found),
    )


def _calls(connection: Connection, number: int, seqs: list[int]) -> Iterator[str]:
    for start in range(0, len(seqs), _HEADERS):
        part = seqs[start : start + _HEADERS]
        query = select(records.c.header).where(records.c.chain_no == number, records.c.seq.in_(part))
        for header in connection.execute(query.order_by(records.c.seq)).scalars():
            if (call := read_header(bytes(header)).call) is not None:
                yield call
