"""Finds the chain that a process may write to: a free one of its own, repaired at the tail, or a new one.

lock -> files only -> whose chain is it -> survey the last segment -> cut what a crash tore off
"""

import os
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evidence.chain import Position
from evidence.files import chain_folders
from evidence.layout import KEYS_NAME, segment_name, segment_numbers
from evidence.record import BadLine, Kind, Record, read_record
from evidence.recovery import BrokenChain, Survey, survey, survey_keys
from evidence.spool import Locked, lock, new_chain

_FOLDER_MODE: Final = 0o700


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose chains are ours. `identity` is the public identity key, base64: nobody continues a chain of another."""

    sidecar: str
    tenant: str
    identity: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A locked chain, ready to be appended to: its last segment, where it stands, and what has to be declared."""

    chain: Path
    lock: int
    segment: int
    position: Position
    open_calls: tuple[str, ...]
    repaired_bytes: int

    @property
    def undeclared(self) -> bool:
        """Whether there is something that only a new incarnation on the chain can say."""
        return bool(self.open_calls) or self.repaired_bytes > 0


@dataclass(frozen=True, slots=True)
class Claims:
    """The chain to write to, others of which something is to be declared, and the names of those that are left alone.

    Left alone is what is broken, what another identity of this sidecar began, and what begins as another one does.
    """

    mine: Claim
    orphans: tuple[Claim, ...]
    abandoned: tuple[str, ...]


def claim(folder: Path, owner: Owner) -> Claims:
    """Lock what is free of `owner`'s chains in the evidence folder, or make a new chain. Raises OSError.

    A folder of another name, such as a copy beside its original, is none: what is written there nobody checks.
    """
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    free: list[Claim] = []
    abandoned: list[str] = []
    beginnings = {chain: _beginning(chain) for chain in chain_folders(folder)}
    times = Counter(filter(None, beginnings.values()))
    for chain, beginning in beginnings.items():
        if beginning is not None and times[beginning] > 1:
            abandoned.append(chain.name)  # One of them is a copy, and nobody can say which.
            continue
        try:
            found = _claim_one(chain, owner)
        except (BrokenChain, NotADirectoryError, PermissionError):
            abandoned.append(chain.name)
        else:
            free.extend([found] if found else [])
    free.sort(key=lambda found: not found.open_calls)
    mine = free.pop(0) if free else _fresh(folder)
    for unused in free:
        if not unused.undeclared:
            os.close(unused.lock)
    return Claims(mine, tuple(found for found in free if found.undeclared), tuple(abandoned))


def _beginning(chain: Path) -> bytes | None:
    """The first line of a chain that has a whole one, whoever writes to it just now; every chain has one of its own."""
    try:
        numbers = [] if chain.is_symlink() else segment_numbers(os.listdir(chain))
        if not numbers or not stat.S_ISREG((chain / segment_name(numbers[0])).lstat().st_mode):
            return None
        return _first_line(chain / segment_name(numbers[0]))
    except OSError:
        return None


def _first_line(segment: Path) -> bytes | None:
    """The first line with its LF; None where there is no whole one. Raises OSError."""
    with segment.open("rb") as file:
        line = file.readline()
    return line if line.endswith(b"\n") else None


def _fresh(folder: Path) -> Claim:
    chain, handle = new_chain(folder)
    return Claim(chain, handle, 1, Position(), (), 0)


def _claim_one(chain: Path, owner: Owner) -> Claim | None:
    """The chain as a claim, if it is free and ours. Raises BrokenChain."""
    try:
        handle = lock(chain)
    except Locked:
        return None
    try:
        _require_files(chain)
        if _belongs(chain, owner):
            return _repair(chain, handle)
    except (BrokenChain, OSError):
        os.close(handle)
        raise
    os.close(handle)
    return None


def _require_files(chain: Path) -> None:
    """Refuse what is no regular file: reading a pipe or a device might never end, and a link leads elsewhere.

    Raises BrokenChain.
    """
    for child in chain.iterdir():
        if not stat.S_ISREG(child.lstat().st_mode):
            raise BrokenChain(f"{chain.name}: {child.name} is no regular file")


def _belongs(chain: Path, owner: Owner) -> bool:
    """Whether the chain is the owner's, or nobody's: not even its first record is whole. Raises BrokenChain."""
    numbers = segment_numbers(os.listdir(chain))
    if not numbers:
        return True
    first = chain / segment_name(numbers[0])
    if (line := _first_line(first)) is None:
        return numbers[0] == 1
    try:
        record = read_record(line[:-1])
    except BadLine as error:
        raise BrokenChain(f"{chain.name}, {first.name}, line 1: {error}") from error
    return _wrote(owner, record)


def _wrote(owner: Owner, first: Record) -> bool:
    """A chain begins with a `start`, which names the identity; where its first segments were given up, only the sidecar
    is named, after its identity. Raises BrokenChain where this sidecar had another identity then."""
    if (first.header.sidecar, first.header.tenant) != (owner.sidecar, owner.tenant):
        return False
    if first.header.kind is Kind.START and str(first.body.get("identity")) != owner.identity:
        raise BrokenChain("it was begun under another identity of this sidecar, which alone can go on with it")
    return True


def _repair(chain: Path, handle: int) -> Claim:
    """Cut the torn tail of the last segment and of the keys; an empty last segment goes altogether.

    Everything is looked at before anything is cut: a broken chain keeps every byte. Raises BrokenChain.
    """
    numbers = segment_numbers(os.listdir(chain)) or [1]
    last = number = numbers[-1]
    found = _survey_segment(chain, number)
    while found.first is None and number > numbers[0]:
        number -= 1
        found = _survey_segment(chain, number)
    # Keys without any record are of nobody: not even their tenant is known.
    good_keys = survey_keys(_bytes_of(chain / KEYS_NAME), found.first.header.tenant) if found.first else 0
    repaired = 0
    for empty in range(last, number, -1):
        repaired += _cut(chain / segment_name(empty), 0)
        (chain / segment_name(empty)).unlink()
    repaired += _cut(chain / segment_name(number), found.good_bytes) + _cut(chain / KEYS_NAME, good_keys)
    return Claim(chain, handle, number, found.position, found.open_calls, repaired)


def _survey_segment(chain: Path, number: int) -> Survey:
    path = chain / segment_name(number)
    if number > 1 and not path.exists():
        raise BrokenChain(f"{chain.name}: {path.name} is missing")
    return survey(_bytes_of(path), f"{chain.name}, {path.name}")


def _bytes_of(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _cut(path: Path, good_bytes: int) -> int:
    size = path.stat().st_size if path.exists() else 0
    if size > good_bytes:
        os.truncate(path, good_bytes)
    return size - good_bytes
