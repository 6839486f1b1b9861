"""What every tree state promises: in memory, on SQLite, on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

import pytest
from sqlalchemy import insert

from central.log.sql_state import SqlTreeState
from central.log.state import Placed, Tree, TreeState
from central.log.stopping import HeldElsewhere, LogStopped, Overtaken
from central.store import tables
from central.store.engine import Store, open_store
from central.store.schema import migrate
from evidence.merkle import EMPTY_ROOT
from tests.central.log.memory import MemoryState, link
from tests.peers.postgres import Postgres


class Added(TreeState, Protocol):
    """A state that batches can be put into, as the ledger does."""

    def add(self, *links: bytes) -> int:
        """The number of a new batch that waits."""
        ...


class SqlAdded(SqlTreeState):
    """Puts rows where the ledger would, as the owner of the database."""

    def __init__(self, store: Store, owner: Store) -> None:
        super().__init__(store)
        self._database = owner
        self._records = 0

    def add(self, *links: bytes) -> int:
        first = self._records + 1
        self._records += len(links)
        batch = {"chain_no": 1, "first_seq": first, "last_seq": self._records, "first_at": 0, "last_at": 0}
        with self._database.writing() as connection:
            made = insert(tables.batches).values(**batch, received_at=first).returning(tables.batches.c.id)
            number = connection.execute(made).scalar_one()
            for seq, each in enumerate(links, first):
                record = {"chain_no": 1, "seq": seq, "received_at": first, "link": each, "header": b"", "body": b""}
                connection.execute(insert(tables.records).values(record))
            connection.execute(insert(tables.pending).values(batch_id=number))
        return int(number)


_AS_SEQUENCER: Final = "?options=-c%20role%3Dagentgate_sequencer"


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Added]:
    if request.param == "memory":
        yield MemoryState()
        return
    server = request.getfixturevalue("server") if request.param == "postgresql" else None
    url = server.new_database() if server else f"sqlite:///{tmp_path / 'ledger.db'}"
    owner, store = open_store(url), open_store(url + _AS_SEQUENCER if server else url)
    migrate(owner)
    yield SqlAdded(store, owner)
    store.close()
    owner.close()


def test_a_tree_begins_without_leaves(state: Added) -> None:
    assert state.tree() == Tree(0, EMPTY_ROOT, 0)
    assert state.pending(10) == []
    assert state.leaves(0, 0) == []


def test_each_takeover_raises_the_fence(state: Added) -> None:
    assert [state.take_over().fence for _ in range(3)] == [1, 2, 3]
    assert state.tree() == Tree(0, EMPTY_ROOT, 3)


def test_batches_wait_in_their_order(state: Added) -> None:
    numbers = [state.add(link(1), link(2)), state.add(link(3)), state.add(link(4), link(5))]
    assert [batch.id for batch in state.pending(100)] == numbers
    assert [batch.links for batch in state.pending(3)] == [(link(1), link(2)), (link(3),)]
    assert [batch.id for batch in state.pending(1)] == numbers[:1]


def test_a_batch_becomes_leaves_once(state: Added) -> None:
    first, second = state.add(link(1), link(2)), state.add(link(3))
    before = state.take_over()
    after = Tree(3, b"\x07" * 32, before.fence)
    state.advance(before, after, [Placed(first, 0, 2), Placed(second, 2, 1)])
    assert (state.tree(), state.pending(10)) == (after, [])
    assert state.leaves(0, 3) == [link(1), link(2), link(3)]
    assert state.leaves(1, 2) == [link(2)]
    with pytest.raises(Overtaken):
        state.advance(after, Tree(6, b"\x08" * 32, before.fence), [Placed(first, 3, 2)])
    assert state.tree() == after


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(Tree(1, EMPTY_ROOT, 2), id="another-size"),
        pytest.param(Tree(0, b"\x01" * 32, 2), id="another-root"),
        pytest.param(Tree(0, EMPTY_ROOT, 1), id="an-older-fence"),
    ],
)
def test_only_from_where_it_stands_is_the_tree_moved(state: Added, before: Tree) -> None:
    batch = state.add(link(1))
    state.take_over()
    standing = state.take_over()
    with pytest.raises(Overtaken):
        state.advance(before, Tree(1, b"\x07" * 32, before.fence), [Placed(batch, 0, 1)])
    assert state.tree() == standing
    assert [each.id for each in state.pending(10)] == [batch]


def test_leaves_that_the_ledger_has_not_stop_the_log(state: Added) -> None:
    batch = state.add(link(1))
    before = state.take_over()
    state.advance(before, Tree(3, b"\x07" * 32, before.fence), [Placed(batch, 2, 1)])
    assert state.leaves(2, 3) == [link(1)]
    with pytest.raises(LogStopped):
        state.leaves(0, 3)


def test_a_tree_grows_by_batches_of_any_number(state: Added) -> None:
    numbers = [state.add(link(number)) for number in range(1100)]
    before = state.take_over()
    assert [batch.id for batch in state.pending(5000)] == numbers
    after = Tree(1100, b"\x07" * 32, before.fence)
    state.advance(before, after, [Placed(number, first, 1) for first, number in enumerate(numbers)])
    assert state.leaves(0, 1100) == [link(number) for number in range(1100)]
    assert state.pending(10) == []


def test_an_incident_is_kept_and_counted(database: str) -> None:
    store = open_store(database)
    state = SqlTreeState(store)
    for what in ("older", "older", "another tree"):
        state.report(what)
    with store.reading() as connection:
        found = connection.execute(tables.incidents.select().order_by(tables.incidents.c.no)).mappings().all()
    store.close()
    assert [(row["kind"], row["what"], row["count"], row["tenant"]) for row in found] == [
        ("rollback", "older", 2, ""),
        ("rollback", "another tree", 1, ""),
    ]


def test_one_process_is_the_sequencer_of_a_database(server: Postgres) -> None:
    store = open_store(server.new_database())
    first, second = SqlTreeState(store), SqlTreeState(store)
    with first.held(), pytest.raises(HeldElsewhere), second.held():
        pass
    with second.held():
        pass
    store.close()
