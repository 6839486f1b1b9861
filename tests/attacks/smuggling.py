"""HTTP smuggling and exhaustion: two readers of one connection must not see two different requests in it."""

from collections.abc import Iterator
from typing import Final

from tests.attacks.documents import CALL, DROP
from tests.attacks.exchanges import HttpRow
from tests.attacks.gates import ALICE, HEADER_BYTES
from tests.attacks.row import shown

_HEAD: Final = (
    b"POST /files HTTP/1.1\r\nHost: 127.0.0.1:%PORT%\r\nContent-Type: application/json\r\nAuthorization: Bearer "
    + ALICE.encode()
    + b"\r\n"
)
_TE: Final = b"Transfer-Encoding: chunked\r\n"
_SECOND: Final = _HEAD + b"Content-Length: %d\r\n\r\n" % len(DROP) + DROP
"""A whole request that must not be found inside another one."""


def _length(value: bytes) -> bytes:
    return b"Content-Length: " + value + b"\r\n"


def _chunks(*chunks: bytes, trailers: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailers + b"\r\n"


_SIZE = b"%d" % len(CALL)
_FRAMINGS: Final = {
    "length-and-chunked": _length(_SIZE) + _TE + b"\r\n" + _chunks(CALL),
    "chunked-and-length": _TE + _length(_SIZE) + b"\r\n" + _chunks(CALL),
    "chunked-hides-a-request": _length(b"4") + _TE + b"\r\n" + b"0\r\n\r\n" + _SECOND,
    "two-lengths": _length(_SIZE) + _length(b"5") + b"\r\n" + CALL,
    "two-equal-lengths": _length(_SIZE) * 2 + b"\r\n" + CALL,
    "lengths-in-one": _length(_SIZE + b", " + _SIZE) + b"\r\n" + CALL,
    "length-signed": _length(b"+" + _SIZE) + b"\r\n" + CALL,
    "length-negative": _length(b"-1") + b"\r\n" + CALL,
    "length-hexadecimal": _length(b"0x10") + b"\r\n" + CALL,
    "length-with-an-underscore": _length(b"1_0") + b"\r\n" + CALL,
    "length-with-a-letter": _length(_SIZE + b"a") + b"\r\n" + CALL,
    "length-empty": _length(b"") + b"\r\n" + CALL,
    "length-fraction": _length(_SIZE + b".0") + b"\r\n" + CALL,
    "length-arabic-digits": _length("\u0661\u0660".encode()) + b"\r\n" + CALL,
    "coding-unknown": b"Transfer-Encoding: xchunked\r\n\r\n" + _chunks(CALL),
    "coding-chunked-first": b"Transfer-Encoding: chunked, identity\r\n\r\n" + _chunks(CALL),
    "coding-with-vertical-tab": b"Transfer-Encoding: \x0bchunked\r\n\r\n" + _chunks(CALL),
    "coding-quoted": b'Transfer-Encoding: "chunked"\r\n\r\n' + _chunks(CALL),
    "coding-twice": _TE + _TE + b"\r\n" + _chunks(CALL),
    "coding-chunked-twice": b"Transfer-Encoding: chunked, chunked\r\n\r\n" + _chunks(CALL),
    "coding-folded": b"Transfer-Encoding:\r\n chunked\r\n\r\n" + _chunks(CALL),
    "coding-name-with-a-blank": b"Transfer-Encoding : chunked\r\n\r\n" + _chunks(CALL),
    "chunk-size-signed": _TE + b"\r\n+5\r\n{}   \r\n0\r\n\r\n",
    "chunk-size-prefixed": _TE + b"\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "chunk-size-with-an-underscore": _TE + b"\r\n0_2\r\n{}\r\n0\r\n\r\n",
    "chunk-size-with-a-blank": _TE + b"\r\n 2\r\n{}\r\n0\r\n\r\n",
    "chunk-size-empty": _TE + b"\r\n\r\n{}\r\n0\r\n\r\n",
    "chunk-size-huge": _TE + b"\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "chunk-without-its-end": _TE + b"\r\n2\r\n{}0\r\n\r\n",
    "chunk-longer-than-its-size": _TE + b"\r\n2\r\n{}{}\r\n0\r\n\r\n",
    "bare-line-feeds-in-chunks": _TE + b"\r\n2\n{}\n0\n\n",
    "bare-line-feed-after-a-size": _TE + b"\r\n%x\n" % len(CALL) + CALL + b"\r\n0\r\n\r\n",
    "extension-with-a-line-feed": _TE + b"\r\n2;a\n{}\r\n0\r\n\r\n",
    "trailers-endless": _TE + b"\r\n" + _chunks(CALL, trailers=b"X-A: b\r\n" * 20_000),
    "trailer-too-long": _TE + b"\r\n" + _chunks(CALL, trailers=b"X-A: " + b"b" * 70_000 + b"\r\n"),
    "trailer-without-a-colon": _TE + b"\r\n" + _chunks(CALL, trailers=b"smuggled\r\n"),
    "header-too-long": b"X-A: " + b"a" * (HEADER_BYTES + 10) + b"\r\n" + _length(_SIZE) + b"\r\n" + CALL,
    "header-name-too-long": b"X-" + b"a" * (HEADER_BYTES + 10) + b": 1\r\n" + _length(_SIZE) + b"\r\n" + CALL,
    "headers-too-many": b"".join(b"X-%d: 1\r\n" % n for n in range(10_000)) + _length(_SIZE) + b"\r\n" + CALL,
    "bare-line-feeds-in-the-head": _length(_SIZE).replace(b"\r\n", b"\n") + b"\n" + CALL,
    "bare-cr-in-a-header": b"X-A: b\rContent-Length: 5\r\n" + _length(_SIZE) + b"\r\n" + CALL,
    "nul-in-a-header": b"X-A: b\0\r\n" + _length(_SIZE) + b"\r\n" + CALL,
}
_WHOLE: Final = {
    "request-line-too-long": b"POST /" + b"a" * (HEADER_BYTES + 10) + b" HTTP/1.1\r\nHost: 127.0.0.1:%PORT%\r\n\r\n",
    "http2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version-in-small-letters": b"GET /files http/1.1\r\nHost: 127.0.0.1:%PORT%\r\n\r\n",
    "method-with-a-blank": b"GE T /files HTTP/1.1\r\nHost: 127.0.0.1:%PORT%\r\n\r\n",
    "method-with-a-bracket": b"GET( /files HTTP/1.1\r\nHost: 127.0.0.1:%PORT%\r\n\r\n",
    "blank-in-the-path": b"GET /files /x HTTP/1.1\r\nHost: 127.0.0.1:%PORT%\r\n\r\n",
    "bytes-of-tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


def rows() -> Iterator[HttpRow]:
    """Every row of the class."""
    for name, framed in _FRAMINGS.items():
        yield HttpRow(f"smuggling/{name}", 400, raw=_HEAD + framed, alone=True, said=_said(framed))
    for name, whole in _WHOLE.items():
        yield HttpRow(f"smuggling/{name}", 400, raw=whole, alone=True)
    for name, line in (("no-version", b"GET /files\r\n\r\n"), ("version-09", b"GET /files HTTP/0.9\r\n\r\n")):
        yield HttpRow(f"smuggling/{name}", 400, "host_missing", raw=line, alone=True, method="GET")
    for name, version in (("http2-by-its-word", b"HTTP/2.0"), ("http09-by-its-word", b"HTTP/0.9")):
        raw = _HEAD.replace(b"HTTP/1.1", version) + _length(_SIZE) + b"\r\n" + CALL
        said = f"a POST whose request line says `{version.decode()}`"
        yield HttpRow(f"smuggling/{name}", 505, raw=raw, alone=True, lacks=[b"echo"], said=said)
    large = _length(b"99999999999") + b"\r\n"
    yield HttpRow(
        "smuggling/length-beyond-the-limit", 413, "too_large", raw=_HEAD + large, alone=True, said=_said(large)
    )
    chunked = _TE + b"\r\n" + _chunks(*[b" " * 4096] * 20)
    yield HttpRow("smuggling/chunks-beyond-the-limit", 413, "too_large", raw=_HEAD + chunked, said=_said(chunked))
    for name, framed in (
        ("chunks", _TE + b"\r\n" + _chunks(CALL[:7], CALL[7:8], CALL[8:])),
        ("an-extension", _TE + b"\r\n%x;a=b\r\n%b\r\n0\r\n\r\n" % (len(CALL), CALL)),
        ("a-trailer-that-names-nothing", _TE + b"\r\n" + _chunks(CALL, trailers=b"Mcp-Session-Id: stolen\r\n")),
    ):
        yield HttpRow(
            f"smuggling/passes-{name}", 200, raw=_HEAD + framed, arrives=[CALL], passes=True, said=_said(framed)
        )
    whole = _HEAD + _length(_SIZE) + b"\r\n" + CALL
    yield HttpRow(
        "smuggling/passes-byte-by-byte", 200, raw=whole, dripped=True,
        arrives=[CALL], passes=True, said="a call, one byte at a time",
    )  # fmt: skip


def _said(framed: bytes) -> str:
    return f"a POST with {shown(framed)}"
