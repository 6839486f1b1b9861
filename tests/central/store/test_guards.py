"""Record bytes are changed by nobody: each deed on each table, by the owner of the database, a superuser."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from central.ledger.ledger import Ledger
from central.ledger.vocabulary import Kept
from central.store.engine import Store, open_store
from central.store.partitions import make_partitions
from central.store.schema import migrate
from tests.central.ledger.gate import Gate
from tests.peers.postgres import Postgres

DEEDS = {
    "records-update": "UPDATE records SET body = body",
    "records-delete": "DELETE FROM records",
    "batches-update": "UPDATE batches SET first_at = 0",
    "batches-delete": "DELETE FROM batches",
    "heads-update": "UPDATE heads SET note = note",
    "heads-delete": "DELETE FROM heads",
    "strays-update": "UPDATE strays SET data = data",
    "strays-delete": "DELETE FROM strays",
    "erasures-update": "UPDATE erasures SET reason = ''",
    "erasures-delete": "DELETE FROM erasures",
    "abandonments-update": "UPDATE abandonments SET calls = 0",
    "abandonments-delete": "DELETE FROM abandonments",
    "erased-keys-update": "UPDATE erased_keys SET at = 0",
    "erased-keys-delete": "DELETE FROM erased_keys",
}
POSTGRESQL_DEEDS = {
    "records-truncate": "TRUNCATE records",
    "heads-truncate": "TRUNCATE heads",
    "batches-truncate": "TRUNCATE batches",
    "strays-truncate": "TRUNCATE strays",
    "erased-keys-truncate": "TRUNCATE erased_keys",
    "a-partition-update": "UPDATE records_2026_09 SET body = body",
    "a-partition-delete": "DELETE FROM records_2026_09",
    "a-partition-truncate": "TRUNCATE records_2026_09",
    "the-rest-truncate": "TRUNCATE records_rest",
    "as-a-replica": "SET LOCAL session_replication_role = replica; DELETE FROM records",
}
ERASURE = (
    "(tombstone, tenant, unit, cause, asked_by, reason, keys, at) "
    "VALUES ('t', 'acme', 'unit', 'request', 'somebody', 'a ticket', 1, 1)"
)
ABANDONMENT = "(statement, tenant, chain, seq, calls, at) VALUES ('s', 'acme', 'c', 1, 1, 1)"
SEPTEMBER = 1_790_000_000_000_000


def held(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM records")).scalar_one())


@pytest.mark.parametrize("deed", [pytest.param(deed, id=name) for name, deed in DEEDS.items()])
def test_nobody_changes_what_is_kept(ledger: Ledger, deed: str) -> None:
    _forked(ledger)
    with pytest.raises(DatabaseError, match="never changed"), ledger.store.engine.begin() as connection:
        connection.execute(text(deed))
    with ledger.store.reading() as connection:
        assert held(connection) == 3


@pytest.mark.parametrize("deed", [pytest.param(deed, id=name) for name, deed in POSTGRESQL_DEEDS.items()])
def test_nobody_changes_what_is_kept_in_postgresql(on_postgresql: Ledger, deed: str) -> None:
    _forked(on_postgresql)
    with pytest.raises(DatabaseError, match="never changed"), on_postgresql.store.engine.begin() as connection:
        connection.execute(text(deed))
    with on_postgresql.store.reading() as connection:
        assert held(connection) == 3


def _forked(ledger: Ledger) -> None:
    """Rows in each of the tables."""
    gate = Gate().start().intent("a")
    other = gate.fork()
    gate.outcome("a").head()
    other.outcome("a", "failed")
    ledger.append(gate.part(0), gate.registered)
    with pytest.raises(Kept):
        ledger.append(other.part(2), gate.registered)
    with ledger.store.writing() as connection:
        connection.execute(text(f"INSERT INTO erasures {ERASURE}"))
        connection.execute(text(f"INSERT INTO abandonments {ABANDONMENT}"))
        connection.execute(text("INSERT INTO erased_keys (tenant, id, at) VALUES ('acme', 'x', 1)"))


@pytest.fixture
def on_postgresql(server: Postgres, template: str) -> Iterator[Ledger]:
    ledger = Ledger.open(server.new_database(template))
    assert make_partitions(ledger.store, SEPTEMBER) == 3
    yield ledger
    ledger.close()


def test_partitions_are_made_once_and_ahead(on_postgresql: Ledger) -> None:
    store = on_postgresql.store
    assert make_partitions(store, SEPTEMBER) == 0
    assert make_partitions(store, SEPTEMBER, months=5) == 2
    assert _partitions(store) == {
        "records_rest",
        *(f"records_2026_{month:02}" for month in (9, 10, 11, 12)),
        "records_2027_01",
    }


def test_a_month_that_began_without_a_partition_stays_in_the_rest(server: Postgres, template: str) -> None:
    ledger = Ledger.open(server.new_database(template))
    _forked(ledger)
    with ledger.store.reading() as connection:
        now = connection.execute(text("SELECT max(received_at) FROM records_rest")).scalar_one()
    assert make_partitions(ledger.store, now, months=2) == 1
    with ledger.store.reading() as connection:
        assert held(connection) == 3
    ledger.close()


def _partitions(store: Store) -> set[str]:
    with store.reading() as connection:
        query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'records'::regclass"
        return set(connection.scalars(text(query)))


HOLD = "(id, tenant, placed_by, reason, placed_at) VALUES ('hold-1', 'acme', 'somebody', 'a case', 1)"
RIGHTS = {
    "writer-appends": ("writer", "INSERT INTO pending VALUES (1)", True),
    "writer-moves-a-chain": ("writer", "UPDATE chains SET received_at = 1", True),
    "writer-makes-partitions": ("writer", f"SELECT agentgate_make_partitions({SEPTEMBER}, 4)", True),
    "writer-changes-a-record": ("writer", "UPDATE records SET body = ''", False),
    "writer-deletes-a-record": ("writer", "DELETE FROM records", False),
    "writer-changes-a-partition": ("writer", "UPDATE records_2026_09 SET body = ''", False),
    "writer-truncates": ("writer", "TRUNCATE records", False),
    "writer-drops-the-trigger": ("writer", "DROP TRIGGER never_changed ON records", False),
    "writer-switches-triggers-off": ("writer", "SET session_replication_role = replica", False),
    "writer-erases": ("writer", "DELETE FROM data_keys", False),
    "writer-moves-the-tree": ("writer", "UPDATE tree SET size = 0", False),
    "writer-deletes-an-incident": ("writer", "DELETE FROM incidents", False),
    "reader-reads": ("reader", "SELECT * FROM records, chains, heads, incidents", True),
    "reader-appends": ("reader", "INSERT INTO pending VALUES (2)", False),
    "reader-erases": ("reader", "DELETE FROM data_keys", False),
    "sequencer-moves-the-tree": ("sequencer", "INSERT INTO tree VALUES (1, 0, '', 0)", True),
    "sequencer-takes-a-batch": ("sequencer", "DELETE FROM pending", True),
    "sequencer-appends": ("sequencer", "INSERT INTO batches VALUES (1, 1, 1, 1, 1, 1, 1)", False),
    "sequencer-moves-a-chain": ("sequencer", "UPDATE chains SET seq = 0", False),
    "eraser-erases": ("eraser", "DELETE FROM data_keys", True),
    "eraser-deletes-a-record": ("eraser", "DELETE FROM records", False),
    "eraser-appends": ("eraser", "INSERT INTO pending VALUES (3)", False),
    "eraser-places-a-hold": ("eraser", f"INSERT INTO holds {HOLD}", True),
    "eraser-releases-a-hold": ("eraser", "UPDATE holds SET released_at = 1", True),
    "eraser-forgets-a-hold": ("eraser", "DELETE FROM holds", False),
    "eraser-forgets-an-erasure": ("eraser", "DELETE FROM erasures", False),
    "eraser-lets-a-key-in-again": ("eraser", "DELETE FROM erased_keys", False),
    "writer-notes-what-was-sealed": ("writer", "UPDATE sealings SET records = 2", True),
    "writer-forgets-what-was-sealed": ("writer", "DELETE FROM sealings", False),
    "writer-places-a-hold": ("writer", f"INSERT INTO holds {HOLD}", False),
    "writer-releases-a-hold": ("writer", "UPDATE holds SET released_at = 1", False),
    "writer-shuts-a-key-out": ("writer", "INSERT INTO erased_keys VALUES ('acme', '', 1)", False),
    "writer-states-an-abandonment": ("writer", f"INSERT INTO abandonments {ABANDONMENT}", True),
    "writer-takes-an-abandonment-back": ("writer", "DELETE FROM abandonments", False),
    "reader-states-an-abandonment": ("reader", f"INSERT INTO abandonments {ABANDONMENT}", False),
    "writer-notes-a-pack": ("writer", "INSERT INTO pack_units VALUES (1, 'unit')", True),
}


@pytest.mark.parametrize(("role", "deed", "allowed"), [pytest.param(*row, id=name) for name, row in RIGHTS.items()])
def test_what_a_role_may_do(on_postgresql: Ledger, role: str, deed: str, allowed: bool) -> None:  # noqa: FBT001
    with on_postgresql.store.engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text(f"SET LOCAL ROLE agentgate_{role}"))
        if allowed:
            connection.execute(text(deed))
        else:
            with pytest.raises(DatabaseError, match=r"permission denied|must be owner"):
                connection.execute(text(deed))
        transaction.rollback()


def test_a_ledger_runs_as_a_writer(server: Postgres, on_postgresql: Ledger) -> None:
    url = on_postgresql.store.engine.url
    _login(server, "central", "agentgate_writer")
    as_writer = Ledger.open(server.url(str(url.database), "central"))
    gate = Gate().start().calls("a").head()
    assert as_writer.append(gate.batch(), gate.registered).new_records == 3
    as_writer.close()


def test_a_migration_that_may_not_make_roles_says_what_is_to_be_run(server: Postgres) -> None:
    url = server.new_database()
    database = url.rpartition("/")[2]
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute(b"DROP ROLE IF EXISTS plain")
        admin.execute(b"CREATE ROLE plain LOGIN")
        admin.execute(f"ALTER DATABASE {database} OWNER TO plain".encode())
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = 'agentgate_eraser'").fetchone():
            admin.execute(b"CREATE ROLE agentgate_eraser NOLOGIN")
        admin.execute(b"ALTER ROLE agentgate_eraser RENAME TO elsewhere")
    store = open_store(server.url(database, "plain"))
    try:
        with pytest.raises(ValueError, match="CREATE ROLE agentgate_eraser NOLOGIN;"):
            migrate(store)
    finally:
        store.close()
        with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
            admin.execute(b"ALTER ROLE elsewhere RENAME TO agentgate_eraser")
            admin.execute(f"DROP DATABASE {database}".encode())
            admin.execute(b"DROP ROLE plain")


def _login(server: Postgres, name: str, group: str) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
            admin.execute(f"CREATE ROLE {name} LOGIN IN ROLE {group}".encode())
