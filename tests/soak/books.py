"""Spool, ledger and log, each read as a stranger would, and laid side by side."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from central.log.store import LogFolder
from central.store import tables
from central.store.engine import open_store
from evidence.checkpoint import Checkpoint, read_checkpoint
from evidence.layout import CHAIN_GLOB, SEGMENT_GLOB
from evidence.line import Box, read_line
from evidence.merkle import root_at
from evidence.note import read_note
from evidence.receipt import Receipt, read_receipt
from evidence.receipts import kept_receipt
from evidence.record import Record
from evidence.tiles import TiledHashes, changed_bundles, check_files, read_bundle


@dataclass(frozen=True, slots=True)
class Copy:
    """All bytes of one record, as one place has them."""

    header: bytes
    body: bytes
    box: bytes | None


Book = dict[tuple[str, int], Copy]
"""Records by the link of the first one of their chain and their number."""


def receipts(evidence: Path) -> list[Receipt]:
    """What sidecars were promised last, one for each chain."""
    notes = [kept_receipt(chain) for chain in sorted(evidence.glob(CHAIN_GLOB))]
    return [read_receipt(note.rpartition("\n\n")[0] + "\n") for note in notes if note is not None]


def broken(promised: Sequence[Receipt], database: str) -> list[str]:
    """The receipts that the ledger does not keep."""
    held = ledger_links(database)
    return [
        f"{one.chain[:8]} up to {one.position.seq}"
        for one in promised
        if held.get((one.chain, one.position.seq)) != one.position.link
    ]


def ledger_links(database: str) -> dict[tuple[str, int], str]:
    """The link of each record in the ledger."""
    found, chains = tables.records, tables.chains
    query = select(chains.c.chain, found.c.seq, found.c.link).join(chains, chains.c.no == found.c.chain_no)
    with closing(open_store(database)) as store, store.reading() as connection:
        return {(row.chain.hex(), row.seq): row.link.hex() for row in connection.execute(query)}


def ledger_book(database: str) -> tuple[Book, int]:
    """What the ledger has, and how many rows that is."""
    found, chains = tables.records, tables.chains
    query = select(chains.c.chain, found).join(chains, chains.c.no == found.c.chain_no)
    with closing(open_store(database)) as store, store.reading() as connection:
        rows = connection.execute(query).all()
    return {(row.chain.hex(), row.seq): Copy(row.header, row.body, row.box) for row in rows}, len(rows)


def spool_book(evidence: Path) -> Book:
    """What a sidecar has written."""
    return {place: each for chain in evidence.glob(CHAIN_GLOB) for place, each in _chain_book(chain)}


def _chain_book(chain: Path) -> Iterator[tuple[tuple[str, int], Copy]]:
    lines = [line for part in sorted(chain.glob(SEGMENT_GLOB)) for line in part.read_bytes().split(b"\n")[:-1]]
    read = [read_line(line) for line in lines]
    named = next(each.link for each in read if isinstance(each, Record))
    for number, each in enumerate(read):
        if isinstance(each, Record):
            after = read[number + 1] if each.box is not None else None
            box = after.data if isinstance(after, Box) else None
            yield (named, each.header.seq), Copy(each.header_bytes, each.body_bytes, box)


def checkpoint(folder: Path) -> Checkpoint | None:
    """What a log has published."""
    note = LogFolder(folder).checkpoint()
    return None if note is None else read_checkpoint(read_note(note).text)


def leaves(folder: Path) -> Counter[bytes]:
    """How often each leaf stands in the published log; every tile is checked."""
    files, published = LogFolder(folder), checkpoint(folder)
    assert published is not None, "nothing was published"
    check_files(published.size, files.read)
    bundles = changed_bundles(0, published.size)
    return Counter(leaf for each in bundles for leaf in read_bundle(files.read(each), each.width))


def other_trees(folder: Path, earlier: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Those of the checkpoints that the published tree does not begin with."""
    published = checkpoint(folder)
    assert published is not None, "nothing was published"
    hash_at = TiledHashes(published.size, LogFolder(folder).read)
    return [one for one in earlier if one.size > published.size or root_at(one.size, hash_at) != one.root]
