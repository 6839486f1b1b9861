"""The files of one chain, written by the one process that holds its lock. All calls block; OSError passes through.

records-00000001.tsv …   segments, each begun when the one before is full
keys.jsonl               wrapped data keys, one a line
reserve                  zeros: room that is given back when the disk is full, so that outcomes still fit
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

from evidence.key_lines import without
from evidence.layout import KEYS_NAME, RESERVE_NAME, keys_draft, segment_name, segment_numbers

_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700


class Locked(Exception):
    """Another process writes to this chain."""


def lock(chain: Path) -> int:
    """Lock the folder of a chain for as long as the returned descriptor is open. Raises Locked.

    The lock is on the folder itself: a lock file would be a file that `verify` could say nothing about.
    """
    handle = os.open(chain, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise Locked(chain.name) from None
    except OSError:
        os.close(handle)
        raise
    return handle


def new_chain(folder: Path) -> tuple[Path, int]:
    """Make and lock a new, empty chain in an evidence folder; its name says nothing about anybody."""
    while True:
        chain = folder / f"chain-{secrets.token_hex(8)}"
        chain.mkdir(mode=_FOLDER_MODE)
        # Between the two calls another process may have found the chain free.
        with contextlib.suppress(Locked):
            return chain, lock(chain)


class _AppendOnly:
    """A file that grows by whole pieces: a piece that does not fit leaves nothing behind."""

    def __init__(self, path: Path) -> None:
        self.handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _FILE_MODE)
        self.size = os.fstat(self.handle).st_size
        self._torn = False

    def append(self, piece: bytes) -> None:
        if self._torn:
            self._mend()
        self._torn = True
        rest = memoryview(piece)
        try:
            while rest:
                rest = rest[os.write(self.handle, rest) :]
        except OSError:
            # If this fails too, the next piece tries again before it is written.
            with contextlib.suppress(OSError):
                self._mend()
            raise
        self._torn = False
        self.size += len(piece)

    def _mend(self) -> None:
        os.ftruncate(self.handle, self.size)
        self._torn = False

    def intact(self) -> bool:
        """Whether the file is still there and as long as it was left."""
        now = os.fstat(self.handle)
        return now.st_nlink > 0 and (self._torn or now.st_size == self.size)

    def close(self) -> None:
        os.close(self.handle)


class Spool:
    """Appends to a locked chain. What `write` stored survives kill -9; what `sync_job` flushed, a power cut."""

    def __init__(self, chain: Path, lock_handle: int, segment: int, reserve_bytes: int) -> None:
        self.chain = chain
        self._lock = lock_handle
        self._number = segment
        numbers = segment_numbers(os.listdir(chain))
        self._reserve_bytes = reserve_bytes
        self._older_bytes = sum((chain / segment_name(n)).stat().st_size for n in numbers if n < segment)
        self._keys = _AppendOnly(chain / KEYS_NAME)
        self._segment = _AppendOnly(chain / segment_name(segment))
        self._retired: list[_AppendOnly] = []
        self.reserved = False

    @property
    def segment_bytes(self) -> int:
        """The size of the segment that is written."""
        return self._segment.size

    @property
    def size_bytes(self) -> int:
        """The size of all records and keys of the chain; the reserve is not counted."""
        return self._older_bytes + self._segment.size + self._keys.size

    def write(self, lines: bytes) -> None:
        """Append whole lines to the segment, all of them or nothing."""
        self._segment.append(lines)

    def write_keys(self, lines: bytes) -> None:
        """Append wrapped keys, all of them or nothing; before the first box that one of them opens."""
        self._keys.append(lines)

    def next_segment(self, lines: bytes) -> None:
        """Begin a new segment with these lines; when that fails the old one goes on."""
        path = self.chain / segment_name(self._number + 1)
        fresh = _AppendOnly(path)
        try:
            fresh.append(lines)
        except OSError:
            fresh.close()
            path.unlink()
            raise
        self._retired.append(self._segment)
        self._older_bytes += self._segment.size
        self._number += 1
        self._segment = fresh

    def sync_job(self) -> Callable[[], None]:
        """The work of flushing to disk all that is written now, for a thread of its own. It raises OSError."""
        retired, self._retired = self._retired, []
        handles = [self._keys.handle, *(file.handle for file in retired), self._segment.handle]

        def job() -> None:
            try:
                for handle in handles:
                    os.fdatasync(handle)
                if retired:
                    os.fsync(self._lock)
            finally:
                for file in retired:
                    file.close()

        return job

    def keys_without(self, keys: AbstractSet[str]) -> tuple[int, list[str]]:
        """Draft a file of the wrapped keys that stay, for `take_keys`: how many bytes of the present one were read, and
        the ids of those that do not stay. Work for a thread of its own; the chain may be written to meanwhile."""
        path, draft = self.chain / KEYS_NAME, self._keys_draft
        content = path.read_bytes()
        content = content[: content.rfind(b"\n") + 1]
        kept, gone = without(content, keys)
        draft.unlink(missing_ok=True)
        if gone:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _FILE_MODE)
            with os.fdopen(handle, "wb") as file:
                file.write(kept)
                file.flush()
                os.fsync(file.fileno())
        return len(content), gone

    def take_keys(self, read: int) -> None:
        """Put the draft in the place of keys.jsonl, with what was written behind its first `read` bytes meanwhile.

        A crash leaves the one file or the other. The next flush has it on the disk.
        """
        path, draft = self.chain / KEYS_NAME, self._keys_draft
        with path.open("rb") as file:
            file.seek(read)
            later = file.read()
        fresh = _AppendOnly(draft)
        try:
            fresh.append(later)
            draft.replace(path)
        except OSError:
            fresh.close()
            raise
        # A flush in another thread may be at the old file.
        self._retired.append(self._keys)
        self._keys = fresh

    @property
    def _keys_draft(self) -> Path:
        return self.chain.parent / keys_draft(self.chain.name)

    def free_bytes(self) -> int:
        """What the file system has left for us."""
        room = os.fstatvfs(self._lock)
        return room.f_bavail * room.f_frsize

    def intact(self) -> bool:
        """Whether the files are as this process left them: nobody removed, cut or appended."""
        return self._segment.intact() and self._keys.intact()

    def reserve(self) -> None:
        """Take the reserve: zeros that really occupy the disk. Raises OSError where there is no room."""
        handle = os.open(self.chain / RESERVE_NAME, os.O_WRONLY | os.O_CREAT, _FILE_MODE)
        try:
            os.posix_fallocate(handle, 0, self._reserve_bytes)
        except OSError:
            os.ftruncate(handle, 0)
            raise
        finally:
            os.close(handle)
        self.reserved = True

    def release(self) -> None:
        """Give the reserve back to the disk; idempotent."""
        with contextlib.suppress(FileNotFoundError):
            os.truncate(self.chain / RESERVE_NAME, 0)
        self.reserved = False

    def close(self) -> None:
        """Flush, give back the reserve, close the files and free the chain."""
        self.sync_job()()
        self.release()
        for file in (self._segment, self._keys):
            file.close()
        os.close(self._lock)
