"""A call of a real sidecar, erased in a central that runs: unreadable there, its key in no file, the rest goes on."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from central.ledger.ledger import Ledger
from central.store import tables
from evidence.key_lines import ids_in
from evidence.verify import verify_paths
from tests.central.test_main_line import call, held, until, written
from tests.peers.central import Central, central
from tests.peers.servers import HttpServer
from tests.peers.sidecar import agentgate, sidecar

pytestmark = pytest.mark.xdist_group("everything_json")


def test_an_erasure_beside_a_running_central(tmp_path: Path, everything_json: HttpServer) -> None:
    place = central(tmp_path / "central")
    place.register(tmp_path / "one" / "state")
    (tmp_path / "one").mkdir(exist_ok=True)
    more = [*place.flags(), "--durability", "acknowledged"]
    with place.started(), sidecar(tmp_path / "one", {"tools": everything_json}, more=more) as one:
        assert "result" in call(one)
        (key,) = _keys(place)
        assert _in_a_file(place.folder, key["line"])
        done = _said(place, "erase", "--tenant", "default", "--unit", key["unit"], "--reason", "ticket 17")
        assert (done["erased"][0]["keys"], done["remains"]) == ([bytes(key["id"]).hex()], None)
        assert not _in_a_file(place.folder, key["line"])
        assert "result" in call(one, 2)
        (chain,) = one.folders.evidence.glob("chain-*")
        until(lambda: bytes(key["id"]).hex() not in ids_in(chain))
        assert "result" in call(one, 3)
        (fresh,) = _keys(place)
        assert (fresh["unit"], fresh["id"] == key["id"]) == (key["unit"], False), "the session goes on under a new key"
        until(lambda: held(place) == place.log_size() >= sum(written(one).values()) + 3)
    gone = agentgate("evidence", "erase", one.folders.evidence, "--unit", key["unit"], "--json")
    assert (gone.returncode, json.loads(gone.stdout)["keys"]) == (0, [bytes(fresh["id"]).hex()])
    with place.started(), sidecar(tmp_path / "one", {"tools": everything_json}, more=more) as one:
        assert "result" in call(one)
        assert [row["unit"] for row in _keys(place)] == [key["unit"]] * 2, "its next life has a new one"
        checked = one.folders.verify()
        assert (checked["ok"], checked["erased_keys"]) == (True, 2)
    pinned = (place.folder / "keys" / "evidence.pub").read_text().strip()
    report = verify_paths([place.folder / "evidence"])
    assert report.ok
    assert [chain["identity"] for chain in report.as_json()["chains"]] == [pinned]


def _said(place: Central, *arguments: str) -> dict[str, Any]:
    done = place.command(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _keys(place: Central) -> list[dict[str, Any]]:
    ledger = Ledger.open(place.database)
    try:
        with ledger.store.reading() as connection:
            return [dict(row) for row in connection.execute(select(tables.data_keys)).mappings()]
    finally:
        ledger.close()


def _in_a_file(folder: Path, line: bytes) -> bool:
    wrapped = json.loads(line)["wrapped"].encode()
    return any(wrapped in path.read_bytes() for path in folder.rglob("*") if path.is_file())
