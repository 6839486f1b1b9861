"""Evidence of real sidecars in a real central: what has a receipt is there, once, and in the log."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from central.ledger.ledger import Ledger
from central.store import tables
from tests.peers.central import Central, central
from tests.peers.raw import document, modern_headers, send
from tests.peers.servers import HttpServer
from tests.peers.sidecar import Sidecar, sidecar

pytestmark = pytest.mark.xdist_group("everything_json")

SECONDS = 15.0


def until(what: Callable[[], bool]) -> None:
    """Wait until something is so, at most SECONDS."""
    ends = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < ends, "it did not come to be in time"
        time.sleep(0.05)


def call(one: Sidecar, number: int = 1) -> dict[str, Any]:
    params = {"name": "echo", "arguments": {"message": f"call {number}"}}
    body = document("tools/call", params, id=number)
    answer = send(one.url("tools"), "POST", body, modern_headers("tools/call", "echo"))
    return answer.message()


def code_of(message: dict[str, Any]) -> str | None:
    decision = message.get("result", {}).get("_meta", {}).get("agentgate/decision", {})
    found = decision.get("code") or message.get("error", {}).get("data", {}).get("code")
    return None if found is None else str(found)


def written(one: Sidecar) -> dict[str, int]:
    """Records of each chain of a sidecar, by the name of its folder."""
    return {
        chain.name: sum((b"\n" + part.read_bytes()).count(b"\nrecord\t") for part in chain.glob("records-*"))
        for chain in one.folders.evidence.glob("chain-*")
    }


def held(place: Central) -> int:
    """Records in the ledger."""
    ledger = Ledger.open(place.database)
    try:
        with ledger.store.reading() as connection:
            return connection.execute(select(func.count()).select_from(tables.records)).scalar_one()
    finally:
        ledger.close()


def notes(one: Sidecar) -> list[str]:
    return list(json.loads(one.admin("/readyz")[1]).get("notes", []))


@pytest.fixture
def place(tmp_path: Path) -> Central:
    made = central(tmp_path / "central")
    made.register(tmp_path / "one" / "state", tmp_path / "two" / "state")
    for name in ("one", "two"):
        (tmp_path / name).mkdir(exist_ok=True)
    return made


def test_a_call_waits_until_central_holds_its_intent(
    place: Central, tmp_path: Path, everything_json: HttpServer
) -> None:
    more = [*place.flags(), "--durability", "acknowledged"]
    with place.started(), sidecar(tmp_path / "one", {"tools": everything_json}, more=more) as one:
        assert "call 1" in json.dumps(call(one)["result"])
        assert held(place) >= 2
        until(lambda: place.log_size() >= 2)
        one.program.terminate()
        total = sum(written(one).values())
        until(lambda: held(place) == place.log_size() == total)
        assert one.folders.verify()["ok"]
    assert any(one.folders.evidence.glob("chain-*/receipts.tsv"))


def test_without_central_only_calls_that_need_it_are_refused(
    place: Central, tmp_path: Path, everything_json: HttpServer
) -> None:
    config = tmp_path / "one" / "agentgate.toml"
    config.write_text("[central]\nacknowledge_seconds = 1.0\n")
    strict = [*place.flags(), "-c", str(config), "--durability", "acknowledged"]
    before = len(everything_json.received())
    with sidecar(tmp_path / "one", {"tools": everything_json}, more=strict) as one:
        assert code_of(call(one)) == "not_acknowledged"
        assert len(everything_json.received()) == before
        until(lambda: any("cannot be reached" in note for note in notes(one)))
        with sidecar(tmp_path / "two", {"tools": everything_json}, more=place.flags()) as two:
            assert "result" in call(two)
            with place.started():
                until(lambda: code_of(call(one)) is None)
                until(lambda: held(place) >= sum(written(one).values()) + sum(written(two).values()) - 4)
                until(lambda: not notes(one) and not notes(two))
        assert one.folders.verify()["ok"]


def test_nothing_is_lost_or_doubled_by_ends_of_both(
    place: Central, tmp_path: Path, everything_json: HttpServer
) -> None:
    made = 0
    for life in range(3):
        with sidecar(tmp_path / "one", {"tools": everything_json}, more=place.flags()) as one:
            with place.started() as program:
                for _ in range(5):
                    made += 1
                    assert "result" in call(one, made)
                program.kill()
            for _ in range(5):
                made += 1
                assert "result" in call(one, made)
            if life < 2:
                one.program.kill()
    with place.started(), sidecar(tmp_path / "one", {"tools": everything_json}, more=place.flags()) as one:
        one.program.terminate()
        until(lambda: held(place) == sum(written(one).values()) == place.log_size())
        found = one.folders.verify()
    assert (found["ok"], found["intents"]) == (True, made)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda place, _: place.register(), "registered", id="nobody-registered-it"),
        pytest.param(lambda place, state: place.register(state, tenant="other"), "another tenant", id="other-tenant"),
    ],
)
def test_who_is_not_known_is_told(
    place: Central, tmp_path: Path, everything_json: HttpServer, spoil: Callable[[Central, Path], None], said: str
) -> None:
    spoil(place, tmp_path / "one" / "state")
    with place.started(), sidecar(tmp_path / "one", {"tools": everything_json}, more=place.flags()) as one:
        assert "result" in call(one)
        until(lambda: any(said in note for note in notes(one)))
        assert held(place) == 0


def test_a_receipt_by_another_key_ends_no_wait(place: Central, tmp_path: Path, everything_json: HttpServer) -> None:
    other = central(tmp_path / "other")
    config = tmp_path / "one" / "agentgate.toml"
    config.write_text("[central]\nacknowledge_seconds = 1.0\n")
    more = ["--central", place.url, "--central-key", other.key("receipts"), "-c", str(config)]
    with (
        place.started(),
        sidecar(tmp_path / "one", {"tools": everything_json}, more=[*more, "--durability", "acknowledged"]) as one,
    ):
        assert code_of(call(one)) == "not_acknowledged"
        until(lambda: any("receipt does not count" in note for note in notes(one)))
