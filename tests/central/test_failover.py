"""A database server that dies for good, and a standby that takes its place: what was promised is there, or missed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from central.check.checking import check_ledger
from central.check.published import Expected
from central.ledger.vocabulary import IncidentKind
from central.log.store import LogFolder
from central.registry import read_registry
from central.store import tables
from central.store.engine import open_store
from evidence.note import read_verifier_key
from tests.crash.load import Calls, call_until
from tests.crash.reckoning import opened, reckon
from tests.peers.postgres import Postgres, standby
from tests.soak import books
from tests.soak.places import NAMES, until
from tests.soak.planes import Planes, on_postgresql

pytestmark = pytest.mark.xdist_group("failover")


@contextmanager
def pair(folder: Path) -> Iterator[tuple[Planes, Postgres, Postgres]]:
    """A sidecar, its central, and two servers, the second of which streams from the first."""
    with on_postgresql(folder) as planes:
        primary = planes.server
        assert primary is not None
        with standby(primary) as second:
            name = planes.database.rpartition("/")[2]
            url = f"postgresql://postgres@127.0.0.1:{primary.port},127.0.0.1:{second.port}/{name}"
            planes.flags, planes.database = ("--database", url), url
            yield planes, primary, second


async def called(planes: Planes, prefix: str, seconds: float) -> Calls:
    gate, stop = planes.sidecar_up(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        load = tasks.create_task(call_until([gate.url(name) for name in NAMES], stop, prefix, 4))
        await asyncio.sleep(seconds)
        stop.set()
    return load.result()


async def called_until_answered(planes: Planes, prefix: str) -> Calls:
    """Central finds the other server by itself; how soon does not matter."""
    calls = Calls()
    for number in range(60):
        calls.add(await called(planes, f"{prefix}{number}", 0.5))
        if calls.answered:
            break
    return calls


def replicates(primary: Postgres, *, synchronously: bool) -> None:
    if synchronously:
        primary.set("synchronous_standby_names", "*")
    wanted = "'sync'" if synchronously else "'async'"
    query = f"SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = {wanted}"  # noqa: S608
    until(lambda: primary.ask(query) == 1, "the standby does not stream")


def incidents(url: str) -> list[str]:
    store = open_store(url)
    with store.reading() as connection:
        found = connection.execute(tables.incidents.select()).all()
    store.close()
    return [row.kind for row in found]


def notices(planes: Planes) -> list[dict[str, object]]:
    bodies = [dict(each["body"]) for each in opened(planes.folders)]
    return [body for body in bodies if body.get("event") == "central_behind_receipt"]


async def test_a_restart_of_the_database_under_load(tmp_path: Path) -> None:
    """A fast shutdown ends every connection with a word; central finds the server again, and nobody has to help."""
    with on_postgresql(tmp_path) as planes:
        server = planes.server
        assert server is not None
        planes.central_up()
        calls = await called(planes, "before", 0.5)
        async with asyncio.TaskGroup() as tasks:
            load = tasks.create_task(called(planes, "meanwhile", 2.0))
            await asyncio.to_thread(server.restart)
        calls.add(load.result())
        calls.add(await called_until_answered(planes, "after"))
        _settled(planes)
        assert notices(planes) == []
        assert set(books.leaves(planes.log).values()) == {1}
        _reckoned(planes, calls)


async def test_what_a_synchronous_standby_has_is_all_that_was_promised(tmp_path: Path) -> None:
    with pair(tmp_path) as (planes, primary, second):
        replicates(primary, synchronously=True)
        planes.central_up()
        calls = await called(planes, "before", 1.0)
        assert calls.answered
        primary.kill()
        promised = books.receipts(planes.folders.evidence)
        second.promote()
        assert promised
        assert books.broken(promised, second.url(planes.database.rpartition("/")[2])) == []
        calls.add(await called_until_answered(planes, "after"))
        _settled(planes)
        assert notices(planes) == []
        assert incidents(planes.database) == []
        assert set(books.leaves(planes.log).values()) == {1}
        _reckoned(planes, calls)


async def test_what_an_asynchronous_standby_lacks_is_missed_and_comes_again(tmp_path: Path) -> None:
    """The last records never reached it: the sidecar has the receipt as proof, notes it in its chain, ships anew."""
    with pair(tmp_path) as (planes, primary, second):
        replicates(primary, synchronously=False)
        planes.central_up()
        calls = await called(planes, "before", 1.0)
        second.set("primary_conninfo", "")
        until(lambda: primary.ask("SELECT count(*) FROM pg_stat_replication") == 0, "the standby still streams")
        calls.add(await called(planes, "alone", 1.0))
        until(lambda: _published(planes) == len(books.ledger_links(planes.database)), "the log does not come along")
        published = books.checkpoint(planes.log)
        primary.kill()
        promised = books.receipts(planes.folders.evidence)
        second.promote()
        lost = books.broken(promised, second.url(planes.database.rpartition("/")[2]))
        assert lost
        calls.add(await called_until_answered(planes, "after"))
        _settled(planes)
        assert books.broken(promised, planes.database) == []
        (notice,) = notices(planes)
        assert (notice["promised"], notice["link"]) in {(one.position.seq, one.position.link) for one in promised}
        assert incidents(planes.database) == [IncidentKind.ROLLBACK.value]
        assert published is not None
        assert books.other_trees(planes.log, [published]) == []
        assert set(books.leaves(planes.log)) == {bytes.fromhex(link) for link in _links(planes)}
        _reckoned(planes, calls)


def _published(planes: Planes) -> int:
    tree = books.checkpoint(planes.log)
    return 0 if tree is None else tree.size


def _links(planes: Planes) -> set[str]:
    return set(books.ledger_links(planes.database).values())


def _settled(planes: Planes) -> None:
    """The sidecar ends, and all that it wrote is in ledger and log."""
    planes.end_sidecar()
    spool = books.spool_book(planes.folders.evidence)
    until(lambda: books.ledger_book(planes.database)[0] == spool, "the evidence does not all arrive")
    until(lambda: _links(planes) <= {leaf.hex() for leaf in books.leaves(planes.log)}, "the log does not come along")


def _reckoned(planes: Planes, calls: Calls) -> None:
    log = read_verifier_key(planes.place.key("log"))
    store = open_store(planes.database)
    checked = check_ledger(
        store, LogFolder(planes.log), Expected([log]), read_registry(planes.place.folder / "sidecars.toml")
    )
    store.close()
    assert checked.findings.told == []
    found = reckon(planes.folders, planes.upstream.reached(), calls)
    assert (found.unrecorded, found.answered_unreached, found.not_once) == (set(), set(), {})
    assert found.report["ok"]
