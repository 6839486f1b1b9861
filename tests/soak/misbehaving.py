"""An upstream that behaves as none should: `python -m tests.soak.misbehaving PORT`; the path says how.

It reads no more than the head of a request, and never ends what a row says that it does not end.
"""

import asyncio
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

ANSWER: Final = b'{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[],"isError":false}}'
EVENT: Final = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"on"}}\n\n'
TRICKLE_SECONDS: Final = 0.01
BLOCK: Final = 65_536

_JSON: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_STREAM: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
_FAREWELL: Final = struct.pack("ii", 1, 0)


async def hang(_: asyncio.StreamWriter) -> None:
    """Takes the call and says nothing."""
    await asyncio.Event().wait()


async def reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection with a reset."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _FAREWELL)


async def cut(writer: asyncio.StreamWriter) -> None:
    """Ends the connection in the middle of the answer."""
    writer.write(_JSON + b"Content-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER[:-9]))
    await writer.drain()


async def garbage(writer: asyncio.StreamWriter) -> None:
    """Is no HTTP server."""
    writer.write(b"220 mail ESMTP\r\n" * 20)
    await writer.drain()


async def trickle(writer: asyncio.StreamWriter) -> None:
    """Sends the right answer, a byte at a time."""
    writer.write(_JSON + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(ANSWER))
    for byte in ANSWER:
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(TRICKLE_SECONDS)


async def endless_events(writer: asyncio.StreamWriter) -> None:
    """Sends events as fast as they are taken, and no answer."""
    await _forever(writer, _STREAM, EVENT * 100)


async def endless_event(writer: asyncio.StreamWriter) -> None:
    """Sends one event that has no end."""
    await _forever(writer, _STREAM + b"data: ", b"x" * BLOCK)


async def endless_body(writer: asyncio.StreamWriter) -> None:
    """Sends one document that has no end."""
    await _forever(writer, _JSON + b"\r\n", b" " * BLOCK)


async def endless_head(writer: asyncio.StreamWriter) -> None:
    """Sends headers and never comes to an answer."""
    await _forever(writer, _JSON, b"X-More: of the same\r\n" * 100)


async def _forever(writer: asyncio.StreamWriter, begin: bytes, more: bytes) -> None:
    writer.write(begin)
    while True:
        writer.write(more)
        await writer.drain()


WAYS: Final[dict[str, Callable[[asyncio.StreamWriter], Awaitable[None]]]] = {
    way.__name__.replace("_", "-"): way
    for way in (hang, reset, cut, garbage, trickle, endless_events, endless_event, endless_body, endless_head)
}


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        head = await reader.readuntil(b"\r\n\r\n")
        way = head.split(b" ", 2)[1].decode().removeprefix("/")
        await WAYS[way](writer)
    writer.close()


async def _serve(port: int) -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
