"""How far the log has a chain: up to the last of its batches that the published tree holds, however old it is."""

from typing import Any

import pytest
from sqlalchemy import event, insert, select, update

from central.ledger.covered import covered
from central.ledger.ledger import Ledger
from central.store import tables
from tests.central.ledger.gate import Gate


def _filled(ledger: Ledger) -> Gate:
    """Three batches of one chain, in the ledger and not yet in the log."""
    gate = Gate()
    for fill in (gate.start, gate.heartbeat, gate.close):
        fill()
        ledger.append(gate.batch(), gate.registered)
    return gate


def _included(ledger: Ledger, gate: Gate, log_size: int) -> int:
    found = covered(ledger.store, gate.name, gate.tenant, gate.chain, log_size)
    assert found is not None
    return found.included


def _place(ledger: Ledger, last_seq: int, first_leaf: int) -> None:
    with ledger.store.writing() as connection:
        number = connection.execute(select(tables.batches.c.id).where(tables.batches.c.last_seq == last_seq)).scalar()
        connection.execute(insert(tables.log_batches).values(batch_id=number, first_leaf=first_leaf, count=1))


def test_the_last_batch_of_the_published_tree(ledger: Ledger) -> None:
    gate = _filled(ledger)
    assert _included(ledger, gate, 1 << 60) == 0
    _place(ledger, 1, first_leaf=0)
    _place(ledger, 3, first_leaf=1)
    assert [_included(ledger, gate, size) for size in range(4)] == [0, 1, 3, 3]
    _place(ledger, 2, first_leaf=2)
    assert [_included(ledger, gate, size) for size in range(4)] == [0, 1, 3, 3]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_age_of_a_chain_costs_nothing(ledger: Ledger) -> None:
    """SQLite counts its own steps."""
    gate, steps, count = _filled(ledger), [0], 3_000

    def step() -> None:
        steps[0] += 1

    def checked_out(connection: Any, *_: object) -> None:
        connection.set_progress_handler(step, 10)

    for number in (1, 2, 3):
        _place(ledger, number, first_leaf=number - 1)
    event.listen(ledger.store.engine, "checkout", checked_out)
    assert _included(ledger, gate, 1 << 60) == 3
    young, steps[0] = steps[0], 0
    with ledger.store.writing() as connection:
        chain_no = connection.execute(select(tables.batches.c.chain_no).limit(1)).scalar()
        more = range(4, count)
        times = {"first_at": 0, "last_at": 0, "received_at": 0}
        connection.execute(
            insert(tables.batches),
            [{"id": each, "chain_no": chain_no, "first_seq": each, "last_seq": each, **times} for each in more],
        )
        connection.execute(
            insert(tables.log_batches), [{"batch_id": each, "first_leaf": each - 1, "count": 1} for each in more]
        )
        connection.execute(update(tables.chains).values(seq=count - 1))
    steps[0] = 0
    assert _included(ledger, gate, 1 << 60) == count - 1
    assert steps[0] <= 2 * young + 10
