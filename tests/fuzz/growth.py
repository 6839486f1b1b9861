"""Readers take time in proportion to their input: a piece that is repeated to a great length is read in a moment."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from evidence.canonical import read
from evidence.line import read_line
from policy.bundle import load
from policy.engine import PolicyRefused
from proxy.wire.headers import check_headers
from proxy.wire.lines import LineReader, client_line, server_line
from proxy.wire.message import read_client, read_server
from proxy.wire.rules import Malformed
from proxy.wire.splice import edit_list
from proxy.wire.sse import EventReader
from tests.fuzz.chains import scratch
from tests.fuzz.pieces import Pieces
from tests.fuzz.target import Target

SIZE: Final = 64 * 1024
SECONDS: Final = 0.6
"""A linear reader takes a few milliseconds; a quadratic one of the cheapest kind takes several seconds."""

_LIMIT: Final = 4 * SIZE
_CALL: Final = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}'
_FOLDER: Final = scratch()


def _check(raw: bytes) -> None:
    """The first bytes choose the reader and cut the rest: what stands before, what is repeated, what stands after."""
    pieces = Pieces(raw)
    reader = _READERS[pieces.number(len(_READERS))]
    head, piece = pieces.take(pieces.number(64)), pieces.take(pieces.number(32) + 1)
    text = head + piece * (SIZE // max(1, len(piece))) + pieces.rest()
    taken = _seconds(reader, text)
    if taken > SECONDS:
        # A collection of garbage or a cold cache may fall into one run.
        taken = min(taken, _seconds(reader, text))
    assert taken <= SECONDS, f"{reader.__name__} took {taken:.1f} s for {len(text)} bytes"


def _seconds(reader: Callable[[bytes], object], text: bytes) -> float:
    begin = time.process_time()
    with suppress(Malformed, PolicyRefused, ValueError):
        reader(text)
    return time.process_time() - begin


def _client(text: bytes) -> None:
    read_client(text, limit=_LIMIT)


def _server(text: bytes) -> None:
    read_server(text, limit=_LIMIT)


def _events(text: bytes) -> None:
    EventReader(_LIMIT).feed(text)


def _events_in_parts(text: bytes) -> None:
    reader = EventReader(_LIMIT)
    for at in range(0, len(text), 16):
        reader.feed(text[at : at + 16])


def _lines(text: bytes) -> None:
    reader = LineReader(_LIMIT)
    lines = [line for at in range(0, len(text), 64) for line in reader.feed(text[at : at + 64])]
    for line in [*lines, reader.tail()]:
        for read_one in (client_line, server_line):
            with suppress(Malformed):
                read_one(line, limit=_LIMIT)


def _header(text: bytes) -> None:
    value = text.decode("utf-8", "surrogateescape")
    headers = [("content-type", "application/json"), ("mcp-name", value), ("mcp-param-x", value)]
    check_headers(headers, read_client(_CALL, limit=_LIMIT), schema={})


def _content_type(text: bytes) -> None:
    check_headers([("content-type", text.decode("latin-1"))], read_client(_CALL, limit=_LIMIT))


def _list(text: bytes) -> None:
    raw = b'{"jsonrpc":"2.0","id":1,"result":{"tools":[%b]}}' % text
    message = read_server(raw, limit=_LIMIT).messages[0]
    edit_list(raw, "tools", [True] * len(message.result["tools"]), {"ttlMs": "1"})


def _record(text: bytes) -> None:
    read_line(text)


def _canonical(text: bytes) -> None:
    read(text)


def _rego(text: bytes) -> None:
    (_FOLDER / "a.rego").write_bytes(text)
    load(str(_FOLDER), grants=None)


_READERS: Final = (
    _client, _server, _events, _events_in_parts, _lines, _header, _content_type, _list, _record, _canonical, _rego,
)  # fmt: skip
_PIECES: Final = (
    b"[", b"{", b'"', b"\\", b'{"a":', b"1", b"1,", b"[],", b'"\\u0000",', b"0.1", b"-", b"1e1", b"\n", b"\r", b"\r\n",
    b"\n\r", b": \n", b"data: x\n", b"data:\n\n", b" ", b";", b"=?base64?", b"# x\n", b"`", b'\\"', b"\\ud800",
    b"a\t",
)  # fmt: skip


def _seeds() -> list[bytes]:
    return [bytes([reader, 0, len(piece) - 1]) + piece for reader in range(len(_READERS)) for piece in _PIECES]


GROWTH: Final = Target(
    "growth",
    f"every reader takes less than {SECONDS} s for {SIZE // 1024} KiB, whatever is repeated",
    _check,
    _seeds,
    _PIECES,
    max_bytes=200,
    changes=100,
)
