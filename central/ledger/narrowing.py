"""Which chains of a tenant can have something of what a pack is asked for: nothing else has to be read. Blocks.

Too many may be found, never too few: what is really selected is said by `evidence.pack.selecting`, which looks at one
chain at a time. Times are found by the index of batches, a session, an agent or a call by the texts of records.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, LargeBinary, Select, bindparam, func, select

from central.ledger.vocabulary import IncidentKind
from central.store.engine import SQLITE, Store
from central.store.tables import batches, chains, data_keys, heads, incidents, records
from evidence.canonical import canonical

_SLACK_US: Final = 3_600 * 1_000_000
"""A batch is known by its first and its last time: steps back of less than a minute may hide others in between."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What is asked for; `call` is how its id begins, times are microseconds since 1970. All of it narrows together."""

    session: str | None = None
    agent: str | None = None
    call: str | None = None
    since: int | None = None
    until: int | None = None


def chains_with(
    store: Store, tenant: str, sought: Sought, *, after: int = 0, limit: int | None = None, seconds: float | None = None
) -> list[tuple[int, str]]:
    """The number and the name of each such chain behind a number, the oldest first. Raises LedgerUnavailable."""
    with store.reading(seconds) as connection:
        query = _narrowed(connection, tenant, sought).where(chains.c.no > after).order_by(chains.c.no).limit(limit)
        return [(row.no, bytes(row.chain).hex()) for row in connection.execute(query)]


def size_of(store: Store, numbers: Sequence[int]) -> int:
    """How many bytes these chains have, about as many as files of them. Raises LedgerUnavailable."""
    sized = (
        (records, (records.c.header, records.c.body, records.c.box)),
        (heads, (heads.c.note,)),
        (data_keys, (data_keys.c.line,)),
    )
    total = 0
    with store.reading() as connection:
        for table, columns in sized:
            lengths: Any = sum(func.coalesce(func.length(column), 0) for column in columns)
            for number in numbers:
                query = select(func.coalesce(func.sum(lengths), 0)).where(table.c.chain_no == number)
                total += int(connection.execute(query).scalar_one())
    return total


def _narrowed(connection: Connection, tenant: str, sought: Sought) -> Select[Any]:
    query = select(chains.c.no, chains.c.chain).where(chains.c.tenant == tenant, chains.c.first_seq > 0)
    if sought.call is not None:
        # An id that begins so in another chain makes it ambiguous, whatever else was asked for.
        return query.where(_says(connection, "header", "call", sought.call, whole=False))
    if sought.since is not None or sought.until is not None:
        query = query.where(_of_that_time(sought) | _clock_was_set(tenant))
    for name in ("session", "agent"):
        if (value := getattr(sought, name)) is not None:
            query = query.where(_says(connection, "body", name, value))
    return query


def _says(connection: Connection, column: str, name: str, value: str, *, whole: bool = True) -> ColumnElement[bool]:
    """A record of the chain has this member: in canonical form it stands there in one spelling."""
    text = canonical({name: value})[1:-1]
    needle = bindparam(name, text if whole else text[:-1], LargeBinary)
    held = records.c[column]
    place = (
        func.instr(held, needle) if connection.dialect.name == SQLITE else func.position(needle.op("IN")(held))
    )  # fmt: skip
    return select(records.c.seq).where(records.c.chain_no == chains.c.no, place > 0).exists()


def _of_that_time(sought: Sought) -> ColumnElement[bool]:
    query = select(batches.c.id).where(batches.c.chain_no == chains.c.no)
    if sought.since is not None:
        query = query.where(batches.c.last_at >= sought.since - _SLACK_US)
    if sought.until is not None:
        query = query.where(batches.c.first_at < sought.until + _SLACK_US)
    return query.exists()


def _clock_was_set(tenant: str) -> ColumnElement[bool]:
    return (
        select(incidents.c.no)
        .where(incidents.c.tenant == tenant, incidents.c.chain == chains.c.chain)
        .where(incidents.c.kind == IncidentKind.CLOCK.value)
        .exists()
    )
