"""A ledger for each test, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from central.ledger.ledger import Ledger
from central.store.engine import Store, open_store
from central.store.schema import migrate
from tests.peers.postgres import Postgres, postgres


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """One PostgreSQL for all tests of a worker; each test has a database of its own."""
    with postgres() as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    server: Postgres = request.getfixturevalue("server")
    return server.new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with the newest schema."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'ledger.db'}"
        _migrate(url)
        return url
    server: Postgres = request.getfixturevalue("server")
    return server.new_database(request.getfixturevalue("template"))


@pytest.fixture(scope="session")
def template(server: Postgres) -> str:
    """The name of a database with the newest schema: a copy is made faster than a migration."""
    url = server.new_database()
    _migrate(url)
    return url.rpartition("/")[2]


def _migrate(url: str) -> None:
    store = open_store(url)
    migrate(store)
    store.close()


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """A database with the newest schema."""
    opened = open_store(database)
    yield opened
    opened.close()


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """A ledger with nothing in it."""
    opened = Ledger.open(database)
    yield opened
    opened.close()
