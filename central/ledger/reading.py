"""What the ledger holds of one tenant, for those who may read it. Blocks; each answer is one consistent view.

Times are microseconds since 1970: `received_at` is central's clock, every `at` the sidecar's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Label, Row, RowMapping, Select, and_, cast, func, or_, select

from central.store.engine import Store
from central.store.tables import abandonments, batches, chains, incidents, log_batches, records
from evidence.clock import micros
from evidence.record import read_header

MOST: Final = 1_000
"""Rows of one answer."""

MOST_BYTES: Final = 8 << 20
"""Of the records in one answer; one record may be larger."""


@dataclass(frozen=True, slots=True)
class HeldChain:
    """Where a chain stands: records `first_seq` to `seq`, `missing` of them went in gaps; heads reach to `signed`.

    `abandoned` is null, or how many calls were open when central stated that nobody goes on with it.
    """

    chain: str
    sidecar: str
    first_seq: int
    seq: int
    link: str
    signed: int
    missing: int
    received_at: int
    abandoned: int | None


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A record as it came: canonical header and body, and its sealed box if it has one."""

    chain: str
    seq: int
    link: str
    received_at: int
    header: bytes
    body: bytes
    box: bytes | None


@dataclass(frozen=True, slots=True)
class HeldIncident:
    """What was met that should not be; `seq` is the record that it was first met at."""

    no: int
    sidecar: str
    chain: str
    kind: str
    seq: int
    amount: int
    what: str
    first_at: int
    last_at: int
    count: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records: those of a chain or a sidecar, from one number to another, from one time to before another."""

    chain: str | None = None
    sidecar: str | None = None
    first: int | None = None
    last: int | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some records in their order, and after which place the next ones come; None where there are no more."""

    records: tuple[HeldRecord, ...]
    after: tuple[int, int] | None


class Reading:
    """The ledger as readers of `tenant` see it. Every question raises LedgerUnavailable, also when it takes longer than
    `seconds`."""

    def __init__(self, store: Store, tenant: str, seconds: float | None = None) -> None:
        self._store, self._tenant, self._seconds = store, tenant, seconds

    def chains(self, *, after: int = 0, limit: int = MOST) -> tuple[list[HeldChain], int | None]:
        """The next chains behind a place, the oldest first, and the place behind them; None where there are no more."""
        query = select(chains, _abandoned()).where(chains.c.tenant == self._tenant, chains.c.no > after)
        with self._store.reading(self._seconds) as connection:
            rows = connection.execute(query.order_by(chains.c.no).limit(limit)).all()
        return [_chain(row) for row in rows], rows[-1].no if len(rows) == limit else None

    def records(self, wanted: Wanted, *, after: tuple[int, int] = (0, 0), limit: int = MOST) -> Page:
        """The next records behind a place. A page may have none of those that are wanted, and still not be the last."""
        found = self._query(wanted, after)
        with self._store.reading(self._seconds) as connection:
            sizes = connection.execute(found.with_only_columns(_bytes()).limit(limit)).scalars().all()
            count = _as_many(sizes)
            rows = connection.execute(found.limit(count)).all()
        last = (rows[-1].chain_no, rows[-1].seq) if rows and (count < len(sizes) or len(rows) == limit) else None
        return Page(tuple(_record(row) for row in rows if _within(row, wanted)), last)

    def incidents(self, *, after: int = 0, limit: int = MOST) -> list[HeldIncident]:
        """The next incidents behind a number."""
        table = incidents
        query = select(table).where(table.c.tenant == self._tenant, table.c.no > after).order_by(table.c.no)
        with self._store.reading(self._seconds) as connection:
            return [_incident(row) for row in connection.execute(query.limit(limit)).mappings()]

    def leaf(self, chain: str, seq: int) -> int | None:
        """Which leaf of the log a record is; None where the ledger has no such record, or the log not yet."""
        query = (
            select(log_batches.c.first_leaf + seq - batches.c.first_seq)
            .join_from(batches, chains, batches.c.chain_no == chains.c.no)
            .join(log_batches, log_batches.c.batch_id == batches.c.id)
            .where(chains.c.tenant == self._tenant, chains.c.chain == bytes.fromhex(chain))
            .where(batches.c.first_seq <= seq, batches.c.last_seq >= seq)
            # Batches do not overlap: the index has the one that is meant first, and nothing else is looked at.
            .order_by(batches.c.first_seq.desc())
            .limit(1)
        )
        with self._store.reading(self._seconds) as connection:
            return connection.execute(query).scalar()

    def _query(self, wanted: Wanted, after: tuple[int, int]) -> Select[Any]:
        number, seq = after
        query = (
            select(records, chains.c.chain)
            .join_from(records, chains, records.c.chain_no == chains.c.no)
            .where(chains.c.tenant == self._tenant)
            .where(or_(records.c.chain_no > number, and_(records.c.chain_no == number, records.c.seq > seq)))
            .order_by(records.c.chain_no, records.c.seq)
        )
        if wanted.chain is not None:
            query = query.where(chains.c.chain == bytes.fromhex(wanted.chain))
        if wanted.sidecar is not None:
            query = query.where(chains.c.sidecar == wanted.sidecar)
        if wanted.first is not None:
            query = query.where(records.c.seq >= wanted.first)
        if wanted.last is not None:
            query = query.where(records.c.seq <= wanted.last)
        return query if wanted.since is None and wanted.until is None else query.where(_near(wanted))


def _bytes() -> ColumnElement[int]:
    return func.length(records.c.header) + func.length(records.c.body) + func.coalesce(func.length(records.c.box), 0)


def _as_many(sizes: Sequence[int]) -> int:
    """How many of them have MOST_BYTES together; one at least."""
    count = total = 0
    for size in sizes:
        total += size
        if count and total > MOST_BYTES:
            break
        count += 1
    return count


def _near(wanted: Wanted) -> Any:
    """The record came with a batch that has records of the time that is wanted: the batch is found by its index."""
    query = select(batches.c.id).where(
        batches.c.chain_no == records.c.chain_no,
        batches.c.first_seq <= records.c.seq,
        batches.c.last_seq >= records.c.seq,
    )
    if wanted.since is not None:
        query = query.where(batches.c.last_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(batches.c.first_at < wanted.until)
    return query.exists()


def _within(row: Row[Any], wanted: Wanted) -> bool:
    if wanted.since is None and wanted.until is None:
        return True
    at = micros(read_header(bytes(row.header)).at)
    late_enough = wanted.since is None or (at is not None and at >= wanted.since)
    return late_enough and (wanted.until is None or (at is not None and at < wanted.until))


def _abandoned() -> Label[Any]:
    """The open calls of what central has stated of a chain, as long as nobody has gone on with it."""
    table = abandonments
    mine = (table.c.tenant == chains.c.tenant, table.c.chain == chains.c.chain, table.c.seq == chains.c.seq)
    return select(cast(func.sum(table.c.calls), BigInteger)).where(*mine).scalar_subquery().label("abandoned")


def _chain(row: Row[Any]) -> HeldChain:
    chain, link = bytes(row.chain).hex(), bytes(row.link).hex()
    return HeldChain(
        chain, row.sidecar, row.first_seq, row.seq, link, row.signed, row.missing, row.received_at, row.abandoned
    )


def _record(row: Row[Any]) -> HeldRecord:
    box = None if row.box is None else bytes(row.box)
    chain, link = bytes(row.chain).hex(), bytes(row.link).hex()
    return HeldRecord(chain, row.seq, link, row.received_at, bytes(row.header), bytes(row.body), box)


def _incident(row: RowMapping) -> HeldIncident:
    names = ("no", "sidecar", "kind", "seq", "amount", "what", "first_at", "last_at", "count")
    return HeldIncident(chain=bytes(row["chain"]).hex(), **{name: row[name] for name in names})
