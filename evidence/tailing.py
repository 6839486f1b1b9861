"""Reads the records of chains in their order, and again what was added since: for people, not for proof."""

import heapq
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evidence.files import chain_folders
from evidence.layout import SEGMENT_GLOB, segment_name, segment_numbers
from evidence.line import Box, read_line
from evidence.record import BadLine, Record


@dataclass(frozen=True, slots=True)
class Found:
    """One record of a chain, with its sealed box if it has one."""

    chain: Path
    record: Record
    box: bytes | None


class Unreadable(Exception):
    """A line that is none of ours, or no file at all; `verify` says more."""


class ChainTail:
    """One chain, read once from its beginning; each call of `more` gives the records that came since."""

    def __init__(self, chain: Path) -> None:
        self._chain = chain
        self._segment = min(segment_numbers(path.name for path in chain.glob(SEGMENT_GLOB)), default=1)
        self._offset = 0
        self._waiting: Record | None = None

    def more(self) -> Iterator[Found]:
        """The records that are whole and were not given yet. Raises Unreadable, OSError."""
        while (path := self._chain / segment_name(self._segment)).exists():
            if not stat.S_ISREG(path.lstat().st_mode):
                raise Unreadable(f"{self._chain.name}: {path.name} is no regular file")
            followed = (self._chain / segment_name(self._segment + 1)).exists()
            with path.open("rb") as file:
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._offset += len(line)
                    yield from self._take(line[:-1], path)
            if not followed:
                return
            self._segment, self._offset = self._segment + 1, 0

    def _take(self, line: bytes, path: Path) -> Iterator[Found]:
        try:
            found = read_line(line)
        except BadLine as error:
            raise Unreadable(f"{self._chain.name}, {path.name}, before byte {self._offset}: {error}") from error
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            yield Found(self._chain, waiting, found.data if isinstance(found, Box) else None)
        if isinstance(found, Record):
            if found.box is None:
                yield Found(self._chain, found, None)
            else:
                self._waiting = found


class FolderTail:
    """All chains of an evidence folder (or the one chain that the folder is), the oldest record first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tails: dict[Path, ChainTail] = {}

    def more(self) -> Iterator[Found]:
        """The records that came since the last call, by their wall clock; those of one chain keep their order."""
        for chain in self._chains():
            self._tails.setdefault(chain, ChainTail(chain))
        return heapq.merge(*(tail.more() for tail in self._tails.values()), key=lambda found: found.record.header.at)

    def _chains(self) -> list[Path]:
        if any(self._folder.glob(SEGMENT_GLOB)):
            return [self._folder]
        return chain_folders(self._folder)
