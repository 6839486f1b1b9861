"""The client's end of an HTTP exchange, on aiohttp: whole answers and streams, and what each of them carries."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import hdrs, web
from aiohttp.web_request import BaseRequest

from proxy.vocabulary import ClientGone, Headers, Reply
from proxy.wire.sse import KEEP_ALIVE, event_bytes

SERVER: Final = "agentgate"

_EVENTS: Final = (("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache"))

Rewrite = Callable[[Headers], Headers]
"""Sees the headers of each answer before they go out."""


def as_they_are(headers: Headers) -> Headers:
    """Nothing to rewrite."""
    return headers


class HttpClient:
    """The client's end of one HTTP exchange; `rewrite` sees the headers of each answer before they go out."""

    def __init__(self, request: BaseRequest, extra: Headers, rewrite: Rewrite = as_they_are) -> None:
        self._request = request
        self._extra = extra
        self._rewrite = rewrite
        self.response: web.StreamResponse | None = None

    @property
    def begun(self) -> bool:
        """True once headers of a stream have gone out."""
        return self.response is not None

    async def answer(self, reply: Reply) -> None:
        """Send the whole answer now: what follows on the path may take longer than the client should wait."""
        response = web.Response(status=reply.status, body=reply.body)
        _set_headers(response, self._rewrite(reply.headers), self._extra)
        self.response = response
        with _client_may_go():
            await response.prepare(self._request)
            await response.write_eof()

    async def ask(self, raw: bytes) -> None:
        """Send a request of the sidecar's as the first event of a stream, which the answer will end."""
        if not self.begun:
            await self.begin(200, _EVENTS)
        await self.send(event_bytes(raw))

    def hold(self) -> None:
        """Nothing: each exchange has a connection, or a turn on one, of its own."""

    async def keep_alive(self) -> None:
        """A comment, where a stream has begun: before that, status and headers are still the upstream's to say."""
        if self.begun:
            await self.send(KEEP_ALIVE)

    async def begin(self, status: int, headers: Headers) -> None:
        """Send status and headers of a stream."""
        response = web.StreamResponse(status=status)
        _set_headers(response, self._rewrite(headers), self._extra)
        self.response = response
        with _client_may_go():
            await response.prepare(self._request)

    async def send(self, raw: bytes) -> None:
        """Send one frame."""
        if self.response is not None:
            with _client_may_go():
                await self.response.write(raw)

    async def end(self) -> None:
        """End the stream."""
        if self.response is not None:
            with _client_may_go():
                await self.response.write_eof()


@contextmanager
def _client_may_go() -> Iterator[None]:
    try:
        yield
    except (ConnectionError, RuntimeError) as error:
        # RuntimeError is what aiohttp raises for a stream that has ended in the meantime.
        raise ClientGone from error


def _set_headers(response: web.StreamResponse, headers: Headers, extra: Headers) -> None:
    given = response.headers
    given.popall(hdrs.CONTENT_TYPE, None)
    # aiohttp would name itself and Python's version.
    given[hdrs.SERVER] = SERVER
    for name, value in headers:
        given.add(name, value)
    for name, value in extra:
        if name not in given:
            given[name] = value


def plain(reply: Reply) -> web.Response:
    """A whole answer that no path leads to."""
    response = web.Response(status=reply.status, body=reply.body)
    _set_headers(response, reply.headers, ())
    return response
