"""Takes wrapped data keys out of a sidecar's spool: `agentgate evidence erase`, and what central says is erased.

A chain that another process writes to is left alone, since that process has the file open and data keys in memory; it
does it itself (`Journal.forget`). A new file takes the old one's place, whole or not at all; what the disk does with
the old one's blocks is the disk's.
"""

import os
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import orjson

from evidence.key_lines import without
from evidence.layout import CHAIN_GLOB, KEYS_NAME, keys_draft
from evidence.printable import printable
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
            gone += forget_in(chain, keys, units)
            os.fsync(handle)
        finally:
            os.close(handle)
    return Forgotten(tuple(dict.fromkeys(gone)), tuple(busy))


def forget_in(chain: Path, keys: AbstractSet[str], units: AbstractSet[str] = frozenset()) -> list[str]:
    """Take wrapped keys out of a chain that the caller has locked; the ids of those that were there. Raises OSError."""
    path, draft = chain / KEYS_NAME, chain.parent / keys_draft(chain.name)
    draft.unlink(missing_ok=True)
    if not path.is_file() or path.is_symlink():
        return []
    kept, gone = without(path.read_bytes(), keys, units)
    if gone:
        _replace(path, draft, kept)
    return gone


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
