"""What the ledger knows of erasure units and of holds. Every query is for one tenant, but for the walk over all."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, and_, func, literal, select, tuple_

from central.erasure.vocabulary import Cause, DataKey, Hold, Sealed, Unit
from central.ledger.sealings import About
from central.store import tables
from central.store.engine import Store

AT_ONCE: Final = 200
"""Units that are looked at together."""


def all_units(store: Store) -> Iterator[list[Unit]]:
    """Every unit that has a data key, in the order of their names, so many at once that memory stays bounded."""
    table, after = tables.data_keys, ("", "")
    while True:
        # As one comparison of rows, which goes by the index.
        later = tuple_(table.c.tenant, table.c.unit) > tuple_(*map(literal, after))
        query = select(table.c.tenant, table.c.unit).where(later).distinct()
        with store.reading() as connection:
            names = connection.execute(query.order_by(table.c.tenant, table.c.unit).limit(AT_ONCE)).all()
            if not names:
                return
            by_tenant: dict[str, list[str]] = defaultdict(list)
            for row in names:
                by_tenant[row.tenant].append(row.unit)
            found = [unit for tenant, units in by_tenant.items() for unit in units_of(connection, tenant, units)]
        yield found
        after = (names[-1].tenant, names[-1].unit)


def units_of(connection: Connection, tenant: str, names: Sequence[str]) -> list[Unit]:
    """The units of these names that have data keys."""
    keys: dict[str, dict[bytes, tuple[Row[Any], list[Sealed]]]] = defaultdict(dict)
    for start in range(0, len(names), AT_ONCE):
        for row in connection.execute(_keys_of(tenant, names[start : start + AT_ONCE])):
            _, sealed = keys[row.unit].setdefault(bytes(row.id), (row, []))
            if row.about is not None:
                sealed.append(_sealed(row))
    asked = _requests(connection, tenant, names)
    return [
        Unit(
            tenant,
            name,
            tuple(
                DataKey(key_id.hex(), row.sidecar or "", row.received_at, tuple(sealed))
                for key_id, (row, sealed) in sorted(keys[name].items())
            ),
            asked.get(name),
        )
        for name in sorted(keys)
    ]


def units_about(
    connection: Connection, tenant: str, *, session: str | None = None, subject: str | None = None
) -> list[str]:
    """The names of the units that have sealed something of this session, or of this subject."""
    keys, sealings = tables.data_keys, tables.sealings
    query = (
        select(keys.c.unit)
        .join(sealings, and_(sealings.c.tenant == keys.c.tenant, sealings.c.key_id == keys.c.id))
        .where(keys.c.tenant == tenant)
        .distinct()
    )
    query = query if session is None else query.where(sealings.c.session == session)
    query = query if subject is None else query.where(sealings.c.subject == subject)
    return sorted(connection.execute(query).scalars())


def holds_of(connection: Connection, tenant: str) -> list[Hold]:
    """The holds of a tenant that are not released."""
    table = tables.holds
    query = select(table).where(table.c.tenant == tenant, table.c.released_at.is_(None)).order_by(table.c.id)
    return [
        Hold(row.id, row.tenant, row.agent, row.session, row.from_at, row.until_at) for row in connection.execute(query)
    ]


def _keys_of(tenant: str, names: Sequence[str]) -> "Select[Any]":
    keys, sealings, chains = tables.data_keys, tables.sealings, tables.chains
    sealed_by = and_(sealings.c.tenant == keys.c.tenant, sealings.c.key_id == keys.c.id)
    return (
        select(keys.c.unit, keys.c.id, keys.c.received_at, chains.c.sidecar, sealings)
        .outerjoin(sealings, sealed_by)
        .outerjoin(chains, chains.c.no == keys.c.chain_no)
        .where(keys.c.tenant == tenant, keys.c.unit.in_(names))
    )


def _sealed(row: Row[Any]) -> Sealed:
    about = About(row.upstream, row.class_name, row.agent, row.subject, row.session)
    return Sealed(about, row.first_at, row.last_at, row.first_received, row.last_received)


def _requests(connection: Connection, tenant: str, names: Sequence[str]) -> dict[str, int]:
    table, found = tables.erasures, dict[str, int]()
    for start in range(0, len(names), AT_ONCE):
        part = names[start : start + AT_ONCE]
        mine = (table.c.tenant == tenant, table.c.unit.in_(part), table.c.cause == Cause.REQUEST.value)
        query = select(table.c.unit, func.max(table.c.at).label("at")).where(*mine).group_by(table.c.unit)
        found.update({row.unit: row.at for row in connection.execute(query)})
    return found
