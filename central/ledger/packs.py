"""Which packs have left central, and whose text they have: no erasure reaches them, and a tombstone names them."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, select

from central.ledger.keeping import insert_into
from central.store import tables
from central.store.engine import Store
from central.store.locking import shared
from evidence.clock import micros


class ErasedMeanwhile(Exception):
    """A pack has text that was erased before it was noted: nobody may hand it out. `units` says which."""

    def __init__(self, units: Sequence[str]) -> None:
        super().__init__(f"what the pack has of {', '.join(units[:3])} was erased meanwhile: make it again")
        self.units = tuple(units)


def note_new_pack(store: Store, *, tenant: str, digest: str, units: Collection[str], by: str, at: str) -> None:
    """Note a pack that was only just made. Raises ErasedMeanwhile, and notes nothing then; LedgerUnavailable.

    While it looks nobody erases: an erasure before this is met, and one after this names the pack.
    """
    with store.writing() as connection:
        shared(connection)
        if gone := _without_keys(connection, tenant, units):
            raise ErasedMeanwhile(gone)
        _note(connection, tenant, digest, units, by, at)


def note_pack(store: Store, *, tenant: str, digest: str, units: Iterable[str], by: str, at: str) -> None:
    """Note a pack that somebody has; again changes nothing.

    `digest` is the pack's SHA-256 in hex, `units` the erasure units (`unit` of a line of keys.jsonl) whose opened text
    it has, `by` who exports it and `at` when (RFC 3339). Raises LedgerUnavailable.
    """
    with store.writing() as connection:
        _note(connection, tenant, digest, units, by, at)


def _note(connection: Connection, tenant: str, digest: str, units: Iterable[str], by: str, at: str) -> None:
    table = tables.packs
    statement = insert_into(connection, table).values(
        tenant=tenant, digest=digest, exported_by=by, exported_at=micros(at) or 0
    )
    connection.execute(statement.on_conflict_do_nothing(index_elements=["tenant", "digest"]))
    mine = (table.c.tenant == tenant, table.c.digest == digest)
    number = connection.execute(select(table.c.no).where(*mine)).scalar_one()
    rows = [{"pack_no": number, "unit": unit} for unit in sorted(set(units))]
    if rows:
        kept = insert_into(connection, tables.pack_units)
        connection.execute(kept.on_conflict_do_nothing(index_elements=["pack_no", "unit"]), rows)


def packs_of(connection: Connection, tenant: str, unit: str) -> list[str]:
    """The digests of the packs that have text of this unit."""
    packs, units = tables.packs, tables.pack_units
    query = (
        select(packs.c.digest)
        .join(units, units.c.pack_no == packs.c.no)
        .where(units.c.unit == unit, packs.c.tenant == tenant)
        .order_by(packs.c.digest)
    )
    return list(connection.execute(query).scalars())


def _without_keys(connection: Connection, tenant: str, units: Iterable[str]) -> list[str]:
    """Those of the units that have no data key any more."""
    table, found = tables.data_keys, list[str]()
    for unit in sorted(set(units)):
        query = select(table.c.no).where(table.c.tenant == tenant, table.c.unit == unit).limit(1)
        if connection.execute(query).first() is None:
            found.append(unit)
    return found
