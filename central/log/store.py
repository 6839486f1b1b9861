"""The log as a folder of static files (c2sp.org/tlog-tiles): any web server can hand it out.

    checkpoint              the newest one, the only file that is replaced
    tile/<L>/<N>[.p/<W>]    hashes
    tile/entries/<N>…       leaves
    lock                    held by the process that writes

Each file is written beside its place, flushed, and renamed: whoever reads sees all of it or nothing.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from central.log.stopping import HeldElsewhere, OtherContent, WouldShrink
from evidence.checkpoint import Checkpoint, read_checkpoint
from evidence.files import flush_folder
from evidence.note import read_note
from evidence.tiles import WIDTH, Piece, narrowed, whole

CHECKPOINT: Final = "checkpoint"
_LOCK: Final = "lock"


class LogFolder:
    """The files of one log. What `write` and `publish` have done is on the disk when they return."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one process that writes here; makes the folder. Raises HeldElsewhere."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / _LOCK).open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise HeldElsewhere(f"{self._folder}: another process writes this log") from error
            yield

    def read(self, piece: Piece) -> bytes:
        """The content of a tile or bundle (`evidence.tiles.Fetch`); a partial one also out of the whole one.

        Raises FileNotFoundError if there is neither, BadTile if the whole one is broken.
        """
        try:
            return self._path(piece).read_bytes()
        except FileNotFoundError:
            if piece.width == WIDTH:
                raise
            return narrowed(piece, self._path(whole(piece)).read_bytes())

    def write(self, piece: Piece, content: bytes) -> None:
        """Write a tile or bundle, or find it written. Raises OtherContent: the bytes of a path never change."""
        path = self._path(piece)
        if path.exists():
            if path.read_bytes() != content:
                raise OtherContent(
                    f"{path} is there with other bytes: two trees were made under the name of this log, and the files "
                    "are of one that the database does not have. Keep both, find out which one was signed or "
                    "cosigned, and bring that one back."
                )
            return
        _replace(path, content)

    def drop_partials(self, piece: Piece) -> None:
        """Delete the partial files that a whole tile or bundle, which is written, takes the place of."""
        shutil.rmtree(f"{self._path(whole(piece))}.p", ignore_errors=True)

    def checkpoint(self) -> str | None:
        """The published note; None where nothing was published yet. Its signatures are not checked."""
        try:
            # What is not UTF-8 is no note, and reading it says so.
            return (self._folder / CHECKPOINT).read_text("utf-8", "surrogateescape")
        except FileNotFoundError:
            return None

    def publish(self, note: str) -> None:
        """Replace the published checkpoint. Raises WouldShrink, or OtherContent for another root at the same size."""
        new, held = _checkpoint(note), self.checkpoint()
        old = None if held is None else _checkpoint(held)
        if old is not None and new.size < old.size:
            raise WouldShrink(f"{new.size} leaves would be published, and {old.size} are")
        if old is not None and new.size == old.size and new.root != old.root:
            raise OtherContent(f"{self._folder / CHECKPOINT} has {new.size} leaves and another root")
        _replace(self._folder / CHECKPOINT, note.encode())

    def _path(self, piece: Piece) -> Path:
        return self._folder / piece.path


def _checkpoint(note: str) -> Checkpoint:
    return read_checkpoint(read_note(note).text)


def _replace(path: Path, content: bytes) -> None:
    """Put a file in its place, whole and flushed."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    if not path.parent.is_dir():
        _make_folder(path.parent)
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    flush_folder(path.parent)


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each flushed into the one that it stands in."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        flush_folder(each.parent)
