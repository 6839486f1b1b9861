"""A file that is there whole or not at all, and in no other file's place."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path
from typing import Final

_FILE_MODE: Final = 0o600


@contextmanager
def drafted(target: Path) -> Iterator[BufferedRandom]:
    """A file of a name of its own beside `target`, which gets that name at the end of the block; gone if that raises.

    Only the owner can read it. Raises FileExistsError, where another one was sooner; OSError.
    """
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".draft", dir=target.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _put(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _put(draft: Path, target: Path) -> None:
    try:
        os.link(draft, target)
    except FileExistsError as error:
        raise _there(target) from error
    except OSError:
        # No hard links here, as on many sticks. Whoever makes the file first may put something in its place.
        try:
            target.touch(_FILE_MODE, exist_ok=False)
        except FileExistsError as error:
            raise _there(target) from error
        draft.replace(target)


def _there(target: Path) -> FileExistsError:
    return FileExistsError(f"{target} is there already: give another name")
