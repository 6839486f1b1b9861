"""A ledger with text of several people in it, and what of that can still be read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, insert, select

from central.erasure.deeds import Deeds, Outcome
from central.erasure.vocabulary import Asked, Cause, Doomed, Unit
from central.ledger.ledger import Ledger
from central.store import tables
from evidence.canonical import read
from evidence.clock import Instant
from evidence.record import Kind
from evidence.sealing import box_contents, read_key_line, unwrap
from tests.central.ledger.gate import SECOND, TENANT_KEY, Gate

DAY: Final = 86_400 * SECOND
NOON: Final = 1_790_000_000 * SECOND
NOTHING: Final[Mapping[Table, list[dict[str, Any]]]] = MappingProxyType({})
ASKED: Final = Asked("an operator", "ticket 17")


@dataclass(slots=True)
class Watch:
    """A clock that a test moves; each look at it moves it by a microsecond."""

    unix_us: int = NOON + DAY

    def now(self) -> Instant:
        """The present moment."""
        self.unix_us += 1
        return Instant(self.unix_us * 1000, self.unix_us)


@dataclass(slots=True)
class Office:
    """Sidecars of tenants that write into one ledger; `deeds` is central's hand in it."""

    ledger: Ledger
    watch: Watch
    deeds: Deeds
    gates: dict[str, Gate] = field(default_factory=dict)
    _calls: int = 0

    def said(self, text: str, session: str | None = None, **named: Any) -> None:
        """One call, sealed and shipped: `agent`, `user`, `upstream`, `record` and `tenant` say whose and where."""
        gate = self.gate(named.pop("tenant", "acme"))
        self._calls += 1
        agent, call = named.get("agent", "bot"), f"call-{self._calls}"
        gate.unit = session or f"caller:{agent}"
        body = {
            "caller": {"tenant": gate.tenant, "agent": agent, "user": named.get("user")},
            "session": session,
            "request": {"method": "tools/call", "upstream": named.get("upstream", "files"), "name": "read_file"},
            "decision": {
                "effect": "allow",
                "obligations": {"record": [record]} if (record := named.get("record")) else {},
            },
        }
        gate.write(Kind.INTENT, body, call, input=text.encode())
        gate.write(Kind.OUTCOME, {"outcome": "completed"}, call, result=text.encode())
        self.ship(gate)

    def gate(self, tenant: str) -> Gate:
        """The sidecar of a tenant, made when it is first asked for."""
        if tenant not in self.gates:
            self.gates[tenant] = Gate(name=f"gate-of-{tenant}", tenant=tenant).start()
        return self.gates[tenant]

    def ship(self, gate: Gate) -> None:
        """What it has not shipped yet."""
        self.ledger.append(gate.batch(), gate.registered)

    def erase(self, *units: str, tenant: str = "acme") -> Outcome:
        """All of these units, by their pseudonyms."""
        return self.deeds.erase(tenant, [unit_of(unit) for unit in units], everything)

    def readable(self, tenant: str = "acme") -> set[str]:
        """The texts that whoever has the ledger and the tenant's private key can still read."""
        return set(_texts(self.ledger, tenant))

    def rows(self, table: Any) -> list[dict[str, Any]]:
        """All of a table."""
        with self.ledger.store.reading() as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]

    def restored(self, *tables_as_they_were: Table, rows: Mapping[Table, list[dict[str, Any]]] = NOTHING) -> None:
        """The ledger as a backup has it: central's own chains are not there, these tables are empty but for `rows`."""
        own = [row["no"] for row in self.rows(tables.chains) if row["sidecar"].startswith("central-")]
        with self.ledger.store.writing() as connection:
            _unguard(connection)
            connection.execute(delete(tables.pending))
            for table in (tables.records, tables.batches, tables.heads, tables.incarnations):
                connection.execute(delete(table).where(table.c.chain_no.in_(own)))
            connection.execute(delete(tables.chains).where(tables.chains.c.no.in_(own)))
            for table in tables_as_they_were:
                connection.execute(delete(table))
            for table, before in rows.items():
                connection.execute(insert(table), before)


def office(ledger: Ledger, watch: Watch, state: Path) -> Office:
    """One with nobody in it; the ledger has the same watch."""
    return Office(ledger, watch, Deeds(ledger, state, watch))


def everything(unit: Unit) -> list[Doomed]:
    """As `agentgate central erase` chooses."""
    return [Doomed(unit.name, tuple(key.id for key in unit.keys), Cause.REQUEST, ASKED)]


def unit_of(name: str) -> str:
    """The pseudonym that the sidecars of the tests give."""
    return f"unit-{name}"


def _unguard(connection: Connection) -> None:
    """As a superuser, or a restore, is not held up by triggers."""
    frozen = (*tables.FROZEN, "erasures", "erased_keys", "abandonments")
    for table in frozen:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"DROP TRIGGER {table}_no_delete")
        else:
            connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER never_changed")
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("ALTER TABLE records_rest DISABLE TRIGGER never_changed")


def _texts(ledger: Ledger, tenant: str) -> Iterator[str]:
    records, chains, keys = tables.records, tables.chains, tables.data_keys
    with ledger.store.reading() as connection:
        lines = connection.execute(select(keys.c.id, keys.c.line).where(keys.c.tenant == tenant)).all()
        opened = {bytes(row.id).hex(): unwrap(read_key_line(bytes(row.line)), TENANT_KEY) for row in lines}
        query = (
            select(records.c.body, records.c.box)
            .join(chains, chains.c.no == records.c.chain_no)
            .where(chains.c.tenant == tenant, records.c.box.is_not(None))
        )
        rows = connection.execute(query).all()
    for row in rows:
        body: Any = read(bytes(row.body))
        key = body["sealed"]["key"]
        if key in opened:
            for content in box_contents(bytes(row.box), opened[key], key, tenant).values():
                yield content["text"]
