"""Questions of readers over HTTP: who asks, and for what; and the looks into the ledger that answer them."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from aiohttp import hdrs, web

from central.authentication import reader_of
from central.query import Query
from central.readers import Reader, Readers

SECONDS: Final = 20.0
"""How long the database may look for one answer, and a body may take to come in."""

_Found = TypeVar("_Found")


class Looking:
    """Tells readers by their tokens, and lets `at_once` looks happen at the same time; the others wait."""

    def __init__(self, readers: Readers, at_once: int) -> None:
        self._readers = readers
        self.room = asyncio.Semaphore(at_once)

    def reader(self, request: web.Request) -> Reader:
        """Who asks. Raises NotAuthenticated."""
        return reader_of(request.headers.get(hdrs.AUTHORIZATION, ""), self._readers)

    def asked(self, request: web.Request, names: Iterable[str]) -> tuple[Reader, Query]:
        """Who asks, and for what, in parameters of these names. Raises NotAuthenticated, BadRequest."""
        return self.reader(request), Query(request, frozenset(names))

    async def up(self, look: Callable[[], _Found]) -> _Found:
        """What `look` finds, on a thread, once there is room for it."""
        async with self.room:
            return await asyncio.to_thread(look)
