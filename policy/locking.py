"""One writer at a time for files of a state folder, across processes."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evidence.files import make_folder, opened


@contextmanager
def locked(state: Path, name: str) -> Iterator[None]:
    """While this holds, nobody else holds `name` in `state`, which is made (0700) where there is none. Raises OSError.

    The kernel lets go of it when the process ends, however it does.
    """
    make_folder(state)
    handle = opened(state / name, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
