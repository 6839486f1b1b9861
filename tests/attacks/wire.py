"""One HTTP exchange on a connection of its own, byte for byte, and what really came back."""

import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SECONDS: Final = 15.0
REST_SECONDS: Final = 0.2
"""How long a second answer on the same connection is waited for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` is 0 where the connection ended without an answer; `rest` is what came after it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    rest: bytes = b""


NOTHING: Final = Answer(0, {}, b"")


def connect(port: int) -> socket.socket:
    """A connection to a loopback port, on which small pieces go out at once."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def exchange_unix(path: Path, whole: bytes) -> Answer:
    """One exchange on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(str(path))
        _send(connection, [whole], 0.0)
        return read_answer(connection)


def exchange(port: int, pieces: Sequence[bytes], *, method: str = "POST", pause: float = 0.0) -> Answer:
    """Send the pieces, with a pause between them, and read one answer to its end, and what follows it."""
    with connect(port) as connection:
        _send(connection, pieces, pause)
        return read_answer(connection, method)


def _send(connection: socket.socket, pieces: Sequence[bytes], pause: float) -> None:
    with suppress(ConnectionError):  # a server that has refused already reads no further
        for piece in pieces:
            connection.sendall(piece)
            if pause and piece is not pieces[-1]:
                time.sleep(pause)


def read_answer(connection: socket.socket, method: str = "POST") -> Answer:
    """One answer of a connection, and what comes right after it; NOTHING where it ends before there is a whole head."""
    reader = _Reader(connection)
    try:
        head = reader.until(b"\r\n\r\n")
    except EOFError:
        return NOTHING
    line, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
    status = int(line.split()[1])
    body = b"" if method == "HEAD" or status in (204, 304) else _body(reader, headers)
    return Answer(status, headers, body, reader.rest())


def _body(reader: "_Reader", headers: Mapping[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", ""):
        pieces = []
        with suppress(EOFError):
            while size := int(reader.until(b"\r\n"), 16):
                pieces.append(reader.exactly(size + 2)[:-2])
            reader.until(b"\r\n")
        return b"".join(pieces)
    if "content-length" in headers:
        return reader.exactly(int(headers["content-length"]))
    return reader.to_end()


class _Reader:
    """Bytes of a connection, however they come in. Raises EOFError where it ends too early."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""

    def until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            self._more()
        found, _, self._buffer = self._buffer.partition(end)
        return found

    def exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def to_end(self) -> bytes:
        with suppress(EOFError):
            while True:
                self._more()
        found, self._buffer = self._buffer, b""
        return found

    def rest(self) -> bytes:
        self._connection.settimeout(REST_SECONDS)
        with suppress(OSError):
            return self.to_end()
        return self._buffer

    def _more(self) -> None:
        try:
            piece = self._connection.recv(65536)
        except ConnectionError:
            piece = b""
        if not piece:
            raise EOFError
        self._buffer += piece
