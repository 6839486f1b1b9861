"""What changes: keys are destroyed, holds are placed and released. Each is done and said in one transaction.

Nobody else erases, holds or takes a key in while one of them runs: a hold that is placed before an erasure forbids it,
and one that is placed after it comes too late. There is no way around a hold but to release it.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import ProgrammingError

from central.abandonment.stating import keep as keep_abandonment
from central.erasure.copying import Copy
from central.erasure.own_chain import OwnChain
from central.erasure.units import holds_of, units_of
from central.erasure.vocabulary import Asked, Doomed, Erased, ErasureProblem, HeldBack, Hold, Unit
from central.ledger.keeping import insert_into
from central.ledger.ledger import Ledger
from central.ledger.packs import packs_of
from central.store import tables
from central.store.locking import exclusive
from evidence.clock import Clock, SystemClock, micros
from evidence.record import Entry, Kind, Record

_AT_ONCE: Final = 500

Choose = Callable[[Unit], Sequence[Doomed]]
"""Says what of a unit is to be destroyed, by what stands in the ledger at that moment."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    erased: tuple[Erased, ...]
    held: tuple[HeldBack, ...]


class Deeds:
    """All that changes, on one ledger, with the state folder that has central's identity."""

    def __init__(self, ledger: Ledger, state: Path, clock: Clock | None = None) -> None:
        """Raises KeyProblem."""
        self._ledger = ledger
        self._own = OwnChain(ledger, state, clock or SystemClock())
        self._copy = Copy(ledger, self._own, state, apply)

    def settle(self) -> int:
        """Bring the copy of central's chains and the ledger together; gives how much the ledger had forgotten."""
        with _permitted(), self._copy.alone():
            return self._copy.settle()

    def erase(self, tenant: str, names: Sequence[str], choose: Choose) -> Outcome:
        """Destroy what `choose` says of these units, but for what is held.

        Once this returns, each of them has its tombstone and no key. Raises LedgerUnavailable, ErasureProblem.
        """
        with self._deed() as connection:
            doomed, held = _judged(units_of(connection, tenant, names), holds_of(connection, tenant), choose)
            erased = [
                Erased(one.unit, one.keys, one.cause, tuple(packs_of(connection, tenant, one.unit)), sidecars)
                for one, sidecars in doomed
            ]
            entries = [_tombstone(one, told) for (one, _), told in zip(doomed, erased, strict=True)]
            self._do(connection, tenant, entries)
        return Outcome(tuple(erased), tuple(held))

    def state(self, choose: Callable[[Connection], Mapping[str, Sequence[Entry]]]) -> None:
        """Write what `choose` gives, by tenant, into central's own chains. Raises LedgerUnavailable, ErasureProblem."""
        with self._deed() as connection:
            for tenant, entries in choose(connection).items():
                self._do(connection, tenant, entries)

    def place(self, hold: Hold, asked: Asked) -> None:
        """Put a hold on. Raises LedgerUnavailable."""
        with self._deed() as connection:
            body = {
                "hold": hold.id,
                "state": "placed",
                "agent": hold.agent,
                "session": hold.session,
                "from": hold.from_at,
                "until": hold.until_at,
                "asked_by": asked.by,
                "reason": asked.reason,
            }
            self._do(connection, hold.tenant, [Entry(Kind.HOLD, body)])

    def release(self, hold_id: str, asked: Asked) -> None:
        """Take a hold off. Raises ErasureProblem for one that is not there or is released, LedgerUnavailable."""
        with self._deed() as connection:
            table = tables.holds
            row = connection.execute(select(table).where(table.c.id == hold_id)).one_or_none()
            if row is None:
                raise ErasureProblem(f"no hold {hold_id}: agentgate central hold list shows them")
            if row.released_at is not None:
                raise ErasureProblem(f"hold {hold_id} is released already, by {row.released_by}")
            body = {"hold": hold_id, "state": "released", "asked_by": asked.by, "reason": asked.reason}
            self._do(connection, row.tenant, [Entry(Kind.HOLD, body)])

    def _do(self, connection: Connection, tenant: str, entries: Sequence[Entry]) -> None:
        if entries:
            for record in self._own.write(connection, tenant, entries):
                apply(connection, record)

    @contextmanager
    def _deed(self) -> Iterator[Connection]:
        with _permitted(), self._copy.alone():
            self._copy.settle()
            with self._ledger.store.writing() as connection:
                exclusive(connection)
                yield connection
            self._copy.settle()


@contextmanager
def _permitted() -> Iterator[None]:
    try:
        yield
    except ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        raise ErasureProblem(
            f"the database user may not do this ({error.orig}): name one in --database that is a member of "
            "agentgate_eraser and agentgate_writer"
        ) from error


def new_hold_id() -> str:
    """A name for a hold."""
    return f"hold-{secrets.token_hex(4)}"


def apply(connection: Connection, record: Record) -> None:
    """Do what a record of central's own chain says. Again changes nothing."""
    match record.header.kind, record.body.get("state"):
        case Kind.TOMBSTONE, _:
            _destroy(connection, record)
        case Kind.HOLD, "placed":
            _place(connection, record.header.tenant, record.body, _at(record))
        case Kind.HOLD, "released":
            _release(connection, record.body, _at(record))
        case Kind.ABANDONMENT, _:
            keep_abandonment(connection, record)


def _destroy(connection: Connection, record: Record) -> None:
    body, tenant, at = record.body, record.header.tenant, _at(record)
    keys = [bytes.fromhex(key) for key in body["keys"]]
    # What it refuses to take from here on comes first: a key never is away and welcome at once.
    shut = insert_into(connection, tables.erased_keys).on_conflict_do_nothing(index_elements=["tenant", "id"])
    connection.execute(shut, [{"tenant": tenant, "id": key, "at": at} for key in keys])
    data_keys, sealings = tables.data_keys, tables.sealings
    for start in range(0, len(keys), _AT_ONCE):
        part = keys[start : start + _AT_ONCE]
        connection.execute(delete(data_keys).where(data_keys.c.tenant == tenant, data_keys.c.id.in_(part)))
        connection.execute(delete(sealings).where(sealings.c.tenant == tenant, sealings.c.key_id.in_(part)))
    told = {name: body[name] for name in ("unit", "cause", "asked_by", "reason")}
    row = {"tombstone": bytes.fromhex(record.link), "tenant": tenant, **told, "keys": len(keys), "at": at}
    connection.execute(
        insert_into(connection, tables.erasures).values(row).on_conflict_do_nothing(index_elements=["tombstone"])
    )


def _place(connection: Connection, tenant: str, body: Mapping[str, Any], at: int) -> None:
    statement = insert_into(connection, tables.holds).values(
        id=body["hold"],
        tenant=tenant,
        agent=body["agent"],
        session=body["session"],
        from_at=body["from"],
        until_at=body["until"],
        placed_by=body["asked_by"],
        reason=body["reason"],
        placed_at=at,
    )
    connection.execute(statement.on_conflict_do_nothing(index_elements=["id"]))


def _release(connection: Connection, body: Mapping[str, Any], at: int) -> None:
    table = tables.holds
    released = {"released_by": body["asked_by"], "release_reason": body["reason"], "released_at": at}
    mine = (table.c.id == body["hold"], table.c.released_at.is_(None))
    connection.execute(update(table).where(*mine).values(released))


def _judged(
    units: Iterable[Unit], holds: Sequence[Hold], choose: Choose
) -> tuple[list[tuple[Doomed, tuple[str, ...]]], list[HeldBack]]:
    doomed: list[tuple[Doomed, tuple[str, ...]]] = []
    held: list[HeldBack] = []
    for unit in units:
        wanted = [one for one in choose(unit) if one.keys]
        standing = holding(holds, unit)
        if wanted and standing:
            held.append(HeldBack(unit.name, standing))
        elif wanted:
            doomed += [(one, unit.sidecars()) for one in wanted]
    return doomed, held


def holding(holds: Iterable[Hold], unit: Unit) -> tuple[str, ...]:
    """The ids of the holds that forbid to erase anything of a unit."""
    return tuple(hold.id for hold in holds if hold.on(unit))


def _tombstone(doomed: Doomed, told: Erased) -> Entry:
    body = {
        "unit": doomed.unit,
        "keys": list(doomed.keys),
        "cause": doomed.cause.value,
        "asked_by": doomed.asked.by,
        "reason": doomed.asked.reason,
        "packs": list(told.packs),
    }
    return Entry(Kind.TOMBSTONE, body)


def _at(record: Record) -> int:
    return micros(record.header.at) or 0
