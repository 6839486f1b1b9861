"""Whoever changes the ledger past its triggers is found, and what was changed is named: deeds on each table."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text, update

from central.check.findings import Step
from central.store import tables
from central.store.engine import open_store
from tests.central.check.tampering import Kingdom, changed, cut_off, flipped, kingdom, rewritten, unguarded
from tests.peers.postgres import Postgres

Deed = Callable[[Connection, Kingdom], None]
Deeds = dict[str, tuple[Deed, Step, int | None, int | None]]


def sql(*statements: str) -> Deed:
    def deed(connection: Connection, _: Kingdom) -> None:
        for statement in statements:
            connection.execute(text(statement))

    return deed


def edited(table: str, column: str, where: str, change: Callable[[Any], Any] = flipped) -> Deed:
    return lambda connection, _: changed(connection, table, column, where, change)


def swapped(table: str, columns: str, first: str, second: str) -> Deed:
    """What two rows have, the other way round."""
    of = tables.metadata.tables[table]
    wanted = [of.c[name] for name in columns.split(", ")]

    def deed(connection: Connection, _: Kingdom) -> None:
        rows = [connection.execute(select(*wanted).where(text(where))).one() for where in (first, second)]
        for where, row in zip((first, second), reversed(rows), strict=True):
            connection.execute(update(of).where(text(where)).values(dict(zip(columns.split(", "), row, strict=True))))

    return deed


def anew(seq: int) -> Deed:
    return lambda connection, _: rewritten(connection, 1, seq, lambda body: body.update(reason="nothing to see"))


def truncated(seq: int, *more: str) -> Deed:
    def deed(connection: Connection, _: Kingdom) -> None:
        cut_off(connection, 1, seq)
        for statement in more:
            connection.execute(text(statement))

    return deed


def doubled(connection: Connection, _: Kingdom) -> None:
    """A second row of the same number, as a partition of another month allows."""
    row = connection.execute(select(tables.records).where(text(FOUR))).mappings().one()
    connection.execute(insert(tables.records).values({**row, "received_at": row["received_at"] + 1}))


def forked_head(connection: Connection, world: Kingdom) -> None:
    """A true head of a fork: the sidecar's own key has signed another record of that number."""
    other = world.two.fork()
    line = other.intent("elsewhere").head().lines[-1][1]
    note = str(json.loads(line.removeprefix(b"head\t"))).encode()
    table = tables.heads
    connection.execute(update(table).where(text("chain_no = 2 AND seq = 9")).values(note=note, signed=10))


NEW_TIME = {"records": "UPDATE records SET received_at = 7", "batches": "UPDATE batches SET received_at = 7"}
NO_LEAVES = "DELETE FROM log_batches WHERE batch_id = 3"
WAIT_AGAIN = "INSERT INTO pending VALUES (3)"
GAP = (
    "INSERT INTO incidents (tenant, sidecar, chain, kind, about, seq, amount, what, first_at, last_at, count) "
    "SELECT tenant, sidecar, chain, 'gap', '4', 4, 2, '', 0, 0, 1 FROM chains WHERE no = 1"
)
FOUR, FIVE = "chain_no = 1 AND seq = 4", "chain_no = 1 AND seq = 5"
BYTES = "link, header, body, box"

RECORDS: Deeds = {
    "dropped": (sql("DELETE FROM records WHERE chain_no = 1 AND seq = 4"), Step.LINKS, 4, 3),
    "the-first-dropped": (sql("DELETE FROM records WHERE chain_no = 1 AND seq = 1"), Step.LINKS, 1, 0),
    "the-last-dropped": (sql("DELETE FROM records WHERE chain_no = 1 AND seq = 17"), Step.BATCHES, 17, None),
    "all-of-a-chain-dropped": (sql("DELETE FROM records WHERE chain_no = 2"), Step.BATCHES, 1, 5),
    "swapped": (swapped("records", BYTES, FOUR, FIVE), Step.RECORDS, 4, None),
    "a-bit-of-a-header": (edited("records", "header", FOUR), Step.RECORDS, 4, None),
    "a-bit-of-a-body": (edited("records", "body", FOUR), Step.RECORDS, 4, None),
    "a-bit-of-a-link": (edited("records", "link", FOUR), Step.RECORDS, 4, None),
    "a-bit-of-a-box": (edited("records", "box", FOUR), Step.RECORDS, 4, None),
    "a-box-taken": (sql("UPDATE records SET box = NULL WHERE chain_no = 1 AND seq = 4"), Step.RECORDS, 4, None),
    "a-bit-of-one-that-waits": (edited("records", "body", "chain_no = 1 AND seq = 14"), Step.RECORDS, 14, None),
    "history-anew": (anew(5), Step.LEAVES, 5, 4),
    "history-anew-not-in-the-log": (anew(14), Step.HEADS, 16, None),
    "history-anew-from-the-start": (anew(1), Step.LINKS, 1, None),
    "a-second-row": (doubled, Step.LINKS, 4, None),
    "to-another-chain": (sql("UPDATE records SET chain_no = 2 WHERE chain_no = 1 AND seq = 10"), Step.LINKS, 10, 16),
    "at-another-time": (sql(NEW_TIME["records"] + " WHERE chain_no = 1 AND seq = 10"), Step.BATCHES, 10, None),
    "a-gap-made-up": (sql("DELETE FROM records WHERE chain_no = 1 AND seq IN (4, 5)", GAP), Step.LINKS, 4, 3),
    "the-tail": (truncated(5), Step.PLACES, None, 12),
    "the-tail-and-the-tree": (truncated(5, "UPDATE tree SET size = 12"), Step.TREE, None, None),
}
BATCHES: Deeds = {
    "dropped": (sql("DELETE FROM batches WHERE id = 3"), Step.BATCHES, 6, None),
    "dropped-with-its-leaves": (sql(NO_LEAVES, "DELETE FROM batches WHERE id = 3"), Step.BATCHES, 6, None),
    "cut": (sql("UPDATE batches SET last_seq = 11 WHERE id = 3"), Step.PLACES, 6, None),
    "at-another-time": (sql(NEW_TIME["batches"] + " WHERE id = 3"), Step.BATCHES, 6, None),
    "swapped": (swapped("batches", "first_seq, last_seq", "id = 2", "id = 3"), Step.BATCHES, 1, None),
    "waits-no-more": (sql("DELETE FROM pending"), Step.PLACES, 13, None),
    "waits-again": (sql(WAIT_AGAIN), Step.PLACES, 6, None),
    "of-a-chain-that-is-not": (sql("DELETE FROM chains WHERE no = 2"), Step.KEPT, None, None),
}
LOG_BATCHES: Deeds = {
    "dropped": (sql(NO_LEAVES), Step.PLACES, 6, None),
    "dropped-and-waiting": (
        sql(NO_LEAVES, WAIT_AGAIN, "DELETE FROM records WHERE chain_no = 1 AND seq > 8"), Step.PLACES, None, 15,
    ),
    "moved": (sql("UPDATE log_batches SET first_leaf = 13 WHERE batch_id = 3"), Step.LEAVES, 6, 13),
    "swapped": (
        sql(
            "UPDATE log_batches SET first_leaf = 99 WHERE batch_id = 1",
            "UPDATE log_batches SET first_leaf = 0 WHERE batch_id = 3",
            "UPDATE log_batches SET first_leaf = 7 WHERE batch_id = 1",
        ), Step.LEAVES, 1, 7,
    ),
    "counted-anew": (sql("UPDATE log_batches SET count = 8 WHERE batch_id = 3"), Step.PLACES, 6, None),
}  # fmt: skip
HEADS: Deeds = {
    "dropped": (sql("DELETE FROM heads WHERE chain_no = 1 AND seq = 16"), Step.STANDING, 17, None),
    "a-bit": (edited("heads", "note", "chain_no = 1 AND seq = 12"), Step.HEADS, 12, None),
    "swapped": (
        swapped("heads", "note", "chain_no = 1 AND seq = 5", "chain_no = 1 AND seq = 12"),
        Step.HEADS,
        12,
        None,
    ),
    "of-a-fork": (forked_head, Step.HEADS, 10, None),
}
TREE: Deeds = {
    "smaller": (sql("UPDATE tree SET size = 20"), Step.TREE, None, None),
    "larger": (sql("UPDATE tree SET size = 22"), Step.PLACES, None, 21),
    "another-root": (edited("tree", "root", "one = 1"), Step.TREE, None, None),
    "dropped": (sql("DELETE FROM tree"), Step.TREE, None, None),
}
OTHERS: Deeds = {
    "a-chain-behind": (sql("UPDATE chains SET seq = 16 WHERE no = 1"), Step.STANDING, 17, None),
    "another-key-for-the-chain": (edited("chains", "incarnation_key", "no = 1"), Step.KEYS, 17, None),
    "another-key-for-an-incarnation": (edited("incarnations", "public_key", "chain_no = 1"), Step.KEYS, 1, None),
    "a-chain-of-another-tenant": (sql("UPDATE chains SET tenant = 'other' WHERE no = 2"), Step.RECORDS, 1, None),
    "a-wrapped-key": (edited("data_keys", "line", "no = 1"), Step.KEPT, None, None),
    "a-stray": (edited("strays", "data", "no = 1"), Step.KEPT, None, None),
}
DEEDS: dict[str, Deeds] = {
    "records": RECORDS, "batches": BATCHES, "log_batches": LOG_BATCHES, "heads": HEADS, "tree": TREE, "others": OTHERS,
}  # fmt: skip
"""Deeds on each table: the step that finds it, the record or the leaf that is named."""

ROWS = [pytest.param(*row, id=f"{table}-{name}") for table, deeds in DEEDS.items() for name, row in deeds.items()]


@pytest.fixture
async def world(database: str, tmp_path: Path) -> Kingdom:
    return await kingdom(database, tmp_path / "log")


def test_what_nobody_changed(world: Kingdom) -> None:
    found = world.check()
    assert found.findings.told == []
    assert (found.chains, found.records, found.leaves, found.waiting, found.destroyed, found.missing) == (
        2,
        26,
        21,
        1,
        0,
        0,
    )


async def test_who_may_only_read_can_check(server: Postgres, template: str, tmp_path: Path) -> None:
    world = await kingdom(server.new_database(template), tmp_path / "log")
    world.database += "?options=-c%20role%3Dagentgate_reader"
    assert world.check().findings.told == []


@pytest.mark.parametrize(("deed", "step", "seq", "leaf"), ROWS)
def test_a_deed_is_found_and_named(world: Kingdom, deed: Deed, step: Step, seq: int | None, leaf: int | None) -> None:
    tampered(world, deed)
    found = world.check()
    assert not found.ok
    told = found.findings.told
    assert (step, seq, leaf) in {(each.step, each.seq, each.leaf) for each in told}, told


def tampered(world: Kingdom, deed: Deed) -> None:
    store = open_store(world.database)
    with store.writing() as connection:
        unguarded(connection)
        deed(connection, world)
    store.close()
