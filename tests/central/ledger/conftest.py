"""A ledger for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from central.ledger.ledger import Ledger
from central.store.engine import open_store
from central.store.schema import migrate


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The URL of an empty database with the newest schema."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    store = open_store(url)
    migrate(store)
    store.close()
    return url


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """A ledger with nothing in it."""
    opened = Ledger.open(database)
    yield opened
    opened.close()
