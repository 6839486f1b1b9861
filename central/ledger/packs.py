"""Which packs have left central, and whose text they have: no erasure reaches them, and a tombstone names them."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from central.ledger.keeping import insert_into
from central.store import tables
from central.store.engine import Store
from evidence.clock import micros


def note_pack(store: Store, *, tenant: str, digest: str, units: Iterable[str], by: str, at: str) -> None:
    """Note a pack before it is handed out; again changes nothing.

    `digest` is the pack's SHA-256 in hex, `units` the erasure units (`unit` of a line of keys.jsonl) whose opened text
    it has, `by` who exports it and `at` when (RFC 3339). Raises LedgerUnavailable.
    """
    table = tables.packs
    with store.writing() as connection:
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


def without_keys(store: Store, tenant: str, units: Iterable[str]) -> list[str]:
    """Those of the units that have no data key any more: they were erased. Raises LedgerUnavailable."""
    table, found = tables.data_keys, []
    with store.reading() as connection:
        for unit in sorted(set(units)):
            query = select(table.c.no).where(table.c.tenant == tenant, table.c.unit == unit).limit(1)
            if connection.execute(query).first() is None:
                found.append(unit)
    return found
