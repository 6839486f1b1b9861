"""Writes chains of the ledger as an evidence folder, which `agentgate verify` and `agentgate records` read. Blocks.

The files are those of docs/evidence.md, made from the rows one by one: a chain may be larger than memory. Data keys
that were destroyed are not there.
"""

import os
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from central.store.engine import Store
from central.store.tables import chains, data_keys, heads, records
from evidence.chain import Position
from evidence.layout import KEYS_NAME, segment_name
from evidence.line import box_line, note_line
from evidence.record import read_header, record_line

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Unfolded:
    """A chain that was written: its folder, whose it is, how many records are in it, and the last of them."""

    folder: Path
    sidecar: str
    chain: str
    records: int
    incarnation: str
    position: Position


def unfold(
    store: Store, tenant: str, folder: Path, *, chain: str | None = None, numbers: Container[int] | None = None
) -> list[Unfolded]:
    """Write all chains of a tenant, one of them, or those with these numbers, below `folder`, which must not have them
    yet.

    All are of one consistent view. Raises FileExistsError, OSError, LedgerUnavailable.
    """
    query = select(chains).where(chains.c.tenant == tenant, chains.c.first_seq > 0).order_by(chains.c.no)
    if chain is not None:
        query = query.where(chains.c.chain == bytes.fromhex(chain))
    with store.reading() as connection:
        rows = connection.execute(query).all()
        return [_unfold(connection, row, folder) for row in rows if numbers is None or row.no in numbers]


def _unfold(connection: Connection, row: Row[Any], within: Path) -> Unfolded:
    number, chain, count = row.no, bytes(row.chain).hex(), 0
    folder = within / f"chain-{chain[:16]}"
    folder.mkdir(mode=0o700, parents=True)
    with (folder / segment_name(1)).open("xb") as file:
        for line in chain_lines(connection, number):
            count += line.startswith(b"record\t")
            file.write(line)
        _settle(file.fileno())
    query = select(data_keys.c.line).where(data_keys.c.chain_no == number).order_by(data_keys.c.no)
    with (folder / KEYS_NAME).open("xb") as file:
        for key in connection.execute(query):
            file.write(bytes(key.line) + b"\n")
        _settle(file.fileno())
    incarnation = read_header(bytes(row.last_header)).incarnation
    return Unfolded(folder, row.sidecar, chain, count, incarnation, Position(row.seq, bytes(row.link).hex()))


def chain_lines(connection: Connection, number: int, *, after: int = 0) -> Iterator[bytes]:
    """The lines of a segment behind a record: each record, its box, and the heads that stand behind it."""
    query = select(heads.c.seq, heads.c.note).where(heads.c.chain_no == number, heads.c.seq > after)
    notes = [(row.seq, bytes(row.note).decode()) for row in connection.execute(query.order_by(heads.c.seq, heads.c.no))]
    notes.reverse()
    every = select(records).where(records.c.chain_no == number, records.c.seq > after).order_by(records.c.seq)
    for row in connection.execute(every.execution_options(yield_per=_AT_ONCE)):
        yield record_line(bytes(row.header), bytes(row.body), bytes(row.link).hex())
        if row.box is not None:
            yield box_line(bytes(row.box))
        while notes and notes[-1][0] <= row.seq:
            yield note_line(notes.pop()[1])


def _settle(handle: int) -> None:
    os.fchmod(handle, 0o600)
    os.fsync(handle)
