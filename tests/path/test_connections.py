"""Connections to an upstream: kept, reused, given up, and never shared by two exchanges."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from proxy.connections import Broken, Connections, NotConnected, Origin, Response

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
HANG_UP = b""


class Script:
    """A server that gives each request the next bytes of its script; empty bytes hang up without a word."""

    def __init__(self, replies: Sequence[bytes]) -> None:
        self._replies = list(replies)
        self.connections = 0
        self.requests: list[int] = []
        self.writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[object]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.writers.append(writer)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.requests.append(number)
                reply = self._replies.pop(0)
                if reply == HANG_UP:
                    return
                writer.write(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self._tasks.discard(task)

    async def ended(self) -> None:
        """Wait until every connection has ended."""
        await asyncio.gather(*self._tasks)


@asynccontextmanager
async def talking(*replies: bytes, idle_seconds: float = 4.0) -> AsyncIterator[tuple[Script, Connections]]:
    """A scripted server, and connections to it."""
    script = Script(replies)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    to = Connections(Origin("127.0.0.1", server.sockets[0].getsockname()[1], idle_seconds=idle_seconds))
    try:
        yield script, to
    finally:
        to.close()
        await script.ended()
        server.close()


async def body_of(response: Response) -> bytes:
    """The whole body; the exchange is over then."""
    try:
        pieces = []
        while piece := await response.piece():
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        response.close()


async def ask(to: Connections, *, again: bool = False) -> bytes:
    return await body_of(await to.exchange(GET, again=again))


async def test_one_connection_serves_one_exchange_after_the_other() -> None:
    async with talking(ANSWER, ANSWER, ANSWER) as (script, to):
        assert [await ask(to) for _ in range(3)] == [b"hi"] * 3
        assert script.requests == [1, 1, 1]


async def test_two_exchanges_at_once_have_two_connections() -> None:
    async with talking(ANSWER, ANSWER) as (script, to):
        first, second = await asyncio.gather(to.exchange(GET, again=False), to.exchange(GET, again=False))
        assert [await body_of(first), await body_of(second)] == [b"hi", b"hi"]
        assert sorted(script.requests) == [1, 2]


class _Stopped(Exception):
    """An order came while the connection was made."""


def _stop() -> None:
    raise _Stopped


async def test_what_may_no_longer_be_sent_once_there_is_a_connection_is_not() -> None:
    async with talking(ANSWER, ANSWER) as (script, to):
        with pytest.raises(_Stopped):
            await to.exchange(GET, again=True, still=_stop)
        with pytest.raises(_Stopped):
            await to.exchange_apart(GET, _stop)
        assert await ask(to) == b"hi"
        with pytest.raises(_Stopped):
            await to.exchange(GET, again=True, still=_stop)
        assert await ask(to) == b"hi"
        assert script.requests == [3, 4]


NOT_KEPT = [
    pytest.param(CLOSING, id="the-server-closes"),
    pytest.param(ANSWER + ANSWER, id="response-smuggling-by-a-second-answer"),
    pytest.param(ANSWER + b"\x00", id="rubbish-behind-the-answer"),
]


@pytest.mark.parametrize("reply", NOT_KEPT)
async def test_what_is_not_kept(reply: bytes) -> None:
    async with talking(reply, ANSWER) as (script, to):
        assert [await ask(to), await ask(to)] == [b"hi", b"hi"]
        assert script.requests == [1, 2]


BROKEN = [
    pytest.param(ANSWER.replace(b"HTTP/1.1", b"HTTP/2.0"), id="another-version"),
    pytest.param(ANSWER.replace(b"HTTP/1.1", b"RTSP/1.0"), id="another-protocol"),
    pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", id="unknown-coding"),
]


@pytest.mark.parametrize("reply", BROKEN)
async def test_what_is_no_answer_has_no_status_either(reply: bytes) -> None:
    """Also where all of it came at once, so that it seemed to be whole."""
    async with talking(reply) as (_, to):
        with pytest.raises(Broken):
            await to.exchange(GET, again=False)


async def test_an_answer_that_nobody_asked_for_ends_the_connection() -> None:
    """Said between two exchanges, it would be taken for the answer to the next."""

    async with talking(ANSWER, ANSWER) as (script, to):
        assert await ask(to) == b"hi"
        for writer in script.writers:
            writer.write(ANSWER.replace(b"hi", b"no"))
        await asyncio.sleep(0.1)
        assert await ask(to) == b"hi"
        assert script.requests == [1, 2]


async def test_an_exchange_that_is_given_up_ends_its_connection() -> None:
    async with talking(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", ANSWER) as (script, to):
        response = await to.exchange(GET, again=False)
        assert await response.piece() == b"hi"
        response.close()
        assert await ask(to) == b"hi"
        assert script.requests == [1, 2]


async def test_what_hangs_up_is_asked_again_only_where_that_changes_nothing() -> None:
    async with talking(ANSWER, HANG_UP, ANSWER) as (script, to):
        assert [await ask(to), await ask(to, again=True)] == [b"hi", b"hi"]
        assert script.requests == [1, 1, 2]
    async with talking(ANSWER, HANG_UP, ANSWER) as (script, to):
        assert await ask(to) == b"hi"
        with pytest.raises(Broken):
            await ask(to)
        assert script.requests == [1, 1]
    async with talking(HANG_UP, ANSWER) as (script, to):
        with pytest.raises(Broken):
            await ask(to, again=True)
        assert script.requests == [1], "a fresh connection that fails is not tried twice"


async def test_an_exchange_apart_touches_no_kept_connection() -> None:
    """What it leaves behind may be closed by the server without a word: no other exchange meets it."""
    async with talking(ANSWER, ANSWER, ANSWER, ANSWER) as (script, to):
        assert await ask(to) == b"hi"
        assert [await body_of(await to.exchange_apart(GET)) for _ in range(2)] == [b"hi", b"hi"]
        assert await ask(to) == b"hi"
        assert script.requests == [1, 2, 3, 1]


async def test_idle_connections_are_dropped() -> None:
    async with talking(ANSWER, ANSWER, idle_seconds=0.05) as (script, to):
        assert await ask(to) == b"hi"
        await asyncio.sleep(0.15)
        assert await ask(to) == b"hi"
        assert script.requests == [1, 2]


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example"], ids=["empty-label", "long-label"])
async def test_a_name_that_no_resolver_takes(host: str) -> None:
    with pytest.raises(NotConnected):
        await ask(Connections(Origin(host, 80)))


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(NotConnected):
        await ask(Connections(Origin("127.0.0.1", port)))


async def test_a_connection_that_is_never_made_takes_its_time_and_no_longer() -> None:
    """The backlog is full: the kernel answers nobody."""
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for waiting in (first, second):
            waiting.settimeout(0)
            waiting.connect_ex(listening.getsockname())
        async with asyncio.timeout(5.0):
            with pytest.raises(NotConnected, match=r"0\.1 s"):
                await ask(Connections(Origin("127.0.0.1", listening.getsockname()[1], connect_seconds=0.1)))
