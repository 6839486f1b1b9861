"""A real bundle server on loopback, as small as can be: it serves what a test gives it, and notes what was asked."""

import asyncio
import hashlib
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from policy.fetching import WAITING

PATH = "/bundles/policy.tar.gz"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Shelf:
    """What a server hands out. With `waits` it holds a question for the time that Prefer names, or until `put`."""

    packed: bytes = b""
    waits: bool = False
    token: str | None = None
    odd: Handler | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    port: int = 0
    scheme: str = "http"
    asked_again: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Where the bundle is."""
        return f"{self.scheme}://127.0.0.1:{self.port}{PATH}"

    @property
    def etag(self) -> str:
        """That of what it hands out now."""
        return f'"{hashlib.sha256(self.packed).hexdigest()[:16]}"'

    def put(self, packed: bytes) -> None:
        """Hand out another bundle."""
        self.packed = packed
        self._news.set()
        self._news = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One answer; what was asked and the status are noted."""
        self.asked.append(dict(request.headers))
        if len(self.asked) > 1:
            self.asked_again.set()
        answer = await (self.odd or self._answer)(request)
        self.answered.append(answer.status)
        return answer

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self.token is not None and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        if request.headers.get("If-None-Match") == self.etag and self.waits:
            await self._wait(request.headers.get("Prefer", ""))
        if request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304, headers={"ETag": self.etag})
        kind = WAITING if self.waits else "application/gzip"
        return web.Response(body=self.packed, content_type=kind, headers={"ETag": self.etag})

    async def _wait(self, prefer: str) -> None:
        parts = dict(part.split("=", 1) for part in prefer.split(";") if "=" in part)
        try:
            async with asyncio.timeout(float(parts.get("wait", 0))):
                await self._news.wait()
        except TimeoutError:
            return


@asynccontextmanager
async def serving(shelf: Shelf, tls: ssl.SSLContext | None = None) -> AsyncIterator[Shelf]:
    """The shelf behind a port of loopback, the same one again if it had one."""
    app = web.Application()
    app.router.add_get("/{path:.*}", shelf.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", shelf.port, ssl_context=tls)
    await site.start()
    shelf.scheme = "http" if tls is None else "https"
    shelf.port = runner.addresses[0][1]
    try:
        yield shelf
    finally:
        await runner.cleanup()


@contextmanager
def served(shelf: Shelf, tls: ssl.SSLContext | None = None) -> Iterator[Callable[[bytes], None]]:
    """As `serving`, in a thread; what is given to `put` is handed out from then on."""
    ready, loop = threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        async with serving(shelf, tls):
            ready.set()
            await ended.wait()

    ended = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait(10)
    try:
        yield lambda packed: asyncio.run_coroutine_threadsafe(_put(shelf, packed), loop).result(10)
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


async def _put(shelf: Shelf, packed: bytes) -> None:
    shelf.put(packed)
