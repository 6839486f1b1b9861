"""The copy of central's own chains in STATE/evidence, an evidence folder that `agentgate verify` checks.

It follows the ledger, and is a memory outside it: a ledger that knows less than the copy was restored from a backup,
and has keys again that were destroyed. What it has forgotten is told to it again, and done again.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from central.erasure.own_chain import OwnChain
from central.erasure.vocabulary import ErasureProblem
from central.ledger.ledger import Ledger
from central.ledger.unfolding import chain_lines
from central.store import tables
from central.store.engine import Store
from central.store.locking import exclusive
from evidence.batch import Batch, read_batch
from evidence.chain import Position
from evidence.files import flush_folder
from evidence.layout import CHAIN_GLOB, segment_name
from evidence.record import Record
from evidence.recovery import BrokenChain, survey
from evidence.shipping import ChainReader

FOLDER: Final = "evidence"
_LOCK: Final = "erasure.lock"


@dataclass(frozen=True, slots=True)
class _Held:
    """A chain as the ledger has it."""

    no: int
    tenant: str
    chain: str
    position: Position


class Copy:
    """The folder. `apply` does again what a record says was done."""

    def __init__(
        self, ledger: Ledger, own: OwnChain, state: Path, apply: Callable[[Connection, Record], object]
    ) -> None:
        self._ledger, self._own, self._state, self._apply = ledger, own, state, apply
        self._known: dict[Path, tuple[int, Position]] = {}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other process with this state folder is at it. Raises OSError."""
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._state / FOLDER).mkdir(mode=0o700, exist_ok=True)
        handle = os.open(self._state / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def settle(self) -> int:
        """Bring copy and ledger to the same position; gives how many records the ledger had forgotten.

        Raises ErasureProblem where they differ, LedgerUnavailable, OSError.
        """
        held = {one.chain: one for one in _held(self._ledger.store, self._own.id)}
        forgotten = 0
        for chain in sorted((self._state / FOLDER).glob(CHAIN_GLOB)):
            forgotten += self._remind(chain, held)
        for one in _held(self._ledger.store, self._own.id) if forgotten else held.values():
            self._follow(one)
        return forgotten

    def _remind(self, chain: Path, held: dict[str, _Held]) -> int:
        """Tell the ledger what it has forgotten of a chain, and do it again."""
        here = self._position(chain)
        reader = ChainReader(chain)
        origin = reader.origin()
        if origin is None or origin.sidecar != self._own.id:
            return 0
        known = held[origin.chain].position if origin.chain in held else Position()
        if here.seq <= known.seq:
            return 0
        reader.seek(known)
        told = 0
        while (outgoing := reader.more()) is not None:
            for deed in _deeds(read_batch(outgoing.data)):
                told += self._again(deed)
        return told

    def _again(self, batch: Batch) -> int:
        with self._ledger.store.writing() as connection:
            exclusive(connection)
            self._ledger.append_within(connection, batch, self._own.registered(batch.tenant))
            for sent in batch.records:
                self._apply(connection, sent.record)
        return len(batch.records)

    def _follow(self, held: _Held) -> None:
        """Write what the copy does not have yet."""
        chain = self._state / FOLDER / f"chain-{held.chain[:16]}"
        here = self._position(chain)
        if here == held.position:
            return
        with self._ledger.store.reading() as connection:
            if here.seq and _link(connection, held.no, here.seq) != here.link:
                raise ErasureProblem(
                    f"{chain}: is another chain than the ledger has for tenant {held.tenant}: one of the two was "
                    "changed. agentgate verify tells which; move the folder away once that is settled"
                )
            lines = b"".join(chain_lines(connection, held.no, after=here.seq))
        _append(chain / segment_name(1), lines)
        self._known.pop(chain, None)

    def _position(self, chain: Path) -> Position:
        """Where the copy of a chain stands; what a crash tore off is cut."""
        path = chain / segment_name(1)
        if not path.exists():
            return Position()
        size = path.stat().st_size
        if chain not in self._known or self._known[chain][0] != size:
            try:
                found = survey(path.read_bytes(), f"{chain.name}, {path.name}")
            except BrokenChain as error:
                raise ErasureProblem(f"{path}: {error.where}: restore the file, or move {chain} away") from error
            if found.good_bytes < size:
                os.truncate(path, found.good_bytes)
            self._known[chain] = found.good_bytes, found.position
        return self._known[chain][1]


def _deeds(batch: Batch) -> Iterator[Batch]:
    """Each life of central as the batch that it was: the log has its leaves next to each other."""
    after = batch.after
    for _, life in groupby(batch.records, key=lambda sent: sent.record.header.incarnation):
        records = tuple(life)
        last = Position(records[-1].record.header.seq, records[-1].record.link)
        heads = tuple(head for head in batch.heads if after.seq < head.seq <= last.seq)
        yield replace(batch, after=after, records=records, heads=heads)
        after = last


def _held(store: Store, sidecar: str) -> list[_Held]:
    table = tables.chains
    with store.reading() as connection:
        rows = connection.execute(select(table).where(table.c.sidecar == sidecar).order_by(table.c.no)).all()
    return [_Held(row.no, row.tenant, row.chain.hex(), Position(row.seq, row.link.hex())) for row in rows]


def _link(connection: Connection, chain_no: int, seq: int) -> str | None:
    table = tables.records
    link = connection.execute(select(table.c.link).where(table.c.chain_no == chain_no, table.c.seq == seq)).scalar()
    return None if link is None else bytes(link).hex()


def _append(path: Path, lines: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(lines)
        os.fsync(handle)
    finally:
        os.close(handle)
    flush_folder(path.parent)
