"""Kept-alive HTTP/1.1 connections to a local OPA, for short questions and short answers.

A general client costs three times as much for each question as OPA takes to hand it to its engine. This one sends
one request at a time on each connection, reads the answer with httptools, and keeps what is idle.
"""

import asyncio
from collections import deque
from collections.abc import Set as AbstractSet
from typing import Final, cast

import httptools

from policy.peer import peer_uid

MAX_ANSWER_BYTES: Final = 8 << 20
"""An answer longer than this is none: a listing hides some thousand names at the most."""

MAX_IDLE: Final = 64
"""Connections kept for the next question."""


class Answered:
    """One answer of OPA: its HTTP status and its whole body."""

    __slots__ = ("body", "status")

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body


class BrokenAnswer(ConnectionError):
    """The connection ended, or what came on it is no HTTP answer, before the question was answered."""


class Stranger(ConnectionError):
    """Somebody else than OPA may have taken its socket; the text says which user id listens there."""


class _Connection(asyncio.Protocol):
    """One connection, with at most one question under way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._size = 0
        self._answer: asyncio.Future[Answered] | None = None
        self.idle = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.idle = True

    def peer(self) -> int | None:
        """The user id that listens at the other end; None where that is no Unix socket."""
        assert self._transport is not None  # noqa: S101  (asked only after it is made)
        return peer_uid(self._transport.get_extra_info("socket"))

    def ask(self, request: bytes) -> "asyncio.Future[Answered]":
        """Send one request; the future gives its answer or BrokenAnswer."""
        assert self._transport is not None  # noqa: S101  (asked only after it is made)
        self.idle = False
        self._pieces, self._size = [], 0
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._break(f"not HTTP: {error}")

    def on_body(self, body: bytes) -> None:
        """Called by the parser for each piece."""
        self._size += len(body)
        if self._size > MAX_ANSWER_BYTES:
            self._break(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
        else:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        """Called by the parser at the end of the answer."""
        status, self.idle = self._parser.get_status_code(), self._parser.should_keep_alive()
        if self._answer is None:
            self._break("an answer that nobody asked for")
        elif not self._answer.done():
            self._answer.set_result(Answered(status, b"".join(self._pieces)))

    def expire(self) -> None:
        """The question has taken too long."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(TimeoutError())

    def connection_lost(self, error: Exception | None) -> None:
        self._break("the connection ended" if error is None else str(error))

    def _break(self, what: str) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BrokenAnswer(what))

    def close(self) -> None:
        """Give the connection up."""
        self.idle = False
        if self._transport is not None:
            self._transport.abort()


class Connections:
    """The connections to one OPA at `address`: `unix:/path` or `http://host:port`."""

    def __init__(self, address: str, users: AbstractSet[int]) -> None:
        """Nothing is connected yet. On a Unix socket only what a user id of `users` listens on is asked."""
        self._users = users
        self._path = address.removeprefix("unix:") if address.startswith("unix:") else None
        host, _, port = address.removeprefix("http://").rstrip("/").rpartition(":")
        self._host, self._port = host.strip("[]"), port
        self._free: deque[_Connection] = deque()

    async def post(self, path: str, body: bytes, *, seconds: float) -> Answered:
        """POST `body` (JSON) to `path`. Raises TimeoutError after `seconds`, OSError if nobody answers.

        A kept connection may have been closed by OPA meanwhile: then a fresh one is tried. Questions change nothing.
        """
        request = b"POST %b HTTP/1.1\r\nHost: opa\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        request %= (path.encode(), len(body), body)
        if self._free and (connection := self._free.pop()).idle:
            # The usual case, without a scope for its time: one timer is enough.
            timer = asyncio.get_running_loop().call_later(seconds, connection.expire)
            try:
                return await self._on(connection, request)
            except BrokenAnswer:
                pass
            finally:
                timer.cancel()
        async with asyncio.timeout(seconds):
            return await self._on(await self._connect(), request)

    async def _on(self, connection: _Connection, request: bytes) -> Answered:
        try:
            answer = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        if connection.idle and len(self._free) < MAX_IDLE:
            self._free.append(connection)
        else:
            connection.close()
        return answer

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        if self._path is not None:
            return self._known((await loop.create_unix_connection(_Connection, self._path))[1])
        return (await loop.create_connection(_Connection, self._host, int(self._port or 80)))[1]

    def _known(self, connection: _Connection) -> _Connection:
        """The connection, if a user that may be OPA is at its other end. Raises Stranger before anything is sent."""
        if (uid := connection.peer()) not in self._users:
            connection.close()
            expected = " or ".join(map(str, sorted(self._users)))
            raise Stranger(f"user id {uid} listens on its socket, and not {expected}")
        return connection

    def close(self) -> None:
        """Close what is idle."""
        while self._free:
            self._free.pop().close()
