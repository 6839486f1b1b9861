"""The tree state in the database of the ledger (`central.log.state.TreeState`)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from central.ledger.incidents import raise_incident
from central.ledger.vocabulary import Incident, IncidentKind
from central.log.state import PendingBatch, Placed, Tree
from central.log.stopping import HeldElsewhere, LogStopped, Overtaken
from central.store.engine import POSTGRESQL, LedgerUnavailable, Store
from central.store.tables import batches, log_batches, pending, records, tree
from evidence.clock import Clock, SystemClock
from evidence.merkle import EMPTY_ROOT
from evidence.record import GENESIS

_CHUNK: Final = 500
"""Numbers of batches in one statement."""

_LOCK: Final = 0x6167656E744C6F67
"""The number of the advisory lock of sequencers: "agentLog"."""

_OF_THE_LOG: Final[Mapping[str, Any]] = {"tenant": "", "sidecar": "", "chain": GENESIS, "seq": 0}
"""Whose incidents these are: no tenant's."""

_OF_BATCH: Final = and_(
    records.c.chain_no == batches.c.chain_no,
    records.c.received_at == batches.c.received_at,
    records.c.seq.between(batches.c.first_seq, batches.c.last_seq),
)


class SqlTreeState:
    """Over the tables `tree`, `pending` and `log_batches`, and the records of the ledger."""

    def __init__(self, store: Store, clock: Clock | None = None) -> None:
        self._store = store
        self._clock = clock or SystemClock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one sequencer of this database, among processes that do so too. Raises HeldElsewhere.

        Keeps replicas from overtaking each other all the time; what keeps them from signing two trees is the fence.
        PostgreSQL lets go when the connection ends; with SQLite there is one machine, and the folder's lock holds.
        """
        if self._store.dialect != POSTGRESQL:
            yield
            return
        with closing(self._own_connection()) as connection:
            if not connection.execute(select(func.pg_try_advisory_lock(_LOCK))).scalar_one():
                raise HeldElsewhere("another process is the sequencer of this database")
            yield

    def tree(self) -> Tree:
        """Where the tree stands."""
        with self._store.reading() as connection:
            row = connection.execute(select(tree.c.size, tree.c.root, tree.c.fence)).one_or_none()
        return Tree(0, EMPTY_ROOT, 0) if row is None else Tree(row.size, row.root, row.fence)

    def take_over(self) -> Tree:
        """Raise the fence by one, and give the tree."""
        make = postgresql.insert if self._store.dialect == POSTGRESQL else sqlite.insert
        empty = {"one": 1, "size": 0, "root": EMPTY_ROOT, "fence": 0}
        raised = update(tree).values(fence=tree.c.fence + 1).returning(tree.c.size, tree.c.root, tree.c.fence)
        with self._store.writing() as connection:
            connection.execute(make(tree).values(empty).on_conflict_do_nothing())
            row = connection.execute(raised).one()
            return Tree(row.size, row.root, row.fence)

    def pending(self, most_leaves: int) -> list[PendingBatch]:
        """The first batches that wait, in the order of their numbers."""
        counts = (
            select(pending.c.batch_id, batches.c.last_seq - batches.c.first_seq + 1)
            .join(batches, batches.c.id == pending.c.batch_id)
            .order_by(pending.c.batch_id)
        )
        with self._store.reading() as connection:
            chosen, leaves = dict[int, int](), 0
            for batch, count in connection.execute(counts):
                leaves += count
                if chosen and leaves > most_leaves:
                    break
                chosen[batch] = count
            found = dict(_links(connection, max(chosen)) if chosen else ())
        for batch, count in chosen.items():
            if len(found.get(batch, ())) != count:
                raise LogStopped(f"batch {batch} should have {count} records, and the ledger has others")
        return [PendingBatch(batch, found[batch]) for batch in chosen]

    def advance(self, before: Tree, after: Tree, placed: Sequence[Placed]) -> None:
        """Move the tree with its batches, or raise Overtaken."""
        moved = (
            update(tree)
            .where(tree.c.size == before.size, tree.c.root == before.root, tree.c.fence == before.fence)
            .values(size=after.size, root=after.root)
        )
        with self._store.writing() as connection:
            if connection.execute(moved).rowcount != 1:
                raise Overtaken(f"the tree is not at {before.size} leaves under fence {before.fence} any more")
            for at in range(0, len(placed), _CHUNK):
                _place(connection, placed[at : at + _CHUNK])

    def leaves(self, first: int, end: int) -> list[bytes]:
        """The leaves from number `first` up to, and without, `end`."""
        wanted = (
            select(log_batches.c.first_leaf + records.c.seq - batches.c.first_seq, records.c.link)
            .join(batches, batches.c.id == log_batches.c.batch_id)
            .join(records, _OF_BATCH)
            .where(log_batches.c.first_leaf < end, log_batches.c.first_leaf + log_batches.c.count > first)
            .order_by(log_batches.c.first_leaf, records.c.seq)
        )
        with self._store.reading() as connection:
            found = {int(row[0]): bytes(row[1]) for row in connection.execute(wanted)}
        missing = [number for number in range(first, end) if number not in found]
        if missing:
            raise LogStopped(f"the ledger has no record for leaf {missing[0]} of the tree. Bring the log's files back.")
        return [found[number] for number in range(first, end)]

    def report(self, what: str) -> None:
        """Keep an incident of the kind `rollback`."""
        about = sha256(what.encode()).hexdigest()[:16]
        incident = Incident(IncidentKind.ROLLBACK, about=about, what=what, **_OF_THE_LOG)
        with self._store.writing() as connection:
            raise_incident(connection, incident, self._clock.now().unix_ns // 1000)

    def _own_connection(self) -> Connection:
        """One that no pool gets back: what it holds ends with it."""
        try:
            connection = self._store.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        except (OperationalError, PoolTimeout) as error:
            raise LedgerUnavailable(f"the database does not take it: {error}") from error
        connection.detach()
        return connection


def _links(connection: Connection, last: int) -> list[tuple[int, tuple[bytes, ...]]]:
    """The links of all waiting batches up to number `last`."""
    wanted = (
        select(pending.c.batch_id, records.c.link)
        .join(batches, batches.c.id == pending.c.batch_id)
        .join(records, _OF_BATCH)
        .where(pending.c.batch_id <= literal(last))
        .order_by(pending.c.batch_id, records.c.seq)
    )
    rows = groupby(connection.execute(wanted), key=lambda row: row[0])
    return [(batch, tuple(row[1] for row in of_batch)) for batch, of_batch in rows]


def _place(connection: Connection, placed: Sequence[Placed]) -> None:
    numbers = [each.batch for each in placed]
    if connection.execute(delete(pending).where(pending.c.batch_id.in_(numbers))).rowcount != len(numbers):
        raise Overtaken("a batch waits no longer")
    rows = [{"batch_id": each.batch, "first_leaf": each.first_leaf, "count": each.count} for each in placed]
    connection.execute(insert(log_batches), rows)
