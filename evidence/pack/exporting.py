"""Makes a pack out of an evidence folder: what was asked for, and all that a stranger needs to believe it.

No wrapped data key, no data key and no sealed box enters it: what the reader may see is opened, with the salts of its
commitments, and nothing else can ever be.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from evidence.layout import LEDGER_KEYS_NAME, RECEIPTS_NAME
from evidence.line import Note, note_line
from evidence.note import read_note
from evidence.pack.drafting import drafted
from evidence.pack.packing import Packing
from evidence.pack.proving import LogFiles
from evidence.pack.selecting import ANCHORS, Selecting, calls_named
from evidence.pack.source import chains_of, entries, witness_of
from evidence.pack.vocabulary import (
    BODIES,
    CHECKPOINT,
    HEADERS,
    LOG_KEYS,
    PROOFS,
    TEXTS,
    Body,
    Manifest,
    Part,
    Proof,
    Selection,
    Texts,
    header_line,
    member_of,
)
from evidence.record import Header, Record
from evidence.sealing import value_of
from evidence.signing import read_head
from evidence.tailing import Found
from evidence.unsealing import Unsealer

_IN_MEMORY_BYTES: Final = 1 << 24
_BLOCK_BYTES: Final = 1 << 16


class NothingToExport(Exception):
    """What was asked for is not there, or names more than one thing; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be exported, by whom and when; `agentgate` is the version of the program.

    Without `opener` there is no text in the pack, without `log` no checkpoint and no proof.
    """

    selection: Selection
    by: str
    at: str
    agentgate: str
    tenant: str | None = None
    opener: Unsealer | None = None
    log: LogFiles | None = None
    compressed: bool = True


@dataclass(frozen=True, slots=True)
class Exported:
    """A pack that was written: its SHA-256, and what it has. `units` are the erasure units whose texts it has."""

    digest: str
    tenant: str
    chains: int
    records: int
    selected: int
    opened: int
    proved: int
    units: tuple[str, ...]


@dataclass(slots=True)
class _Chosen:
    """A chain with records that were asked for."""

    path: Path
    tenant: str
    first: Header
    last: Header
    seqs: set[int]
    witness: Mapping[str, bytes]


@dataclass(slots=True)
class _Told:
    """What was written of all chains."""

    links: dict[tuple[str, int], str] = field(default_factory=dict)
    units: set[str] = field(default_factory=set)
    opened: int = 0


def export(folder: Path, target: Path, order: Order) -> Exported:
    """Write the pack, whole or not at all. Raises NothingToExport, TooLarge, Unreadable, FileExistsError, OSError."""
    if target.exists():
        raise FileExistsError(f"{target} is there already: give another name")
    chosen = _choose(folder, order)
    with drafted(target) as file:
        told, proved = _write(file, chosen, order)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    records = sum(each.last.seq - each.first.seq + 1 for each in chosen)
    selected = sum(len(each.seqs) for each in chosen)
    units = tuple(sorted(told.units))
    return Exported(digest, chosen[0].tenant, len(chosen), records, selected, told.opened, proved, units)


def _choose(folder: Path, order: Order) -> list[_Chosen]:
    """The chains that have something of what was asked for. Raises NothingToExport."""
    selection, found = order.selection, list[_Chosen]()
    paths = chains_of(folder)
    if not paths:
        raise NothingToExport(f"{folder} has no chain: it is no evidence folder")
    for path in paths:
        witness, selecting = witness_of(path), Selecting(selection)
        for entry in entries(path):
            if isinstance(entry, Found):
                selecting.take(entry.record)
        first, last, seqs = selecting.first, selecting.last, selecting.chosen()
        if first is not None and last is not None and seqs and order.tenant in (None, first.tenant):
            found.append(_Chosen(path, first.tenant, first, last, seqs, witness))
    tenants = sorted({each.tenant for each in found})
    if not found:
        raise NothingToExport(f"no record of {selection} is in {folder}")
    if len(tenants) > 1:
        raise NothingToExport(f"a pack is of one tenant, and this has {', '.join(tenants)}: give --tenant")
    return found


def whole_call(folder: Path, prefix: str) -> str:
    """The id of the one call that begins so. Raises NothingToExport."""
    found = set[str]()
    for path in chains_of(folder):
        found |= calls_named((entry.record for entry in entries(path) if isinstance(entry, Found)), prefix)
    if prefix in found or len(found) == 1:
        return prefix if prefix in found else found.pop()
    raise NothingToExport(f"{len(found)} calls begin with {prefix}" if found else f"no call begins with {prefix}")


def _write(file: IO[bytes], chosen: list[_Chosen], order: Order) -> tuple[_Told, int]:
    packing, told = Packing(file, compressed=order.compressed), _Told()
    for chain in chosen:
        _write_chain(packing, chain, order, told)
    proofs = [] if order.log is None else _proofs(order.log, told)
    if order.log is not None:
        packing.add(CHECKPOINT, [order.log.note.encode()])
        if order.log.keys:
            packing.add(LOG_KEYS, [order.log.keys])
    if proofs:
        packing.add(PROOFS, (proof.line() for proof in proofs))
    parts = [Part(each.path.name, each.first.seq, each.last.seq, len(each.seqs)) for each in chosen]
    members = dict(packing.members)
    manifest = Manifest(chosen[0].tenant, order.selection, order.at, order.by, order.agentgate, tuple(parts), members)
    packing.end(manifest)
    return told, len(proofs)


def _write_chain(packing: Packing, chain: _Chosen, order: Order, told: _Told) -> None:
    with _spooled() as headers, _spooled() as bodies, _spooled() as texts:
        for entry in entries(chain.path):
            if isinstance(entry, Note):
                if _signs(entry) <= chain.last.seq:
                    headers.write(note_line(entry.text))
            elif entry.record.header.seq <= chain.last.seq:
                headers.write(header_line(entry.record.header_bytes))
                bodies.write(_body(chain, entry.record, told))
                if order.opener is not None and entry.record.header.seq in chain.seqs:
                    texts.write(_texts(order.opener, entry, told))
        for name, member in ((BODIES, bodies), (HEADERS, headers)):
            packing.add(member_of(chain.path.name, name), _blocks(member))
        for name in (LEDGER_KEYS_NAME, RECEIPTS_NAME):
            if chain.witness[name]:
                packing.add(member_of(chain.path.name, name), [chain.witness[name]])
        if texts.tell():
            packing.add(member_of(chain.path.name, TEXTS), _blocks(texts))


def _body(chain: _Chosen, record: Record, told: _Told) -> bytes:
    """The line of a body that the pack discloses, nothing for others; remembers what the log is asked for."""
    header = record.header
    selected = header.seq in chain.seqs
    shown = selected or header.kind in ANCHORS or header.seq == chain.first.seq
    if shown or header.seq == chain.last.seq:
        told.links[chain.path.name, header.seq] = record.link
    return Body(header.seq, record.body_bytes, selected).line() if shown else b""


def _signs(note: Note) -> int:
    """The number of the record that a head names."""
    return read_head(read_note(note.text).text).position.seq


def _texts(opener: Unsealer, found: Found, told: _Told) -> bytes:
    """The line of what was opened; nothing where nothing was, for a salt alone would let others try guesses."""
    secrets: dict[str, dict[str, str]] = {}
    for name, content in (opener.contents(found) or {}).items():
        if value_of(content) is not None:
            secrets[name] = {key: content[key] for key in ("salt", "text", "base64") if key in content}
        elif "redacted" in content:
            secrets[name] = {"redacted": content["redacted"]}
    if not secrets:
        return b""
    told.opened += 1
    told.units.add(opener.unit(found))
    return Texts(found.record.header.seq, secrets).line()


def _proofs(log: LogFiles, told: _Told) -> list[Proof]:
    """A proof for each record that is disclosed, and for the last of each chain, as far as the log has them."""
    indexes = log.indexes([bytes.fromhex(link) for link in told.links.values()])
    found = []
    for (chain, seq), link in sorted(told.links.items()):
        index = indexes.get(bytes.fromhex(link))
        if index is not None:
            found.append(Proof(chain, seq, index, log.proof(index)))
    return found


def _spooled() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(_BLOCK_BYTES):
        yield block
