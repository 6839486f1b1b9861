"""The schema goes there and back, and a version that does not know it starts no ledger."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from central.ledger.ledger import Ledger
from central.store.engine import Store, StoreProblem, open_store
from central.store.schema import SchemaProblem, downgrade, known_revision, known_revisions, migrate
from central.store.tables import metadata

NEWEST = known_revision()


def test_the_migrations_make_what_the_tables_say(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _no_partition})
        assert compare_metadata(context, metadata) == []


def _no_partition(_object: object, name: str | None, *_rest: object) -> bool:
    return not (name or "").startswith("records_")


def test_down_leaves_nothing_and_up_again_everything(store: Store) -> None:
    with store.engine.connect() as connection:
        before = sorted(inspect(connection).get_table_names())
    assert downgrade(store, "base") is None
    with store.engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    assert migrate(store) == NEWEST
    with store.engine.connect() as connection:
        assert sorted(inspect(connection).get_table_names()) == before


def test_each_step_goes_back_alone(empty: str) -> None:
    store, revisions = open_store(empty), known_revisions()
    assert revisions[-1] == NEWEST
    for revision in revisions:
        assert migrate(store, revision) == revision
    for revision in reversed(revisions[:-1]):
        assert downgrade(store, revision) == revision
    store.close()


def test_several_replicas_migrate_at_once(empty: str) -> None:
    stores = [open_store(empty) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(migrate, stores)) == {NEWEST}
    for store in stores:
        store.close()


def test_an_older_schema_is_refused(empty: str) -> None:
    store = open_store(empty)
    migrate(store, "0001")
    store.close()
    with pytest.raises(SchemaProblem, match=rf"schema 0001, this version needs {NEWEST}: agentgate central migrate"):
        Ledger.open(empty)


def test_an_empty_database_is_refused(empty: str) -> None:
    with pytest.raises(SchemaProblem, match=r"no schema yet.*agentgate central migrate"):
        Ledger.open(empty)


def test_a_newer_schema_is_refused(database: str) -> None:
    store = open_store(database)
    with store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for start in (lambda: Ledger.open(database), lambda: migrate(store)):
        with pytest.raises(SchemaProblem, match=rf"schema 9999.*the newest that it knows is {NEWEST}"):
            start()
    store.close()


@pytest.mark.parametrize(
    ("url", "text"),
    [
        pytest.param("ledger.db", "sqlite:///PATH or postgresql://", id="no-url"),
        pytest.param("mysql://db.example/x", "no database of the kind 'mysql'", id="another-kind"),
        pytest.param("sqlite://", "keeps nothing", id="in-memory"),
        pytest.param("postgresql://127.0.0.1:1/x?colour=red", "libpq refuses: .*colour", id="unknown-option"),
        pytest.param("postgresql://127.0.0.1:1/x?connect_timeout=z", "libpq refuses: .*'z'", id="no-number"),
    ],
)
def test_a_url_that_names_no_ledger(url: str, text: str) -> None:
    with pytest.raises(StoreProblem, match=text):
        open_store(url)
