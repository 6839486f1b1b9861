"""SQLite files of the state folder, which several processes may share: how they are opened, and one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import sqlite3


def opened(
    path: Path, tables: str, *, wait_seconds: float, synchronous: Literal["NORMAL", "FULL"]
) -> "sqlite3.Connection":
    """The file, made where there is none (0600), with its tables. Raises OSError, sqlite3.Error.

    What is committed survives kill -9, with `FULL` a power cut as well. Another process may hold the file for
    `wait_seconds`. Any one thread at a time may use the connection.
    """
    import sqlite3  # only a process that opens such a file needs it

    path.touch(mode=0o600)
    database = sqlite3.connect(path, wait_seconds, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(f"PRAGMA synchronous = {synchronous}")
    database.executescript(tables)
    return database


@contextmanager
def transaction(database: "sqlite3.Connection") -> Iterator[None]:
    """All that is done inside, or nothing of it where it raises."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise
