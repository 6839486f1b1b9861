"""A ledger with its log, and somebody who has all rights in the database: no trigger holds him up."""

import json
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, select, text, update

from central.check.checking import Checked, check_ledger
from central.check.published import Expected
from central.ledger.ledger import Ledger
from central.ledger.vocabulary import Kept
from central.log.sql_state import SqlTreeState
from central.log.store import LogFolder
from central.registry import Registry
from central.store import tables
from central.store.engine import open_store
from evidence.canonical import canonical
from evidence.note import VerifierKey
from evidence.record import body_hash, link_of
from tests.central.ledger.gate import Gate
from tests.central.log.logs import run
from tests.central.log.memory import LOG


@dataclass(slots=True)
class Kingdom:
    """Two sidecars, `one` with three batches and `two` with one; the last batch of `one` is not in the log yet."""

    database: str
    folder: Path
    one: Gate
    two: Gate

    def check(self, log: VerifierKey = LOG, kept: Sequence[str] = ()) -> Checked:
        """What `agentgate central check` finds."""
        registry = Registry({gate.name: gate.registered for gate in (self.one, self.two)})
        with closing(open_store(self.database)) as store:
            return check_ledger(store, LogFolder(self.folder), Expected([log], kept=kept), registry)

    def ledger(self) -> Ledger:
        """To append, as central does."""
        return Ledger.open(self.database)


LOGGED = 12
"""Records of `one` that are in the log: a start, five calls and a heartbeat. Those after it wait."""


async def kingdom(database: str, folder: Path) -> Kingdom:
    """Written, logged and published."""
    one, two = Gate("gate-1").start(), Gate("gate-2").start()
    with closing(Ledger.open(database)) as ledger:
        one.calls("a", "b").head()
        ledger.append(one.batch(), one.registered)
        two.calls("k", "l", "m").head()
        ledger.append(two.batch(), two.registered)
        one.calls("c", "d", "e").heartbeat().head()
        ledger.append(one.batch(), one.registered)
        await run(SqlTreeState(ledger.store), folder)
        other = two.fork()
        two.calls("n").head()
        ledger.append(two.part(7), two.registered)
        await run(SqlTreeState(ledger.store), folder)
        with suppress(Kept):
            ledger.append(other.intent("z").part(7), other.registered)
        one.calls("f", "g").head().intent("h")
        ledger.append(one.batch(), one.registered)
    return Kingdom(database, folder, one, two)


def unguarded(connection: Connection) -> None:
    """Take the triggers away, as the owner of a database can."""
    if connection.dialect.name == "sqlite":
        for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        return
    connection.execute(text("DROP FUNCTION agentgate_refuse CASCADE"))
    connection.execute(text("ALTER TABLE data_keys DISABLE TRIGGER USER"))


def changed(connection: Connection, table: str, column: str, where: str, change: Callable[[Any], Any]) -> None:
    """Put something else in the place of a value."""
    of = tables.metadata.tables[table]
    before = connection.execute(select(of.c[column]).where(text(where))).scalar_one()
    connection.execute(update(of).where(text(where)).values({column: change(before)}))


def flipped(value: bytes) -> bytes:
    """One bit of it is another."""
    at = len(value) // 2
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


def rewritten(connection: Connection, chain_no: int, seq: int, change: Callable[[dict[str, Any]], None]) -> None:
    """History written anew from a record on, with every hash as it then must be; only keys are missing for it."""
    table = tables.records
    query = select(table).where(table.c.chain_no == chain_no, table.c.seq >= seq).order_by(table.c.seq)
    prev, header = "", b""
    for row in connection.execute(query).all():
        members, body = json.loads(row.header), row.body
        if row.seq == seq:
            content = json.loads(body)
            change(content)
            body = canonical(content)
        members |= {"body_hash": body_hash(body), "prev": prev or members["prev"]}
        header = canonical(members)
        prev = link_of(header)
        new = {"header": header, "body": body, "link": bytes.fromhex(prev)}
        connection.execute(update(table).where(table.c.chain_no == chain_no, table.c.seq == row.seq).values(new))
    standing = {"link": bytes.fromhex(prev), "last_header": header}
    connection.execute(update(tables.chains).where(tables.chains.c.no == chain_no).values(standing))


def cut_off(connection: Connection, chain_no: int, seq: int) -> None:
    """The tail after a record taken away, from every table that knows of it; the tree is left."""
    batches, records, heads = tables.batches, tables.records, tables.heads
    gone = select(batches.c.id).where(batches.c.chain_no == chain_no, batches.c.last_seq > seq)
    for table in (tables.pending, tables.log_batches):
        connection.execute(delete(table).where(table.c.batch_id.in_(gone)))
    connection.execute(delete(batches).where(batches.c.chain_no == chain_no, batches.c.last_seq > seq))
    for rows in (records, heads):
        connection.execute(delete(rows).where(rows.c.chain_no == chain_no, rows.c.seq > seq))
    last = connection.execute(select(records).where(records.c.chain_no == chain_no, records.c.seq == seq)).one()
    signed = connection.execute(select(func.max(heads.c.signed)).where(heads.c.chain_no == chain_no)).scalar_one()
    standing = {"seq": seq, "link": last.link, "last_header": last.header, "signed": signed}
    connection.execute(update(tables.chains).where(tables.chains.c.no == chain_no).values(standing))
