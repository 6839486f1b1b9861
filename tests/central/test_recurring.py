"""What central does from time to time: at its start, again, after a failure; and the months that it makes ahead."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from central.recurring import Recurring
from central.store.engine import LedgerUnavailable, open_store
from tests.peers.central import central
from tests.peers.postgres import Postgres


def _months(count: int) -> set[str]:
    now = datetime.fromtimestamp(time.time(), UTC)
    numbers = [now.year * 12 + now.month - 1 + ahead for ahead in range(count)]
    return {f"records_{number // 12}_{number % 12 + 1:02}" for number in numbers}


def _partitions(url: str) -> set[str]:
    store = open_store(url)
    try:
        with store.reading() as connection:
            query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'records'::regclass"
            return set(connection.scalars(text(query)))
    finally:
        store.close()


def test_the_months_are_there_before_the_first_record_comes(server: Postgres, template: str, tmp_path: Path) -> None:
    url, place = server.new_database(template), central(tmp_path / "central")
    assert _partitions(url) == {"records_rest"}
    with place.started(["--database", url]):
        assert _partitions(url) == {"records_rest", *_months(3)}


async def _until(work: Callable[[], object], done: asyncio.Event, said: list[str]) -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(Recurring("no luck", work, every_seconds=0.0, say=said.append).run())
        await done.wait()
        task.cancel()


async def test_what_fails_is_told_once_and_tried_again() -> None:
    done, said, loop, calls = asyncio.Event(), list[str](), asyncio.get_running_loop(), list[int]()

    def work() -> None:
        calls.append(1)
        if len(calls) in (1, 2, 4):
            raise LedgerUnavailable("the database is away")
        if len(calls) == 6:
            loop.call_soon_threadsafe(done.set)

    await _until(work, done, said)
    assert said == ["no luck: the database is away"] * 2
