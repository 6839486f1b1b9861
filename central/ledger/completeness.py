"""Whether anything is missing of what sidecars wrote between two times, as far as the ledger can know it. Blocks.

A chain tells by itself that nothing is missing between two of its records. What it cannot tell is whether it went on
behind the last one: so a span counts as whole only where each life of a sidecar was closed, or went on in the same
chain, or was heard until the end, without a silence between.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, func, select

from central.ledger.reading import MOST
from central.ledger.vocabulary import IncidentKind
from central.store.engine import Store
from central.store.tables import abandonments, batches, chains, heads, incarnations, incidents, silences

HEARD_US: Final = 60 * 1_000_000
"""A life that was heard so shortly before the end of a span was heard until its end: twice the time of a heartbeat."""

_MISSING: Final = frozenset({IncidentKind.GAP, IncidentKind.LOST})


@dataclass(frozen=True, slots=True)
class Lack:
    """Why a span is not whole: a code, what it means, and the record that it stands behind or begins at."""

    code: str
    what: str
    seq: int


@dataclass(frozen=True, slots=True)
class LifeHeard:
    """One life of a sidecar in a chain: its records, its times, its heartbeats, and whether it was closed."""

    incarnation: str
    first_seq: int
    last_seq: int
    first_at: int
    last_at: int
    heartbeats: int
    closed: bool
    isolation: str | None


@dataclass(frozen=True, slots=True)
class Quiet:
    """Two records next to each other with more than two heartbeat intervals between them."""

    after_seq: int
    from_at: int
    to_at: int


@dataclass(frozen=True, slots=True)
class Completeness:
    """A chain in a span: records `first` to `last` cover it. `lacks` says why it is not whole; without any it is."""

    chain: str
    sidecar: str
    first: int
    last: int
    signed: int
    heads: int
    lives: tuple[LifeHeard, ...]
    silences: tuple[Quiet, ...]
    lacks: tuple[Lack, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Some chains, and the place behind them; None where there are no more."""

    chains: tuple[Completeness, ...]
    after: int | None


def completeness(
    store: Store,
    tenant: str,
    *,
    since: int | None,
    until: int,
    sidecar: str | None = None,
    after: int = 0,
    limit: int = MOST,
    seconds: float | None = None,
) -> Part:
    """The next chains of a tenant that have a life in the span, the oldest first. Raises LedgerUnavailable."""
    later = chains.alias()
    goes_on = select(later.c.no).where(
        later.c.tenant == chains.c.tenant, later.c.sidecar == chains.c.sidecar, later.c.no > chains.c.no,
        later.c.first_seq > 0,
    )  # fmt: skip
    lived = select(incarnations.c.chain_no).where(
        incarnations.c.chain_no == chains.c.no, incarnations.c.first_at < until, incarnations.c.last_at >= (since or 0)
    )
    query = select(chains, goes_on.exists().label("goes_on")).where(
        chains.c.tenant == tenant, chains.c.no > after, chains.c.first_seq > 0, lived.exists()
    )
    if sidecar is not None:
        query = query.where(chains.c.sidecar == sidecar)
    with store.reading(seconds) as connection:
        rows = connection.execute(query.order_by(chains.c.no).limit(limit)).all()
        found = tuple(_of_chain(connection, row, since or 0, until) for row in rows)
    return Part(found, rows[-1].no if len(rows) == limit else None)


def _of_chain(connection: Connection, row: Row[Any], since: int, until: int) -> Completeness:
    lives = _lives(connection, row.no, since, until)
    first, last = _covering(connection, row.no, since, until, lives)
    quiet = _silences(connection, row.no, since, until)
    count = select(func.count()).where(heads.c.chain_no == row.no, heads.c.seq >= first, heads.c.seq <= last)
    lacks = [
        *_incidents(connection, row, first, last),
        *(
            Lack("silence", f"nothing was written for {(one.to_at - one.from_at) / 1e6:.0f} s", one.after_seq)
            for one in quiet
        ),
        *_ends(row, lives, last, until, _stated(connection, row)),
    ]
    return Completeness(
        bytes(row.chain).hex(), row.sidecar, first, last, row.signed, connection.execute(count).scalar_one(),
        tuple(lives), tuple(quiet), tuple(lacks),
    )  # fmt: skip


def _lives(connection: Connection, number: int, since: int, until: int) -> list[LifeHeard]:
    table = incarnations
    query = select(table).where(table.c.chain_no == number, table.c.first_at < until, table.c.last_at >= since)
    return [
        LifeHeard(
            row.incarnation, row.first_seq, row.last_seq, row.first_at, row.last_at, row.heartbeats, bool(row.closed),
            row.isolation,
        )
        for row in connection.execute(query.order_by(table.c.first_seq))
    ]  # fmt: skip


def _covering(
    connection: Connection, number: int, since: int, until: int, lives: Sequence[LifeHeard]
) -> tuple[int, int]:
    """The records that cover the span: as few whole batches as have all of its times."""
    query = select(func.min(batches.c.first_seq), func.max(batches.c.last_seq)).where(
        batches.c.chain_no == number, batches.c.last_at >= since, batches.c.first_at < until
    )
    first, last = connection.execute(query).one()
    return first or lives[0].first_seq, last or lives[-1].last_seq


def _silences(connection: Connection, number: int, since: int, until: int) -> list[Quiet]:
    table = silences
    query = select(table).where(table.c.chain_no == number, table.c.from_at < until, table.c.to_at > since)
    return [
        Quiet(row.after_seq, row.from_at, row.to_at) for row in connection.execute(query.order_by(table.c.after_seq))
    ]


def _incidents(connection: Connection, row: Row[Any], first: int, last: int) -> Iterator[Lack]:
    """What was lost within the span, and whatever was put aside: nobody knows when that was written."""
    table = incidents
    mine = and_(table.c.tenant == row.tenant, table.c.sidecar == row.sidecar, table.c.chain == row.chain)
    for one in connection.execute(select(table).where(mine, table.c.kind != IncidentKind.CLOCK).order_by(table.c.no)):
        ends = one.seq + one.amount if one.kind == IncidentKind.GAP else one.seq
        if one.kind not in _MISSING or (one.seq <= last and ends >= first):
            yield Lack(one.kind, one.what, one.seq)


def _stated(connection: Connection, row: Row[Any]) -> int | None:
    """How many calls were open where central has stated that nobody goes on with the chain; None without that."""
    table = abandonments
    mine = (table.c.tenant == row.tenant, table.c.chain == row.chain, table.c.seq == row.seq)
    found = connection.execute(select(func.sum(table.c.calls)).where(*mine)).scalar()
    return None if found is None else int(found)


def _ends(row: Row[Any], lives: Sequence[LifeHeard], last: int, until: int, stated: int | None) -> Iterator[Lack]:
    if row.signed < last:
        yield Lack("unsigned", f"records {row.signed + 1} to {last} are under no signed head", row.signed + 1)
    end = lives[-1]
    if end.closed or end.last_seq < row.seq or until - end.last_at <= HEARD_US:
        return
    if stated is not None:
        what = f"it was not closed, and counts as abandoned: the effect of {stated} open calls is unknown"
        yield Lack("abandoned", what, end.last_seq)
    elif row.goes_on:
        yield Lack("unfinished", "it ended without a close, and its sidecar went on in another chain", end.last_seq)
    else:
        yield Lack("unheard", "it was not closed, and nothing was heard of it until the end", end.last_seq)
