"""Kept-alive HTTP/1.1 connections to one upstream: one exchange at a time on each, with back-pressure.

A general client costs more for each call than everything else that the path does with it.
"""

import asyncio
import hashlib
import hmac
import socket
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, cast

import aiohappyeyeballs

from proxy.reach import Reach
from proxy.vocabulary import always
from proxy.wire.http_answer import AnswerReader, BadHttp

IDLE_SECONDS: Final = 4.0
"""Kept connections are dropped before the usual server does it (5 s), so that no call meets a closing one."""

MAX_IDLE: Final = 256
"""Connections kept for the next exchange."""

HELD_BYTES: Final = 256 << 10
"""What of a body may wait to be read before the upstream is made to wait."""

_SECOND_ADDRESS_SECONDS: Final = 0.25
"""When the next address of a name is tried as well (RFC 8305, section 5)."""


class NotConnected(ConnectionError):
    """No connection could be made: nothing of the exchange has been written."""


class Broken(ConnectionError):
    """The connection ended, or brought no HTTP, while the exchange was under way."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections go. `tls` is None for plain HTTP; `fingerprint` pins the only certificate (SHA-256)."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    fingerprint: bytes | None = None
    connect_seconds: float = 10.0
    idle_seconds: float = IDLE_SECONDS
    reach: Reach = field(default_factory=Reach)


class _Connection(asyncio.Protocol):
    """One connection, with at most one exchange under way."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._paused = False
        self._lost: str | None = None
        self.answer = AnswerReader()
        self.heard = False
        self.apart = False
        self.kept_until = 0.0

    @property
    def alive(self) -> bool:
        """True while nothing has ended it."""
        return self._lost is None

    @property
    def keepable(self) -> bool:
        """True if another exchange may follow the one that is over."""
        sent = self._transport is not None and not self._transport.get_write_buffer_size()
        ended = self.answer.complete and self.answer.reusable and not self._pieces
        return sent and ended and self.alive and not self.apart

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def begin(self, request: bytes) -> None:
        """Send a request; its answer is read from now on."""
        assert self._transport is not None  # noqa: S101  (begun only after it is made)
        self.answer, self.heard = AnswerReader(), False
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self.answer.complete:
            self.abort("bytes that nobody asked for")
            return
        self.heard = True
        try:
            pieces = self.answer.feed(data)
        except BadHttp as bad:
            self.abort(str(bad))
            return
        if pieces:
            self._pieces.extend(pieces)
            self._held += sum(map(len, pieces))
            self._pace()
        self._wake()

    def _pace(self) -> None:
        if self._transport is None or self._paused == (self._held > HELD_BYTES) or not self.alive:
            return
        self._paused = not self._paused
        if self._paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _news(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def head(self) -> None:
        """Wait for status and headers. Raises Broken."""
        while not self.answer.begun:
            if self._lost is not None:
                raise Broken(self._lost)
            await self._news()

    async def piece(self) -> bytes:
        """The next piece of the body, empty at its end. Raises Broken once all that came has been given."""
        while not self._pieces:
            if self.answer.complete:
                return b""
            if self._lost is not None:
                raise Broken(self._lost)
            await self._news()
        piece = self._pieces.popleft()
        self._held -= len(piece)
        if self._paused:
            self._pace()
        return piece

    def connection_lost(self, error: Exception | None) -> None:
        if self._lost is None:
            self._lost = "the connection ended" if error is None else repr(error)
        if error is None:
            try:
                self.answer.end()
            except BadHttp as bad:
                self._lost = str(bad)
        self._wake()

    def abort(self, why: str) -> None:
        """End it at once; who waits learns why."""
        if self._lost is None:
            self._lost = why
        if self._transport is not None:
            self._transport.abort()
        self._wake()


class Response:
    """One answer: `status` and `headers` at once, the body piece by piece. Close it, whatever happens."""

    def __init__(self, connections: "Connections", connection: _Connection) -> None:
        self._connections = connections
        self._connection: _Connection | None = connection
        self.status = connection.answer.status
        self.headers = tuple(connection.answer.headers)

    async def piece(self) -> bytes:
        """The next piece of the body, empty at its end. Raises Broken."""
        return b"" if self._connection is None else await self._connection.piece()

    def close(self) -> None:
        """Keep the connection if the body was read to its end, else end it; idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._connections.give_back(connection)


class Connections:
    """The connections to one origin."""

    def __init__(self, origin: Origin) -> None:
        """Nothing is connected yet."""
        self._origin = origin
        self._idle: deque[_Connection] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def exchange(self, request: bytes, *, again: bool, still: Callable[[], object] = always) -> Response:
        """Send a whole request and wait for the head of its answer. Raises NotConnected, Broken, and what `still` does.

        That is called right before the first byte is written: connecting takes its time.

        Where a kept connection turns out to be closed, nothing came back, and the request may be sent `again`
        (RFC 9110, section 9.2.2), a fresh one is tried.
        """
        if (kept := self._kept()) is not None:
            try:
                return await self._on(kept, request, still)
            except Broken:
                if kept.heard or not again:
                    raise
        return await self._on(await self._connect(), request, still)

    async def exchange_apart(self, request: bytes, still: Callable[[], object] = always) -> Response:
        """As `exchange`, on a connection for this one alone.

        A server may close behind its answer without a word: the call of a client is not to meet such a connection
        because of a request that it knows nothing of.
        """
        connection = await self._connect()
        connection.apart = True
        return await self._on(connection, request, still)

    async def _on(self, connection: _Connection, request: bytes, still: Callable[[], object]) -> Response:
        try:
            still()
            connection.begin(request)
            await connection.head()
        except BaseException:
            connection.abort("given up")
            raise
        return Response(self, connection)

    def _kept(self) -> _Connection | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.alive and connection.kept_until > now:
                return connection
            connection.abort("kept for too long")
        return None

    def give_back(self, connection: _Connection) -> None:
        """An exchange is over."""
        if self._closed or not connection.keepable or len(self._idle) >= MAX_IDLE:
            connection.abort("not kept")
            return
        loop = asyncio.get_running_loop()
        connection.kept_until = loop.time() + self._origin.idle_seconds
        self._idle.append(connection)
        if self._timer is None:
            self._timer = loop.call_later(self._origin.idle_seconds, self._drop_old)

    def _drop_old(self) -> None:
        """The oldest stand first."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._idle and (self._idle[0].kept_until <= now or not self._idle[0].alive):
            self._idle.popleft().abort("kept for too long")
        self._timer = loop.call_at(self._idle[0].kept_until, self._drop_old) if self._idle else None

    async def _connect(self) -> _Connection:
        origin = self._origin
        try:
            async with asyncio.timeout(origin.connect_seconds):
                connection = await self._open()
        except TimeoutError as error:
            raise NotConnected(f"no connection within {origin.connect_seconds} s") from error
        except (OSError, UnicodeError) as error:
            # UnicodeError is what the resolver raises for a name with a label that is empty or too long.
            raise NotConnected(str(error) or repr(error)) from error
        return connection

    async def _open(self) -> _Connection:
        """TCP to whichever address within reach answers first, then TLS, then the pinned certificate."""
        origin, loop = self._origin, asyncio.get_running_loop()
        found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
        dialled = await aiohappyeyeballs.start_connection(
            origin.reach.among(origin.host, found), happy_eyeballs_delay=_SECOND_ADDRESS_SECONDS, loop=loop
        )
        dialled.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            transport, connection = await loop.create_connection(
                _Connection,
                sock=dialled,
                ssl=origin.tls,
                server_hostname=origin.host if origin.tls is not None else None,
            )
        except BaseException:
            dialled.close()
            raise
        if origin.fingerprint is not None:
            _check_pin(transport, origin.fingerprint)
        return connection

    def close(self) -> None:
        """End what is idle, and keep nothing any more; idempotent."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        while self._idle:
            self._idle.pop().abort("closed")


def _check_pin(transport: asyncio.BaseTransport, pinned: bytes) -> None:
    tls = transport.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    if certificate is None or not hmac.compare_digest(hashlib.sha256(certificate).digest(), pinned):
        cast(asyncio.Transport, transport).abort()
        raise NotConnected("the server's certificate is not the pinned one")
