"""A database that is away, full or held by somebody: one exception with a text, and nothing half stored."""

import sqlite3
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event

from central.ledger.ledger import Ledger
from central.store.engine import LedgerUnavailable, open_store
from central.store.schema import migrate
from tests.central.ledger.gate import Gate
from tests.peers.postgres import Postgres, postgres
from tests.peers.processes import free_port


def test_no_database_there() -> None:
    with pytest.raises(LedgerUnavailable, match="the database does not take it: "):
        Ledger.open(f"postgresql://nobody@127.0.0.1:{free_port()}/ledger")


def test_no_folder_there(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="unable to open database file"):
        Ledger.open(f"sqlite:///{tmp_path}/none/ledger.db")


def test_a_full_disk(ledger: Ledger) -> None:
    """SQLite stops at a number of pages; PostgreSQL is asked to say what it says of a full disk."""
    gate = Gate().start().calls("a")
    ledger.append(gate.batch(), gate.registered)
    held = gate.position()
    batch = gate.calls(*(f"call-{number}" for number in range(200))).part(3)
    fill = _fill_sqlite if ledger.store.dialect == "sqlite" else _fill_postgresql
    fill(ledger)
    with pytest.raises(LedgerUnavailable, match="full"):
        ledger.append(batch, gate.registered)
    _free(ledger)
    assert ledger.position(gate.name, gate.tenant, gate.chain) == held
    assert ledger.append(batch, gate.registered).new_records == 400


def _fill_sqlite(ledger: Ledger) -> None:
    ledger.store.engine.dispose()
    event.listen(ledger.store.engine, "connect", _few_pages)


def _few_pages(connection: sqlite3.Connection, _record: object) -> None:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}").close()


def _fill_postgresql(ledger: Ledger) -> None:
    with ledger.store.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END $$"
        )
        connection.exec_driver_sql("CREATE TRIGGER fill BEFORE INSERT ON calls EXECUTE FUNCTION fill()")


def _free(ledger: Ledger) -> None:
    if ledger.store.dialect == "sqlite":
        event.remove(ledger.store.engine, "connect", _few_pages)
        ledger.store.engine.dispose()
        return
    with ledger.store.engine.begin() as connection:
        connection.exec_driver_sql("DROP FUNCTION fill() CASCADE")


def test_a_connection_that_is_cut(server: Postgres, template: str) -> None:
    url = server.new_database(template)
    ledger = Ledger.open(url)
    gate = Gate().start().calls("a")
    ledger.append(gate.batch(), gate.registered)
    batch = gate.calls("b").batch()
    event.listen(ledger.store.engine, "commit", lambda _: _cut(server, url))
    with pytest.raises(LedgerUnavailable):
        ledger.append(batch, gate.registered)
    ledger.close()
    again = Ledger.open(url)
    assert again.position(gate.name, gate.tenant, gate.chain) == gate.position(3)
    assert again.append(batch, gate.registered).new_records == 2
    again.close()


def _cut(server: Postgres, url: str) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [url.rpartition("/")[2]]
        )


def test_a_restart_of_the_database() -> None:
    with postgres() as server:
        url = server.new_database()
        _migrated(url)
        ledger = Ledger.open(url)
        gate = Gate().start().calls("a")
        ledger.append(gate.batch(), gate.registered)
        server.kill()
        batch = gate.calls("b").batch()
        with pytest.raises(LedgerUnavailable):
            ledger.append(batch, gate.registered)
        server.start()
        assert ledger.append(batch, gate.registered).new_records == 2
        ledger.close()


def _migrated(url: str) -> None:
    store = open_store(url)
    migrate(store)
    store.close()


def test_somebody_who_holds_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    _migrated(url)
    ledger = Ledger.open(url, wait_seconds=0.1)
    gate = Gate().start()
    holder = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailable, match="database is locked"):
        ledger.append(gate.batch(), gate.registered)
    holder.execute("ROLLBACK")
    holder.close()
    assert ledger.append(gate.part(0), gate.registered).new_records == 1
    ledger.close()
