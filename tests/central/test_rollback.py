"""A central that was brought back from an older copy: it is noticed, told, and given what it lost."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.central.test_main_line import call, code_of, held, notes, until, written
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


def test_a_sidecar_from_an_older_copy(tmp_path: Path, everything_json: HttpServer) -> None:
    """Central holds another future of its chain: no receipt for that one lets a call of this one go on."""
    place, home = central(tmp_path / "central"), tmp_path / "one"
    home.mkdir()
    place.register(home / "state")
    config = home / "agentgate.toml"
    config.write_text("[central]\nacknowledge_seconds = 8.0\n")
    more = [*place.flags(), "-c", str(config), "--durability", "acknowledged"]
    with place.started():
        with sidecar(home, {"tools": everything_json}, more=more) as one:
            assert code_of(call(one)) is None
        shutil.copytree(home / "evidence", tmp_path / "copy")
        with sidecar(home, {"tools": everything_json}, more=more) as one:
            for number in range(5):
                assert code_of(call(one, number)) is None
        before = held(place)
    shutil.rmtree(home / "evidence")
    shutil.copytree(tmp_path / "copy", home / "evidence")
    there = len(everything_json.received())
    with sidecar(home, {"tools": everything_json}, more=more) as one, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(call, one, 99)
        with place.started():
            until(lambda: any("the ledger holds another record" in note for note in notes(one)))
            assert code_of(waiting.result()) == "not_acknowledged"
            assert held(place) == before
    assert len(everything_json.received()) == there
    assert one.folders.verify()["ok"]


def place_size(folder: Path) -> int:
    return int((folder / "log" / "checkpoint").read_bytes().split(b"\n")[1])
