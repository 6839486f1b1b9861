"""How far a chain is safe: up to where the ledger holds it, and up to where the published log does."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from central.store import tables
from central.store.engine import Store
from evidence.chain import Position
from evidence.record import read_header


@dataclass(frozen=True, slots=True)
class Covered:
    """The ledger holds a chain up to `position`, which `incarnation` wrote; the log up to record `included`.

    `erasures` is another number whenever keys were destroyed.
    """

    position: Position
    incarnation: str
    included: int
    erasures: int


def erased_of(store: Store, tenant: str, keys: Sequence[str]) -> list[str]:
    """Those of these data keys of a tenant that are destroyed, in the order of their ids. Raises LedgerUnavailable."""
    table = tables.erased_keys
    query = select(table.c.id).where(table.c.tenant == tenant, table.c.id.in_([bytes.fromhex(key) for key in keys]))
    with store.reading() as connection:
        return sorted(bytes(key).hex() for key in connection.execute(query).scalars())


def covered(store: Store, sidecar: str, tenant: str, chain: str, log_size: int) -> Covered | None:
    """Of a chain of this sidecar, for a log with a published checkpoint of so many leaves; None for an unknown one.

    Raises LedgerUnavailable.
    """
    table, batches, placed = tables.chains, tables.batches, tables.log_batches
    mine = (table.c.tenant == tenant, table.c.sidecar == sidecar, table.c.chain == bytes.fromhex(chain))
    # Later batches of a chain have later records: the first one from its end tells, and no older one is looked at.
    last = (
        select(batches.c.last_seq)
        .join(placed, placed.c.batch_id == batches.c.id)
        .where(batches.c.chain_no == table.c.no, placed.c.first_leaf + placed.c.count <= log_size)
        .order_by(batches.c.first_seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    included = func.coalesce(last, 0)
    erasures = select(func.coalesce(func.max(tables.erasures.c.no), 0)).scalar_subquery()
    query = select(
        table.c.seq, table.c.link, table.c.last_header, included.label("included"), erasures.label("erasures")
    ).where(*mine)
    with store.reading() as connection:
        row = connection.execute(query).one_or_none()
    if row is None or row.last_header is None:
        return None
    return Covered(
        Position(row.seq, row.link.hex()), read_header(row.last_header).incarnation, row.included, row.erasures
    )
