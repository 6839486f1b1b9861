"""The other parts of a chain that a folder of it is made of, in bounded pages: heads, wrapped keys, leaves. Blocks.

A chain of another tenant is as one that there is not: nothing of it is found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, or_, select

from central.ledger.reading import MOST
from central.store.engine import Store
from central.store.tables import batches, chains, data_keys, heads, log_batches
from evidence.chain import Position
from evidence.record import read_header


@dataclass(frozen=True, slots=True)
class Held:
    """How far a chain is held, and whose it is."""

    sidecar: str
    incarnation: str
    position: Position


@dataclass(frozen=True, slots=True)
class Leaves:
    """Records `first` to `last` are the leaves of the log from `leaf` on."""

    first: int
    last: int
    leaf: int


class Parts:
    """The parts of one chain of `tenant`. Every question raises LedgerUnavailable, also when it takes too long."""

    def __init__(self, store: Store, tenant: str, chain: str, seconds: float | None = None) -> None:
        self._store, self._tenant, self._chain, self._seconds = store, tenant, bytes.fromhex(chain), seconds

    def held(self) -> Held | None:
        """Up to where it is held; None where there is no such chain, or nothing of it."""
        found = self._rows(self._mine(select(chains.c.sidecar, chains.c.seq, chains.c.link, chains.c.last_header)))
        if not found or found[0].last_header is None:
            return None
        (row,) = found
        return Held(
            row.sidecar, read_header(bytes(row.last_header)).incarnation, Position(row.seq, bytes(row.link).hex())
        )

    def heads(self, *, after: tuple[int, int] = (0, 0)) -> tuple[list[tuple[int, str]], tuple[int, int] | None]:
        """The next heads, each with the record that it stands behind, and the place behind them."""
        seq, number = after
        behind = or_(heads.c.seq > seq, and_(heads.c.seq == seq, heads.c.no > number))
        query = select(heads.c.seq, heads.c.no, heads.c.note).join(chains, chains.c.no == heads.c.chain_no)
        rows = self._rows(self._mine(query).where(behind).order_by(heads.c.seq, heads.c.no).limit(MOST))
        place = (rows[-1].seq, rows[-1].no) if len(rows) == MOST else None
        return [(row.seq, bytes(row.note).decode()) for row in rows], place

    def keys(self, *, after: int = 0) -> tuple[list[str], int | None]:
        """The next wrapped keys, as lines of keys.jsonl, and the place behind them."""
        query = select(data_keys.c.no, data_keys.c.line).join(chains, chains.c.no == data_keys.c.chain_no)
        rows = self._rows(self._mine(query).where(data_keys.c.no > after).order_by(data_keys.c.no).limit(MOST))
        return [bytes(row.line).decode() for row in rows], rows[-1].no if len(rows) == MOST else None

    def leaves(self, *, after: int = 0) -> tuple[list[Leaves], int | None]:
        """Where the next records stand in the log, as far as it has them, and the place behind them."""
        query = (
            select(batches.c.first_seq, batches.c.last_seq, log_batches.c.first_leaf)
            .join(chains, chains.c.no == batches.c.chain_no)
            .join(log_batches, log_batches.c.batch_id == batches.c.id)
            .where(batches.c.first_seq > after)
        )
        rows = self._rows(self._mine(query).order_by(batches.c.first_seq).limit(MOST))
        found = [Leaves(row.first_seq, row.last_seq, row.first_leaf) for row in rows]
        return found, found[-1].first if len(rows) == MOST else None

    def _mine(self, query: Select[Any]) -> Select[Any]:
        return query.where(chains.c.tenant == self._tenant, chains.c.chain == self._chain)

    def _rows(self, query: Select[Any]) -> Sequence[Any]:
        with self._store.reading(self._seconds) as connection:
            return connection.execute(query).all()
