"""What a sidecar gives up of its spool, before a real central: what the log has for good, and is old enough, only."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from evidence.journal import Limits
from evidence.layout import segment_numbers
from evidence.receipt import read_receipt_key
from evidence.trimming import trim
from evidence.verify import verify_paths
from proxy import uplink as uplinks
from proxy.uplink import Uplink
from tests.central.spools import known_desk, uplink_of
from tests.central.test_witnessed import witnessed_by
from tests.evidence.desk import Desk, one_call
from tests.peers.central import Central, central
from tests.peers.processes import free_port

SMALL: Final = Limits(
    min_free_bytes=0, reserve_bytes=256 * 1024, segment_bytes=4_000, head_seconds=0.05, heartbeat_seconds=0.2
)
CALLS: Final = 12


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute is too long for a test."""
    for name in ("_LOOK_SECONDS", "_TRIM_SECONDS", "PAUSE_SECONDS"):
        monkeypatch.setattr(uplinks, name, 0.05)


def _verified(desk: Desk, place: Central) -> None:
    """Without its first segments, by the receipts for them."""
    report = verify_paths([desk.evidence], verifiers=[read_receipt_key(place.key("receipts"))])
    assert report.ok, report.error


def _segments(desk: Desk) -> list[int]:
    (chain,) = desk.evidence.glob("chain-*")
    return segment_numbers(os.listdir(chain))


async def _while_it_ships(uplink: Uplink, ended: Callable[[], bool]) -> None:
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        shipping = tasks.create_task(uplink.run())
        while not ended():  # noqa: ASYNC110  (threads and another process do it)
            await asyncio.sleep(0.02)
        shipping.cancel()


async def test_a_finished_chain_keeps_its_last_segment_alone(tmp_path: Path) -> None:
    place = central(tmp_path / "central")
    desk = known_desk(tmp_path, place)
    async with desk.journal(SMALL) as journal:
        for number in range(CALLS):
            await one_call(journal, f"call-{number}")
    before = _segments(desk)
    assert len(before) > 3
    with place.started():
        await _while_it_ships(uplink_of(desk, place, keep_seconds=0.0), lambda: len(_segments(desk)) == 1)
    assert _segments(desk) == before[-1:]
    _verified(desk, place)
    async with desk.journal(SMALL) as journal:
        await one_call(journal, "later")
    _verified(desk, place)


async def test_a_chain_that_is_written_gives_up_what_the_log_has(tmp_path: Path) -> None:
    place = central(tmp_path / "central")
    desk = known_desk(tmp_path, place)
    with place.started():
        async with desk.journal(SMALL) as journal:
            uplink = uplink_of(desk, place, keep_seconds=0.0)
            uplink.carry(journal)
            for number in range(CALLS):
                await one_call(journal, f"call-{number}")

            def ended() -> bool:
                # With each heartbeat central says anew what the log has.
                desk.clock.move(SMALL.heartbeat_seconds)
                return len(_segments(desk)) == 1

            await _while_it_ships(uplink, ended)
            await one_call(journal, "later")
    _verified(desk, place)


async def _kept(uplink: Uplink, place: Central, desk: Desk) -> None:
    """All has arrived, it was looked at again and again, and nothing is gone."""
    looks = [0]

    def counting(chain: Path, included: int, keep_seconds: float) -> list[str]:
        looks[0] += 1
        return trim(chain, included, keep_seconds)

    before = _segments(desk)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uplinks, "trim", counting)
        await _while_it_ships(uplink, lambda: looks[0] >= 3)
    assert _segments(desk) == before


async def _written(tmp_path: Path, place: Central) -> Desk:
    desk = known_desk(tmp_path, place)
    async with desk.journal(SMALL) as journal:
        for number in range(CALLS):
            await one_call(journal, f"call-{number}")
    return desk


async def test_what_is_too_young_stays(tmp_path: Path) -> None:
    place = central(tmp_path / "central")
    desk = await _written(tmp_path, place)
    with place.started():
        await _kept(uplink_of(desk, place), place, desk)


async def test_without_the_witness_that_is_needed_nothing_goes(tmp_path: Path) -> None:
    place = central(tmp_path / "central")
    desk = await _written(tmp_path, place)
    config = witnessed_by(place, f"http://127.0.0.1:{free_port()}")
    with place.running(["-c", str(config)]):
        await _kept(uplink_of(desk, place, keep_seconds=0.0), place, desk)
