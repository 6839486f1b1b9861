"""A SQLite file on the event loop's side: opened when it is needed first, read and written in a thread of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from policy.engine import CannotDecide

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T")


class Database:
    """`name` is the file's, for messages; `failed` makes what is raised where the file cannot be used."""

    def __init__(
        self, name: str, open: "Callable[[], sqlite3.Connection]", failed: Callable[[str], CannotDecide]
    ) -> None:
        """Nothing is opened yet."""
        self._name = name
        self._open = open
        self._failed = failed
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._connection: sqlite3.Connection | None = None

    async def done(self, work: "Callable[[sqlite3.Connection], T]") -> T:
        """What `work` returns, one work after the other. Raises what `failed` makes of a file that is at fault."""
        import sqlite3  # only a sidecar that uses such a file needs it

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(self._opened()))
        except (sqlite3.Error, OSError, ValueError) as error:
            raise self._failed(f"{self._name} of the state folder: {error}") from error

    def close(self) -> None:
        """Free the file; idempotent."""
        self._thread.shutdown(wait=True)
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> "sqlite3.Connection":
        if self._connection is None:
            self._connection = self._open()
        return self._connection
