"""What central erases goes in the spools of its sidecars as well: in the chain that is written, and in those left."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from central.erasure.deeds import Deeds
from central.ledger.ledger import Ledger
from central.ledger.reading import Reading
from evidence.erased import Erased
from evidence.key_lines import ids_in
from evidence.keys import tenant_private
from evidence.receipt import read_receipt_key
from evidence.shipping import Origin
from evidence.signing import BadSignature
from evidence.tailing import FolderTail
from evidence.unsealing import Unsealer
from evidence.verify import verify_paths
from evidence.witnessing import Ledger as Believing
from proxy import uplink as uplinks
from proxy.erasures import believed
from proxy.uplink import Uplink
from tests.central.erasure.office import everything, unit_of
from tests.central.ledger.gate import Gate
from tests.central.shipping import posted, registered, token
from tests.central.spools import named_desk, uplink_of
from tests.evidence.desk import Desk, one_call
from tests.peers.central import Central, central
from tests.peers.raw import send


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds are too long for a test."""
    for name in ("_LOOK_SECONDS", "_FORGET_SECONDS", "PAUSE_SECONDS"):
        monkeypatch.setattr(uplinks, name, 0.05)


@pytest.fixture
def place(tmp_path: Path) -> Central:
    return central(tmp_path / "central")


def _erase(place: Central, unit: str, tenant: str = "acme") -> int:
    ledger = Ledger.open(place.database)
    try:
        outcome = Deeds(ledger, place.folder).erase(tenant, [unit], everything)
        return sum(len(one.keys) for one in outcome.erased)
    finally:
        ledger.close()


def _unit(desk: Desk) -> str:
    """The unit of the only session that these calls have."""
    (path,) = desk.evidence.glob("chain-*/keys.jsonl")
    (unit,) = {json.loads(line)["unit"] for line in path.read_bytes().splitlines()}
    return str(unit)


async def _while_it_ships(uplink: Uplink, ended: Callable[[], bool]) -> None:
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        shipping = tasks.create_task(uplink.run())
        while not ended():  # noqa: ASYNC110  (threads and another process do it)
            await asyncio.sleep(0.02)
        shipping.cancel()


def _keys(desk: Desk) -> list[str]:
    return [key for chain in sorted(desk.evidence.glob("chain-*")) for key in ids_in(chain)]


def _opened(desk: Desk) -> int:
    """How many records have text that the tenant's private key still opens."""
    opener = Unsealer(tenant_private(desk.root / "state" / "keys" / "tenant-acme.key"))
    return sum(bool(opener.open(each)) for each in FolderTail(desk.evidence).more())


def _notices(desk: Desk) -> list[Mapping[str, Any]]:
    bodies = [each.record.body for each in FolderTail(desk.evidence).more()]
    return [body for body in bodies if body.get("event") == "keys_erased"]


async def test_a_chain_that_is_written_loses_its_keys_and_goes_on(tmp_path: Path, place: Central) -> None:
    desk = named_desk(tmp_path)
    place.register(tmp_path / "state", tenant="acme")
    with place.started():
        async with desk.journal() as journal:
            uplink = uplink_of(desk, place)
            uplink.carry(journal)
            await one_call(journal, "before")
            (first,) = _keys(desk)
            await _while_it_ships(uplink, lambda: journal.seq > 0 and uplink.waiting() == 0)
            assert _erase(place, _unit(desk)) == 1

            def gone() -> bool:
                desk.clock.move(31)  # a heartbeat, with which central tells that something was erased
                return first not in _keys(desk)

            await _while_it_ships(uplink, gone)
            await one_call(journal, "after")
            (second,) = _keys(desk)
    assert second != first
    assert [body["keys"] for body in _notices(desk)] == [[first]]
    report = verify_paths([desk.evidence])
    assert report.ok, report.error
    assert report.total("erased_keys") == 1
    assert _opened(desk) == 2


async def test_a_chain_that_nobody_writes_to_loses_them_too(tmp_path: Path, place: Central) -> None:
    desk = named_desk(tmp_path)
    place.register(tmp_path / "state", tenant="acme")
    async with desk.journal() as journal:
        await one_call(journal, "before")
    with place.started():
        uplink = uplink_of(desk, place)
        await uplink.finish(0.0)
        await _while_it_ships(uplink, lambda: _held(place) > 0)
        assert _erase(place, _unit(desk)) == 1
        assert _opened(desk) == 2
        await _while_it_ships(uplink_of(desk, place), lambda: _keys(desk) == [])
    assert _opened(desk) == 0
    assert verify_paths([desk.evidence]).ok


def _held(place: Central) -> int:
    ledger = Ledger.open(place.database)
    try:
        return sum(one.seq for one in Reading(ledger.store, "acme").chains()[0])
    finally:
        ledger.close()


QUESTIONS = {
    "no-json": (b"x", 400),
    "no-list": (b'{"keys":"x"}', 400),
    "no-keys": (b"{}", 400),
    "no-ids": (b'{"keys":["x"]}', 400),
    "too-many": (json.dumps({"keys": ["ab" * 32] * 1001}).encode(), 400),
    "none": (b'{"keys":[]}', 200),
}


@pytest.mark.parametrize(("body", "status"), [pytest.param(*row, id=name) for name, row in QUESTIONS.items()])
def test_what_may_be_asked(asking: tuple[Central, Gate, Gate], body: bytes, status: int) -> None:
    place, mine, _ = asking
    assert _asked(place, mine, body)[0] == status


def test_each_hears_of_its_own_tenant_alone(asking: tuple[Central, Gate, Gate]) -> None:
    place, mine, other = asking
    keys = sorted(json.loads(line)["id"] for gate in (mine, other) for _, line in gate.keys)
    assert _erase(place, unit_of("session-1"), mine.tenant) + _erase(place, "unit-session-2", other.tenant) == 2
    told = [_asked(place, gate, json.dumps({"keys": keys}).encode())[1] for gate in (mine, other)]
    assert [(one.sidecar, one.keys) for one in told if one is not None] == [
        (gate.name, tuple(json.loads(line)["id"] for _, line in gate.keys)) for gate in (mine, other)
    ]


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Central, Gate, Gate]]:
    """A central that has a chain of each of two tenants, with one data key each."""
    made = central(tmp_path_factory.mktemp("asking") / "central")
    mine, other = Gate().start().calls("a"), Gate("gate-2", "umbrella", unit="session-2").start().calls("a")
    registered(made, [mine, other])
    with made.started():
        for gate in (mine, other):
            assert posted(made, gate, gate.part(0)).status == 200
        yield made, mine, other


def _asked(place: Central, gate: Gate, body: bytes) -> tuple[int, Erased | None]:
    path = "/v1/evidence/erased"
    answer = send(place.url + path, "POST", body, {"Authorization": token(place, gate, "POST", path, body)})
    if answer.status != 200:
        return answer.status, None
    ledger = Believing.known(read_receipt_key(place.key("receipts")))
    return 200, ledger.open_erased(json.loads(answer.body)["note"])


SAID = Erased("gate", "acme", "2026-09-21T14:14:00.000000+00:00", ("ab" * 32,))
ORIGIN = Origin("gate", "acme", "0" * 64)
UNBELIEVED = {
    "to-another-sidecar": (Origin("door", "acme", "0" * 64), ["ab" * 32]),
    "of-another-tenant": (Origin("gate", "umbrella", "0" * 64), ["ab" * 32]),
    "of-a-key-that-was-not-asked-about": (ORIGIN, ["cd" * 32]),
}


@pytest.mark.parametrize(("origin", "asked"), [pytest.param(*row, id=name) for name, row in UNBELIEVED.items()])
def test_what_is_not_believed(origin: Origin, asked: list[str]) -> None:
    assert believed(SAID, ORIGIN, ["ab" * 32, "cd" * 32]) == {"ab" * 32}
    with pytest.raises(BadSignature):
        believed(SAID, origin, asked)
