"""Answers of HTTP/1.1: cut anywhere they are the same, and end where RFC 9112 says, or are none."""

import re
from typing import Final

from msgspec import Struct

from proxy.wire.http_answer import AnswerReader, BadHttp
from tests.fuzz.pieces import Pieces
from tests.fuzz.streams import Parts, chunks
from tests.fuzz.target import Target

_HEAD: Final = re.compile(rb"HTTP/1\.([01]) ([0-9]{3})[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]+)(?:;[^\r\n]*)?\r\n")
_TRAILERS: Final = re.compile(rb"(?:[^\r\n]+\r\n)*\r\n")
_BODILESS: Final = frozenset((101, 204, 304))

Head = tuple[int, list[tuple[str, str]]]


class _Read(Struct):
    """What a reader made of a stream, and of the end behind it."""

    head: Head
    body: bytes
    reusable: bool


def _check(raw: bytes) -> None:
    pieces = Pieces(raw)
    sizes, stream = pieces.number(256), pieces.rest()
    whole, cut = _read([stream]), _read(chunks(stream, sizes))
    assert (whole is None) == (cut is None)
    if whole is None or cut is None:
        return
    assert (whole.head, whole.body) == (cut.head, cut.body)
    assert whole.reusable or not cut.reusable
    body, rest = _by_the_book(stream)
    assert whole.body == body
    assert not (whole.reusable and rest.strip(b"\r\n"))


def _read(parts: Parts) -> _Read | None:
    """The answer in these parts, the connection ending behind them; as a connection does, nothing is read after it."""
    reader, body, read = AnswerReader(), b"", 0
    try:
        for part in parts:
            if reader.complete:
                break
            body += b"".join(reader.feed(part))
            read += 1
        reusable = reader.reusable and read == len(parts)
        reader.end()
    except BadHttp:
        return None
    assert reader.begun
    assert reader.complete
    return _Read((reader.status, reader.headers), body, reusable)


def _by_the_book(stream: bytes) -> tuple[bytes, bytes]:
    """The body by section 6.3 of RFC 9112, and what follows it."""
    at = 0
    while True:
        head = _HEAD.match(stream, at)
        assert head is not None
        status, at = int(head[2]), head.end()
        if status == 101 or not 100 <= status < 200:
            break
    lines = [line.partition(b":") for line in head[3].split(b"\r\n")]
    lengths = [value.strip(b" \t") for name, _, value in lines if name.lower() == b"content-length"]
    coded = any(name.lower() == b"transfer-encoding" for name, _, _ in lines)
    if status in _BODILESS:
        return b"", stream[at:]
    if coded:
        assert not lengths
        return _unchunked(stream, at)
    if lengths:
        assert len(lengths) == 1
        end = at + int(lengths[0])
        assert end <= len(stream)
        return stream[at:end], stream[end:]
    return stream[at:], b""


def _unchunked(stream: bytes, at: int) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size = _CHUNK.match(stream, at)
        assert size is not None
        length, at = int(size[1], 16), size.end()
        if not length:
            break
        assert stream[at + length : at + length + 2] == b"\r\n"
        body, at = body + stream[at : at + length], at + length + 2
    trailers = _TRAILERS.match(stream, at)
    assert trailers is not None
    return body, stream[trailers.end() :]


def _seeds() -> list[bytes]:
    ok, chunked = b"HTTP/1.1 200 OK\r\n", b"Transfer-Encoding: chunked\r\n\r\n"
    answers = [
        ok + b"Content-Length: 2\r\n\r\nhi",
        ok + b"Content-Length: 2\r\n\r\nhi" + ok + b"Content-Length: 2\r\n\r\nno",
        ok + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
        ok + chunked + b"2;a=\"b\"\r\nhi\r\n0\r\nX: 1\r\n\r\n",
        ok + b"Content-Length: 2\r\n" + chunked + b"2\r\nhi\r\n0\r\n\r\n",
        ok + b"Connection: close\r\n\r\nto the end",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + chunked + b"0\r\n\r\n",
        b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + ok + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 103 Hints\r\nContent-Length: 2\r\n\r\nno" + ok + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 C\r\n\r\nRTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"\r\n\r\n" + ok + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw",
        b"HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 304 Same\r\n" + chunked + b"2\r\nno\r\n0\r\n\r\n",
    ]  # fmt: skip
    return [head + answer for answer in answers for head in (b"\0", b"\x52")]


ANSWER: Final = Target(
    "answer",
    "an HTTP answer does not depend on chunks and ends where its framing says, or is refused as BadHttp",
    _check,
    _seeds,
    (b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 ", b"HTTP/1.1 100 C\r\n\r\n", b"Content-Length: ", b"Connection: ",
     b"Transfer-Encoding: chunked\r\n", b"\r\n\r\n", b"0\r\n\r\n", b"close", b"keep-alive", b"Upgrade: ", b"\n", b";"),
)  # fmt: skip
