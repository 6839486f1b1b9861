"""An office for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from central.ledger.ledger import Ledger
from tests.central.erasure.office import Office, Watch, office


@pytest.fixture
def place(database: str, tmp_path: Path) -> Iterator[Office]:
    """One with nobody in it, on SQLite and on PostgreSQL."""
    watch = Watch()
    ledger = Ledger.open(database, clock=watch)
    yield office(ledger, watch, tmp_path / "state")
    ledger.close()
