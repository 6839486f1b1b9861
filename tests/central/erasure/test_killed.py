"""A purge that was killed goes on where it was: nothing is erased without a tombstone, and no tombstone is untrue."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from central.store import tables
from evidence.record import Kind, read_header
from evidence.verify import verify_paths
from tests.central.erasure.office import Office
from tests.peers.places import ROOT

UNITS = 60
"""More than go into one transaction."""

PLACES = {
    "before-anything": "look:1",
    "as-its-first-life-begins": "look:2",
    "among-its-tombstones": "look:30",
    "before-the-first-is-stored": "look:55",
    "when-all-but-the-commit-is-done": "commit:1",
    "after-the-first-commit": "copy:1",
    "among-those-of-the-second": "look:60",
    "before-the-second-commit": "commit:2",
    "after-the-second-commit": "copy:2",
}


@pytest.mark.parametrize("where", [pytest.param(place, id=name) for name, place in PLACES.items()])
def test_a_purge_that_was_killed_goes_on_where_it_was(place: Office, database: str, tmp_path: Path, where: str) -> None:
    for number in range(UNITS):
        place.said("text", f"s{number}")
    before = {bytes(row["id"]).hex() for row in place.rows(tables.data_keys)}
    assert _purged(database, tmp_path / "state", where) == -signal.SIGKILL
    _agree(place, before)
    assert _purged(database, tmp_path / "state", "never") == 0
    assert len(_agree(place, before)) == len(before) == UNITS
    report = verify_paths([tmp_path / "state" / "evidence"])
    assert report.ok
    assert report.as_json()["records"] == _own_records(place)


def _purged(database: str, state: Path, where: str) -> int:
    command = [sys.executable, "-m", "tests.central.erasure.dying", database, str(state), where]
    return subprocess.run(command, cwd=ROOT, check=False, timeout=120).returncode


def _agree(place: Office, before: set[str]) -> list[str]:
    """The keys that tombstones name: each once, and exactly those that are not there any more."""
    named = [key for body in _tombstones(place) for key in body["keys"]]
    there = {bytes(row["id"]).hex() for row in place.rows(tables.data_keys)}
    shut = {bytes(row["id"]).hex() for row in place.rows(tables.erased_keys)}
    assert len(named) == len(set(named))
    assert set(named) == before - there == shut
    return named


def _tombstones(place: Office) -> list[dict[str, list[str]]]:
    with place.ledger.store.reading() as connection:
        rows = connection.execute(select(tables.records.c.header, tables.records.c.body)).all()
    return [json.loads(bytes(row.body)) for row in rows if read_header(bytes(row.header)).kind is Kind.TOMBSTONE]


def _own_records(place: Office) -> int:
    own = [row["seq"] for row in place.rows(tables.chains) if row["sidecar"].startswith("central-")]
    return sum(own)
