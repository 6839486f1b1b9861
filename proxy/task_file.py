"""Whose task is whose, on disk: clients keep the ids of their tasks, and so it must outlive the process.

One JSON object a line in `tasks.jsonl` of the state folder; the last line of a task counts. The ids of tasks and the
names of their owners stand there as keyed pseudonyms only. Several processes may share the file: each appends whole
lines, and it is rewritten only by one that has it alone.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

FILE: Final = "tasks.jsonl"
_ENCODER: Final = msgspec.json.Encoder()


class Begun(Struct, frozen=True, omit_defaults=True):
    """A task: its pseudonym and its owner's, the call that began it, and the chain which holds that call.

    `until` is when it is forgotten (seconds since 1970); `over` says that the call can have no further record.
    """

    task: str
    owner: str
    call: str
    chain: str
    until: int
    over: bool = False


_DECODER: Final = msgspec.json.Decoder(Begun)


class TaskFile:
    """The file of one state folder, open for as long as the process lives. Every method blocks; OSError passes through.

    What was appended survives the end of the process (kill -9).
    """

    def __init__(self, state: Path, now: int) -> None:
        """Open or make the file; what is over or forgotten at `now` is left out, and removed if nobody else has it."""
        self._path = state / FILE
        self._handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        alone = self._lock()
        self.begun = {task: each for task, each in self._read().items() if each.until > now and not each.over}
        if alone:
            self._rewrite(self.begun)
            fcntl.flock(self._handle, fcntl.LOCK_SH)

    def _lock(self) -> bool:
        """Whether nobody else has the file; it is read only after that is known, so that no line of theirs is lost."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._handle, fcntl.LOCK_SH)
            return False
        return True

    def append(self, begun: Begun) -> None:
        """Add a line, behind an end of line of its own: the one before it may be torn. Raises OSError."""
        line = b"\n" + _line(begun)
        if os.write(self._handle, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Free the file."""
        os.close(self._handle)

    def _read(self) -> Mapping[str, Begun]:
        """Every task by its last line; a line that is none (torn by a full disk) is left out."""
        found: dict[str, Begun] = {}
        for line in self._path.read_bytes().splitlines():
            with contextlib.suppress(msgspec.MsgspecError):
                begun = _DECODER.decode(line)
                found[begun.task] = begun
        return found

    def _rewrite(self, begun: Mapping[str, Begun]) -> None:
        os.ftruncate(self._handle, 0)
        os.write(self._handle, b"".join(map(_line, begun.values())))


def _line(begun: Begun) -> bytes:
    return _ENCODER.encode(begun) + b"\n"
