"""The evidence folder that a pack is made of: its chains, line by line, heads included."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from evidence.files import chain_folders
from evidence.layout import (
    LEDGER_KEYS_NAME,
    RECEIPTS_NAME,
    SEGMENT_GLOB,
    is_chain_name,
    segment_name,
    segment_numbers,
)
from evidence.line import Box, Note, read_line
from evidence.record import BadLine, Record
from evidence.tailing import Found, Unreadable


def chains_of(folder: Path) -> list[Path]:
    """The chains of an evidence folder, or the one that the folder is, by their names."""
    if is_chain_name(folder.resolve().name):
        return [folder.resolve()]
    return chain_folders(folder)


def entries(chain: Path) -> Iterator[Found | Note]:
    """The records of a chain, each with its box, and the heads between them. Raises Unreadable, OSError.

    What is unfinished at the end is left out: a writer may still be writing.
    """
    waiting: Record | None = None
    for number in segment_numbers(path.name for path in chain.glob(SEGMENT_GLOB)):
        path = chain / segment_name(number)
        if not stat.S_ISREG(path.lstat().st_mode):
            raise Unreadable(f"{chain.name}: {path.name} is no regular file")
        with path.open("rb") as file:
            for place, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                found = _read(line[:-1], f"{chain.name}, {path.name}, line {place}")
                if isinstance(found, Record):
                    if waiting is not None:
                        yield Found(chain, waiting, None)
                    waiting = found
                    if found.box is None:
                        yield Found(chain, found, None)
                        waiting = None
                elif isinstance(found, Note):
                    yield found
                elif waiting is not None:
                    yield Found(chain, waiting, found.data)
                    waiting = None


def witness_of(chain: Path) -> Mapping[str, bytes]:
    """The receipts as they are now, and the history of the keys that signed them; empty where there is none.

    In this order: a writer puts a key into the history before it keeps a receipt by it. Raises OSError.
    """
    return {name: _content(chain / name) for name in (RECEIPTS_NAME, LEDGER_KEYS_NAME)}


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _read(line: bytes, where: str) -> Record | Box | Note:
    try:
        return read_line(line)
    except BadLine as error:
        raise Unreadable(f"{where}: {error}") from error
