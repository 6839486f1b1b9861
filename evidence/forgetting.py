"""`agentgate evidence erase`: takes wrapped data keys out of a sidecar's spool, where no ledger reaches.

A chain that a process writes to is left alone, since that process has the file open and data keys in memory. A new file
takes the old one's place, whole or not at all; what the disk does with the old one's blocks is the disk's.
"""

import os
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import orjson

from evidence.layout import CHAIN_GLOB, KEYS_NAME
from evidence.printable import printable
from evidence.sealing import read_key_line
from evidence.spool import Locked, lock

_DONE: Final = 0
_NOT_TRUE: Final = 1
_USAGE: Final = 64


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The ids of the keys that are gone, and the names of chains that were left alone since somebody writes there."""

    keys: tuple[str, ...]
    busy: tuple[str, ...]


def forget(folder: Path, keys: AbstractSet[str], units: AbstractSet[str]) -> Forgotten:
    """Take the wrapped keys of these ids and of these units out of all chains that are free. Raises OSError."""
    gone: list[str] = []
    busy: list[str] = []
    for chain in sorted(folder.glob(CHAIN_GLOB)):
        try:
            handle = lock(chain)
        except Locked:
            busy.append(chain.name)
            continue
        try:
            draft = folder / f".{chain.name}.erasing"
            draft.unlink(missing_ok=True)
            gone += _forget(chain / KEYS_NAME, draft, keys, units)
            os.fsync(handle)
        finally:
            os.close(handle)
    return Forgotten(tuple(dict.fromkeys(gone)), tuple(busy))


def run_forget(folder: Path, *, keys: Iterable[str], units: Iterable[str], as_json: bool, out: TextIO) -> int:
    """Do it and tell: 0 done everywhere, 1 a chain is in use or nothing was there, 64 nothing was named."""
    named, of_units = frozenset(keys), frozenset(units)
    if not folder.is_dir():
        out.write(f"agentgate evidence: {printable(folder)}: no such folder\n")
        return _USAGE
    if not named and not of_units:
        out.write("agentgate evidence: erase what? --key-id or --unit, as `agentgate central erase` names them\n")
        return _USAGE
    done = forget(folder, named, of_units)
    if as_json:
        out.write(orjson.dumps({"keys": done.keys, "busy": done.busy}).decode() + "\n")
    else:
        out.write("".join(f"{key} is gone\n" for key in done.keys) or "none of these keys is here\n")
        out.writelines(f"{name}: a process writes there; stop it and try again\n" for name in done.busy)
    return _DONE if done.keys and not done.busy else _NOT_TRUE


def _forget(path: Path, draft: Path, keys: AbstractSet[str], units: AbstractSet[str]) -> list[str]:
    """The ids of what was taken out of one file; a line that is no key of ours stays."""
    if not path.is_file() or path.is_symlink():
        return []
    kept: list[bytes] = []
    gone: list[str] = []
    for line in path.read_bytes().splitlines(keepends=True):
        key, unit = _named(line)
        if key and (key in keys or unit in units):
            gone.append(key)
        else:
            kept.append(line)
    if gone:
        _replace(path, draft, b"".join(kept))
    return gone


def _named(line: bytes) -> tuple[str, str]:
    try:
        members = read_key_line(line.removesuffix(b"\n"))
    except ValueError:
        return "", ""
    return str(members["id"]), str(members["unit"])


def _replace(path: Path, draft: Path, content: bytes) -> None:
    before = path.stat()
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        # Whoever writes the chain goes on with this file, under its own user.
        os.fchown(handle, before.st_uid, before.st_gid)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
