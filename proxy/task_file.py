"""Whose task is whose, on disk: clients keep the ids of their tasks, and so it must outlive the process.

One JSON object a line in `tasks.jsonl` of the state folder; the last line of a task counts. The ids of tasks and the
names of their owners stand there as keyed pseudonyms only. Several processes may share the file: each appends whole
lines, and it is written anew only by one that has it alone:

    lock the file alone -> write tasks.jsonl.new, share its lock, fsync -> append what came meanwhile -> rename

Whatever ends the process in between, one of the two files is there, whole. Who opened the old one sees by its inode
that it is not `tasks.jsonl` any more, and opens it again before it writes.
"""

import errno
import fcntl
import logging
import os
import threading
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from evidence.files import flush_folder
from policy.containment import UNKNOWN_TOOL

FILE: Final = "tasks.jsonl"
NEW_FILE: Final = "tasks.jsonl.new"
"""What a start or a compaction writes; where it was cut off this is left, read by nobody and written over."""

MAX_TASKS: Final = 10_000
"""Tasks remembered for each sidecar; the oldest is forgotten first."""

GROWN_BYTES: Final = 4 << 20
"""So much may be added to the file before it is compacted: some twice what MAX_TASKS need."""

NAMED_LINES: Final = 10
"""Unreadable lines that one warning names."""

_LOG: Final = logging.getLogger("agentgate")
_ENCODER: Final = msgspec.json.Encoder()
_CLOSED: Final = -1


class Begun(Struct, frozen=True, omit_defaults=True):
    """A task: its pseudonym and its owner's, the call that began it, and the chain which holds that call.

    `until` is when it is forgotten (seconds since 1970); `over` says that the call can have no further record; `tool`
    is the mark of the tool that the call is of (`tool_mark`).
    """

    task: str
    owner: str
    call: str
    chain: str
    until: int
    over: bool = False
    tool: str = UNKNOWN_TOOL


_DECODER: Final = msgspec.json.Decoder(Begun)


class TaskFile:
    """The file of one state folder, open for as long as the process lives. Every method blocks; OSError passes through.

    What was appended survives the end of the process (kill -9). `compact` may run on a thread beside `append`.
    """

    def __init__(self, state: Path, now: int) -> None:
        """Open or make the file; what is over or forgotten at `now` is left out, and removed if nobody else has it."""
        self._path = state / FILE
        self._guard = threading.Lock()
        self._handle, alone = _open(self._path)
        self.begun = self._compact(now) if alone else _lasting(self._lines(), now)
        fcntl.flock(self._handle, fcntl.LOCK_SH)
        self._compact_beyond = self._size() + GROWN_BYTES

    @property
    def grown(self) -> bool:
        """True once it is worth while to compact it."""
        return self._handle != _CLOSED and self._size() > self._compact_beyond

    def append(self, begun: Begun) -> None:
        """Add a line, behind an end of line of its own: the one before it may be torn. Raises OSError."""
        line = b"\n" + _line(begun)
        with self._guard:
            _write(self._handle, line)

    def flush(self) -> None:
        """Whatever was appended before this survives a power cut once it returns. Raises OSError."""
        flushed: int | None = None
        while (current := self._copy()) is not None:
            handle, file = current
            try:
                if file == flushed:
                    return
                os.fsync(handle)
                flushed = file
            finally:
                os.close(handle)

    def _copy(self) -> tuple[int, int] | None:
        """Another handle of the file as it is now, and its inode: a compaction puts another in its place meanwhile."""
        with self._guard:
            if self._handle == _CLOSED:
                return None
            return os.dup(self._handle), os.fstat(self._handle).st_ino

    def compact(self, now: int) -> None:
        """Leave out what is over or forgotten at `now`, unless somebody else has the file too. Raises OSError."""
        with self._guard:
            alone = self._handle != _CLOSED and self._alone()
        try:
            if alone:
                self._compact(now)
        finally:
            with self._guard:
                if self._handle != _CLOSED:
                    fcntl.flock(self._handle, fcntl.LOCK_SH)
                    self._compact_beyond = self._size() + GROWN_BYTES

    def close(self) -> None:
        """Free the file; idempotent."""
        with self._guard:
            handle, self._handle = self._handle, _CLOSED
        if handle != _CLOSED:
            os.close(handle)

    def _alone(self) -> bool:
        """Whether nobody else has the file; where somebody has, asking for it has cost us our own lock (flock(2))."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._handle)
            self._handle = _CLOSED
            self._handle, _ = _open(self._path)
            return False
        return True

    def _compact(self, now: int) -> dict[str, Begun]:
        """Write the file anew if anything can be left out; returns what stays. The file is ours alone until it is."""
        before = self._lines()
        stays = _lasting(before, now)
        lines = b"".join(map(_line, stays.values()))
        if lines != before:
            self._replace(lines, len(before))
        return stays

    def _replace(self, lines: bytes, size: int) -> None:
        """Put `lines` in the place of the first `size` bytes."""
        path = self._path.with_name(NEW_FILE)
        new = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            fcntl.flock(new, fcntl.LOCK_SH)
            _write(new, lines)
            os.fsync(new)
            with self._guard:
                _write(new, self._lines(size))
                path.rename(self._path)
                new, self._handle = self._handle, new
        finally:
            os.close(new)
        flush_folder(self._path.parent)

    def _lines(self, start: int = 0) -> bytes:
        return os.pread(self._handle, self._size() - start, start)

    def _size(self) -> int:
        return os.fstat(self._handle).st_size


def _open(path: Path) -> tuple[int, bool]:
    """The file, locked, and whether nobody else has it. Only after that it is read: no line of theirs is lost."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        alone = _lock(handle)
        if _is_still(handle, path):
            return handle, alone
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(handle, fcntl.LOCK_SH)
        return False
    return True


def _is_still(handle: int, path: Path) -> bool:
    """False where somebody has put another file in its place since it was opened."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _lasting(lines: bytes, now: int) -> dict[str, Begun]:
    """Every task by its last line, in the order of these: neither over nor forgotten, the newest MAX_TASKS of them."""
    found: dict[str, Begun] = {}
    unreadable: list[int] = []
    for number, line in enumerate(lines.split(b"\n"), 1):
        if not line:
            continue
        try:
            begun = _DECODER.decode(line)
        except msgspec.MsgspecError:
            unreadable.append(number)
            continue
        found.pop(begun.task, None)
        found[begun.task] = begun
    _name(unreadable)
    lasting = [each for each in found.values() if each.until > now and not each.over]
    return {each.task: each for each in lasting[-MAX_TASKS:]}


def _name(unreadable: list[int]) -> None:
    """A line that is none was torn by a full disk, or is somebody else's work; it is left out."""
    if unreadable:
        numbers = ", ".join(map(str, unreadable[:NAMED_LINES]))
        more = len(unreadable) - NAMED_LINES
        _LOG.warning(
            "%s of the state folder: no task can be read in line %s%s; whose task stood there is forgotten",
            FILE, numbers, f" and in {more} more" if more > 0 else "",
        )  # fmt: skip


def _write(handle: int, data: bytes) -> None:
    if os.write(handle, data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _line(begun: Begun) -> bytes:
    return _ENCODER.encode(begun) + b"\n"
