"""The listening ends: sockets with their modes, and an HTTP server that counts what its parser refuses by itself."""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest

from proxy.answering import SERVER
from proxy.metrics import Metrics
from proxy.settings.addresses import Address, TcpAddress

KEEP_ALIVE_SECONDS: Final = 75.0
"""How long an idle connection of a client stays open."""

CLOSE_SECONDS: Final = 1.0
"""How long connections may take to end after draining."""

OWNER_ONLY: Final = 0o600
EVERYBODY: Final = 0o666

_NO_HTTP: Final = "this is not HTTP as this sidecar reads it\n"
_BACKLOG: Final = 128

Handler = Callable[[BaseRequest], Awaitable[web.StreamResponse]]


class _Connection(RequestHandler):
    """One connection; its parser answers 400 before any handler, so that nothing of it can be recorded."""

    metrics: Metrics

    def handle_error(
        self, request: BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what is no HTTP without repeating it, to the client or to the log: the line at fault may hold a token.

        Anything else is answered as aiohttp does.
        """
        if status == 400 and request.writer.output_size == 0:
            self.metrics.parser_refused()
            answer: web.StreamResponse = web.Response(status=400, text=_NO_HTTP)
            answer.force_close()
        else:
            answer = super().handle_error(request, status, exc, message)
        answer.headers[hdrs.SERVER] = SERVER
        return answer


class _Server(web.Server):
    """Makes connections with exactly the options given: aiohttp's own drops them all if it does not know one."""

    def __init__(self, handler: Handler, metrics: Metrics, header_bytes: int) -> None:
        super().__init__(handler, handler_cancellation=True)
        self._metrics = metrics
        self._header_bytes = header_bytes

    def __call__(self) -> RequestHandler:
        connection = _Connection(
            self,
            loop=asyncio.get_running_loop(),
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type]  # aiohttp takes None for none
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            max_field_size=self._header_bytes,
            max_line_size=self._header_bytes,
        )
        connection.metrics = self._metrics
        return connection


@asynccontextmanager
async def serving(
    handler: Handler, address: Address, *, metrics: Metrics, header_bytes: int, mode: int = OWNER_ONLY
) -> AsyncIterator[None]:
    """Answer every request at `address` with `handler` until the end of the block. Raises OSError."""
    runner = web.ServerRunner(_Server(handler, metrics, header_bytes), shutdown_timeout=CLOSE_SECONDS)
    async with _listening(runner, address, mode):
        yield


@asynccontextmanager
async def serving_app(app: web.Application, address: Address, *, mode: int = OWNER_ONLY) -> AsyncIterator[None]:
    """Serve an application at `address`, on a Unix socket for its owner alone but for `mode`. Raises OSError."""
    async with _listening(web.AppRunner(app, access_log=None), address, mode):
        yield


@asynccontextmanager
async def _listening(runner: web.BaseRunner, address: Address, mode: int) -> AsyncIterator[None]:
    await runner.setup()
    try:
        await _site(runner, address, mode).start()
        yield
    finally:
        await runner.cleanup()


def _site(runner: web.BaseRunner, address: Address, mode: int) -> web.BaseSite:
    if isinstance(address, TcpAddress):
        return web.TCPSite(runner, address.host, address.port)
    return web.SockSite(runner, _unix_socket(address.path, mode))


def _unix_socket(path: Path, mode: int) -> socket.socket:
    """A listening socket that has its mode before anybody can connect; one left by an earlier life makes room."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _answers(path):
        raise OSError(errno.EADDRINUSE, "somebody listens there already", str(path))
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX)
    before = os.umask(0o777)
    try:
        bound.bind(str(path))
    finally:
        os.umask(before)
    bound.listen(_BACKLOG)
    path.chmod(mode)
    return bound


def _answers(path: Path) -> bool:
    if not path.is_socket():
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
