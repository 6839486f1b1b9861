"""Group commit: one thread flushes the spool to disk, and one flush serves all that wait for it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from evidence.spool import Spool


class Flusher:
    """Flushes a spool. All methods belong to the event loop; only the flush itself runs in the thread."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "evidence-flush")
        self._running: asyncio.Future[None] | None = None
        self._next: asyncio.Future[None] | None = None

    def flushed(self) -> asyncio.Future[None]:
        """Done when all that is written now is on disk; fails with OSError. Waiters share it: never cancel it."""
        if self._running is None:
            return self._start(self._loop.create_future())
        if self._next is None:
            self._next = self._loop.create_future()
        return self._next

    def close(self) -> None:
        """End the thread; a flush that runs is waited for."""
        self._thread.shutdown()

    def _start(self, done: asyncio.Future[None]) -> asyncio.Future[None]:
        self._running = done
        work = self._loop.run_in_executor(self._thread, self._spool.sync_job())
        work.add_done_callback(self._finish)
        return done

    def _finish(self, work: asyncio.Future[None]) -> None:
        done, self._running = self._running, None
        following, self._next = self._next, None
        if following is not None:
            _ = self._start(following)
        if done is None or done.done():
            return
        error = work.exception()
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
