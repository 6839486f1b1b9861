"""Chains that no process writes to any more, before a real central: one that cannot be shipped holds up no other."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from evidence.journal import Journal, Limits
from evidence.layout import KEYS_NAME, RECEIPTS_NAME
from evidence.shipping import ChainReader, Outgoing
from proxy import uplink as uplinks
from proxy.central_client import CentralClient, NotDelivered
from proxy.uplink import Uplink
from tests.central.spools import known_desk, uplink_of
from tests.evidence.desk import Desk, one_call
from tests.peers.central import central

SMALL: Final = Limits(min_free_bytes=0, reserve_bytes=4096, head_seconds=0.05, heartbeat_seconds=0.2)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute is too long for a test."""
    for name in ("_LOOK_SECONDS", "_TRIM_SECONDS", "PAUSE_SECONDS"):
        monkeypatch.setattr(uplinks, name, 0.05)


@asynccontextmanager
async def _left(desk: Desk) -> AsyncIterator[tuple[Journal, Path, Path]]:
    """A journal that is written to, and two chains that were left behind, in the order in which they are shipped."""
    journals = [await desk.open(SMALL) for _ in range(3)]
    for number, journal in enumerate(journals):
        await one_call(journal, f"call-{number}")
    live, *others = journals
    for journal in others:
        await journal.close("test")
    first, second = sorted(journal.chain for journal in others)
    yield live, first, second
    await live.close("test")


def _arrived(chain: Path) -> bool:
    return (chain / RECEIPTS_NAME).exists()


@asynccontextmanager
async def _shipping(uplink: Uplink) -> AsyncIterator[None]:
    """It ships until the block ends; where it ends before, it ends the block."""
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(uplink.run())
        yield
        running.cancel()


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  (threads and another process do it)
            await asyncio.sleep(0.02)


def _spoil(chain: Path, _patch: pytest.MonkeyPatch) -> None:
    keys = chain / KEYS_NAME
    keys.write_bytes(b"garbage\n" + keys.read_bytes())


def _fail(chain: Path, patch: pytest.MonkeyPatch) -> None:
    """Its reading fails as nobody foresaw."""
    more = ChainReader.more

    def failing(reader: ChainReader) -> Outgoing | None:
        if reader._chain == chain:  # noqa: SLF001
            raise LookupError
        return more(reader)

    patch.setattr(ChainReader, "more", failing)


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        pytest.param(_spoil, "keys.jsonl, at byte 0: ", id="a-key-that-cannot-be-read"),
        pytest.param(_fail, "unforeseen LookupError", id="what-nobody-foresaw"),
    ],
)
async def test_a_chain_that_cannot_be_shipped_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[Path, pytest.MonkeyPatch], None], why: str
) -> None:
    place = central(tmp_path / "central")
    desk = known_desk(tmp_path, place)
    uplink = uplink_of(desk, place)
    async with _left(desk) as (live, bad, behind):
        harm(bad, monkeypatch)
        uplink.carry(live)
        with place.started():
            async with _shipping(uplink):
                await _until(lambda: _arrived(behind) and _arrived(live.chain))
                await one_call(live, "later")
                await live.flush()
                await _until(lambda: not uplink.waiting())
                await _until(lambda: uplink.problem() is not None)
                problem = str(uplink.problem())
                assert problem.startswith(f"central {place.url}: ")
                assert problem.count(bad.name) == 1
                assert why in problem
                shutil.rmtree(bad)
                await _until(lambda: uplink.problem() is None)


async def test_a_live_chain_that_cannot_be_shipped_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = central(tmp_path / "central")
    desk = known_desk(tmp_path, place)
    uplink = uplink_of(desk, place)
    async with _left(desk) as (live, first, second):
        _fail(live.chain, monkeypatch)
        uplink.carry(live)
        with place.started():
            async with _shipping(uplink):
                await _until(lambda: _arrived(first) and _arrived(second))
                await _until(lambda: "unforeseen LookupError" in (uplink.problem() or ""))


async def test_chains_that_are_not_for_this_sidecar_to_ship_are_no_problem(tmp_path: Path) -> None:
    """Another sidecar's, one without a record, and a copy beside its original."""
    place = central(tmp_path / "central")
    desk = known_desk(tmp_path, place)
    uplink = uplink_of(desk, place)
    other = Desk(tmp_path, sidecar="gate-2")
    async with other.journal(SMALL) as journal:
        await one_call(journal, "of-another")
    empty = desk.evidence / ("chain-" + "0" * 16)
    async with _left(desk) as (live, first, second):
        empty.mkdir()
        copy = Path(shutil.copytree(first, first.with_name(f"{first.name}.bak")))
        uplink.carry(live)
        with place.started():
            async with _shipping(uplink):
                await _until(lambda: _arrived(first) and _arrived(second) and not uplink.waiting())
                await asyncio.sleep(0.2)
                assert uplink.problem() is None
        assert not _arrived(copy)


async def test_central_cannot_say_that_its_log_has_more_than_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = central(tmp_path / "central")
    desk = known_desk(tmp_path, place)
    ask, believed = CentralClient.ask, list[int]()

    async def lying(client: CentralClient, method: str, path: str, tenant: str, body: bytes) -> Mapping[str, Any]:
        return {**await ask(client, method, path, tenant, body), "included": 1_000_000}

    def trimmed(_chain: Path, included: int, _keep_seconds: float) -> list[str]:
        believed.append(included)
        return []

    monkeypatch.setattr(CentralClient, "ask", lying)
    monkeypatch.setattr(uplinks, "trim", trimmed)
    async with _left(desk):
        with place.started():
            async with _shipping(uplink_of(desk, place)):
                await _until(lambda: len(believed) >= 2)
    assert max(believed) < 10


async def test_central_cannot_have_itself_left_alone_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = central(tmp_path / "central")
    desk = known_desk(tmp_path, place)
    uplink, slept = uplink_of(desk, place), list[float]()
    sleep = asyncio.sleep

    async def refusing(*_: object) -> Mapping[str, Any]:
        raise NotDelivered("later", 1e12)

    async def sleeping(seconds: float) -> None:
        slept.append(seconds)
        await sleep(min(seconds, 0.05))

    monkeypatch.setattr(CentralClient, "ask", refusing)
    monkeypatch.setattr(asyncio, "sleep", sleeping)
    async with _left(desk) as (live, _, _):
        uplink.carry(live)
        async with _shipping(uplink):
            await _until(lambda: uplink.problem() is not None and max(slept) > 1)
    assert max(slept) <= 300
