"""Batches over HTTP that come twice, in another order, cut otherwise or at once: each record is there once."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest
from sqlalchemy import func, select

from central.ingest import MOST_AT_ONCE
from central.ledger.ledger import Ledger
from central.store import tables
from central.store.engine import open_store
from evidence.batch import MEDIA_TYPE
from tests.central.ledger.gate import Gate
from tests.central.shipping import BATCHES, Said, asked, packed_batch, posted, registered, token
from tests.central.test_main_line import until
from tests.peers.central import Central, central
from tests.soak import books

pytestmark = pytest.mark.xdist_group("batches_over_http")


GATES = [Gate(f"gate-{number}") for number in range(40)]
"""Enough for all rows: each has a chain of its own."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    made = central(tmp_path_factory.mktemp("batches") / "central")
    registered(made, GATES)
    with made.started():
        yield made


@pytest.fixture
def gate() -> Gate:
    """A sidecar with twelve records: a start, five calls, a heartbeat; heads after 5 and 12."""
    return GATES.pop().start().calls("a", "b").head().calls("c", "d", "e").heartbeat().head()


Row = tuple[int, int, int, int]
"""A part of the chain (the records after one number up to another), the status of the answer, what is held then."""

JOINS: dict[str, list[Row]] = {
    "in-order": [(0, 5, 200, 5), (5, 9, 200, 9), (9, 12, 200, 12)],
    "each-twice": [(0, 5, 200, 5), (0, 5, 200, 5), (5, 12, 200, 12), (5, 12, 200, 12)],
    "all-again": [(0, 12, 200, 12), (0, 5, 200, 12), (5, 9, 200, 12), (9, 12, 200, 12)],
    "an-older-one-again": [(0, 5, 200, 5), (5, 9, 200, 9), (0, 5, 200, 9), (9, 12, 200, 12)],
    "overlapping": [(0, 5, 200, 5), (2, 9, 200, 9), (1, 12, 200, 12)],
    "cut-otherwise": [(0, 7, 200, 7), (0, 5, 200, 7), (5, 12, 200, 12), (3, 8, 200, 12)],
    "one-record-each": [(at, at + 1, 200, at + 1) for at in range(12)],
    "a-later-one-first": [(5, 9, 409, 0), (0, 5, 200, 5), (5, 9, 200, 9), (9, 12, 200, 12)],
    "backwards": [(9, 12, 409, 0), (5, 9, 409, 0), (0, 5, 200, 5), (9, 12, 409, 5), (5, 9, 200, 9), (9, 12, 200, 12)],
    "nothing-new": [(0, 12, 200, 12), (12, 12, 200, 12)],
}


@pytest.mark.parametrize("rows", [pytest.param(rows, id=name) for name, rows in JOINS.items()])
def test_parts_of_a_chain(place: Central, gate: Gate, rows: list[Row]) -> None:
    for after, last, status, held in rows:
        said = posted(place, gate, gate.part(after, last))
        assert said.status == status
        assert said.code == (None if status == 200 else "not_joined")
        assert asked(place, gate).held == held
    _once(place, gate, 12)


def test_the_same_at_the_same_time(place: Central, gate: Gate) -> None:
    parts = [gate.part(0), gate.part(0, 5), gate.part(0, 9), gate.part(0)] * 4
    with ThreadPoolExecutor(len(parts)) as pool:
        said = list(pool.map(lambda batch: posted(place, gate, batch), parts))
    assert {each.status for each in said} == {200}
    assert asked(place, gate).held == 12
    _once(place, gate, 12)


def test_parts_that_race(place: Central, gate: Gate) -> None:
    """Whoever comes too early is sent back, and comes again."""
    parts = [gate.part(at, at + 1) for at in range(12)]

    def until_taken(number: int) -> Said:
        while (said := posted(place, gate, parts[number])).status == 409:
            assert said.code == "not_joined"
        return said

    with ThreadPoolExecutor(len(parts)) as pool:
        said = list(pool.map(until_taken, reversed(range(12))))
    assert {each.status for each in said} == {200}
    _once(place, gate, 12)


def test_a_gap_that_is_none(place: Central, gate: Gate) -> None:
    """A sender who says that records are missing, and sends what is held: nothing is missing, and nothing is noted."""
    assert posted(place, gate, gate.part(0, 9)).held == 9
    assert posted(place, gate, gate.part(5, 12, gap=True)).held == 12
    assert _incidents(place, gate) == {}
    _once(place, gate, 12)


def test_a_fork_comes_again_and_again(place: Central, gate: Gate) -> None:
    other = gate.fork().intent("elsewhere")
    gate.intent("here")
    assert posted(place, gate, gate.part(0)).held == 13
    for _ in range(3):
        said = posted(place, gate, other.part(12))
        assert (said.status, said.code) == (422, "fork")
        assert asked(place, gate).held == 13
    assert _incidents(place, gate) == {"fork": 3}
    _once(place, gate, 13)


def _once(place: Central, gate: Gate, count: int) -> None:
    """The ledger has each record once, and soon the log as well."""
    with closing(Ledger.open(place.database)) as ledger, ledger.store.reading() as connection:
        number = select(tables.chains.c.no).where(tables.chains.c.chain == bytes.fromhex(gate.chain)).scalar_subquery()
        rows = connection.scalars(select(tables.records.c.link).where(tables.records.c.chain_no == number)).all()
    assert sorted(row.hex() for row in rows) == sorted(gate.links[1 : count + 1])
    until(lambda: asked(place, gate).included == count)
    leaves = books.leaves(place.folder / "log")
    assert [leaves[bytes.fromhex(link)] for link in gate.links[1 : count + 1]] == [1] * count


def _incidents(place: Central, gate: Gate) -> dict[str, int]:
    table = tables.incidents
    query = select(table.c.kind, func.sum(table.c.count)).where(table.c.chain == bytes.fromhex(gate.chain))
    with closing(open_store(place.database)) as store, store.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(query.group_by(table.c.kind))}


def test_nobody_has_a_body_read_without_a_right_signature(place: Central) -> None:
    """The answer comes while the body is still announced alone: nothing of it is waited for."""
    head = (
        f"POST {BATCHES} HTTP/1.1\r\nHost: 127.0.0.1:{place.port}\r\nAuthorization: Bearer x\r\n"
        f"Content-Type: {MEDIA_TYPE}\r\nContent-Length: {10 << 20}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", place.port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 401 ")


def test_so_many_are_taken_at_once_and_the_others_are_told_to_wait(place: Central) -> None:
    """Heads of as many batches as may be under way, whose bodies do not come; then one more."""
    gate = GATES.pop().start().calls("a").head()
    packed = packed_batch(gate.part(0))
    request = (
        f"POST {BATCHES} HTTP/1.1\r\nHost: 127.0.0.1:{place.port}\r\n"
        f"Authorization: {token(place, gate, 'POST', BATCHES, packed)}\r\n"
        f"Content-Type: {MEDIA_TYPE}\r\nContent-Length: {len(packed)}\r\n\r\n"
    ).encode()
    with ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection(("127.0.0.1", place.port), timeout=20))
            for _ in range(MOST_AT_ONCE)
        ]
        for connection in opened:
            connection.sendall(request)
        until(lambda: posted(place, gate, gate.part(0)).status == 503)
        for connection in opened:
            connection.sendall(packed)
            assert connection.recv(64).startswith(b"HTTP/1.1 200 ")
    until(lambda: posted(place, gate, gate.part(0)).status == 200)
