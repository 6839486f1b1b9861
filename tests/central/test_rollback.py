"""A central that was brought back from an older copy: it is noticed, told, and given what it lost."""

import shutil
from pathlib import Path

import pytest

from tests.central.test_main_line import call, held, until, written
from tests.peers.central import central
from tests.peers.servers import HttpServer
from tests.peers.sidecar import sidecar

pytestmark = pytest.mark.xdist_group("everything_json")


def test_a_central_from_an_older_copy(tmp_path: Path, everything_json: HttpServer) -> None:
    place, home = central(tmp_path / "central"), tmp_path / "one"
    home.mkdir()
    place.register(home / "state")
    with sidecar(home, {"tools": everything_json}, more=place.flags()) as one:
        with place.started():
            call(one)
            until(lambda: held(place) >= 3)
        shutil.copytree(place.folder, tmp_path / "copy")
        with place.started():
            for number in range(5):
                call(one, number)
            until(lambda: held(place) >= 13 and held(place) == place.log_size())
        # The ledger is the old one; the log's files are those that were published.
        shutil.copy(tmp_path / "copy" / "ledger.db", place.folder / "ledger.db")
        for more in ("ledger.db-wal", "ledger.db-shm"):
            (place.folder / more).unlink(missing_ok=True)
        before = place_size(place.folder)
        with place.started():
            call(one, 99)
            until(lambda: held(place) >= sum(written(one).values()) - 1)
            assert place.log_size() >= before
    events = [line["body"].get("event") for line in one.folders.records()]
    assert "central_behind_receipt" in events
    assert one.folders.verify()["ok"]


def place_size(folder: Path) -> int:
    return int((folder / "log" / "checkpoint").read_bytes().split(b"\n")[1])
