"""Encoding: what is decided must be what is forwarded, byte for byte, so that nothing is decoded on the way."""

import gzip
import zlib
from collections.abc import Iterator

from tests.attacks.documents import CALL
from tests.attacks.exchanges import ANY, HttpRow
from tests.attacks.upstream import Reply, events, http
from tests.path.messages import result


def _gzip(data: bytes) -> bytes:
    """The one spelling that every version of zlib reads, and none has a say in: stored, not compressed."""
    head, tail = b"\x1f\x8b\x08\0\0\0\0\0\0\xff", zlib.crc32(data).to_bytes(4, "little")
    return head + _stored(data) + tail + len(data).to_bytes(4, "little")


def _deflate(data: bytes) -> bytes:
    return b"\x78\x01" + _stored(data) + zlib.adler32(data).to_bytes(4, "big")


def _stored(data: bytes) -> bytes:
    size = len(data)
    return b"\1" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + data


_BOMB = gzip.compress(b" " * 40_000_000, mtime=0)
OK = result(1, content=[])
_KIND = "Content-Type: application/json"

_CODINGS = [
    ("gzip-named", CALL, "gzip"),
    ("gzip-in-capitals", CALL, "GZIP"),
    ("compress", CALL, "compress"),
    ("brotli", CALL, "br"),
    ("zstd", CALL, "zstd"),
    ("identity-then-gzip", CALL, "identity, gzip"),
    ("gzip-then-identity", CALL, "gzip, identity"),
    ("unknown", CALL, "rot13"),
]
_COMPRESSED = [
    ("gzip", _gzip(CALL), "gzip"),
    ("x-gzip", _gzip(CALL), "x-gzip"),
    ("deflate", _deflate(CALL), "deflate"),
]
_TYPES = [
    ("charset-utf-16", [f"{_KIND}; charset=utf-16"]),
    ("charset-utf-7", [f"{_KIND}; charset=utf-7"]),
    ("charset-latin-1", [f"{_KIND}; charset=iso-8859-1"]),
    ("charset-unknown", [f"{_KIND}; charset=klingon"]),
    ("charset-twice", [f"{_KIND}; charset=utf-8; charset=utf-16"]),
    ("charset-star", [f"{_KIND}; charset*=utf-16''x"]),
    ("text-plain", ["Content-Type: text/plain"]),
    ("form", ["Content-Type: application/x-www-form-urlencoded"]),
    ("multipart", ["Content-Type: multipart/form-data; boundary=x"]),
    ("json-seq", ["Content-Type: application/json-seq"]),
    ("json-rpc", ["Content-Type: application/json-rpc"]),
    ("problem-json", ["Content-Type: application/problem+json"]),
    ("none", ["-Content-Type"]),
    ("empty", ["Content-Type:"]),
    ("list", ["Content-Type: application/json, text/plain"]),
]
_TWICE = [("twice", [_KIND, _KIND]), ("twice-different", [_KIND, "Content-Type: text/plain"])]
"""The HTTP parser refuses these by itself."""


_FOREIGN = ("utf-7", '"UTF-16"', "iso-8859-1", "shift_jis", "hz", "utf-32; charset=utf-8")
"""What a client that believes them reads otherwise; the Python SDK does so on streams."""


def _streamed(body: bytes, *, kind: str) -> Reply:
    return events(b"data: " + body + b"\n\n", kind=kind)


def rows() -> Iterator[HttpRow]:
    """Every row of the class."""
    for name, body, coding in _CODINGS:
        yield HttpRow(f"encoding/{name}", 400, "content_encoding", body=body, headers=[f"Content-Encoding: {coding}"])
    # Compressed bytes are no JSON either: whichever rule is looked at first refuses them, and nothing is inflated.
    for name, body, coding in _COMPRESSED:
        yield HttpRow(f"encoding/{name}", 400, ANY, body=body, headers=[f"Content-Encoding: {coding}"])
    yield HttpRow(
        "encoding/bomb", 400, ANY, body=_BOMB, headers=["Content-Encoding: gzip"],
        said="`Content-Encoding: gzip` and 40 kB that become 40 MB",
    )  # fmt: skip
    yield HttpRow("encoding/gzip-unnamed", 400, "nul_byte", body=_gzip(CALL))
    yield HttpRow("encoding/transfer-gzip", 400, body=CALL, headers=["Transfer-Encoding: gzip, chunked"])
    for name, headers in _TYPES:
        yield HttpRow(f"encoding/type-{name}", 400, "content_type", body=CALL, headers=headers)
    for name, headers in _TWICE:
        yield HttpRow(f"encoding/type-{name}", 400, body=CALL, headers=headers)
    for charset in _FOREIGN:
        for kind, answer in (("application/json", http), ("text/event-stream", _streamed)):
            named = f"{kind}; charset={charset}"
            yield HttpRow(
                f"encoding/answer-{kind.partition('/')[2]}-in-{charset.strip(chr(34)).partition(';')[0].lower()}", 200,
                body=CALL, answer=answer(OK, kind=named), arrives=[CALL], kind=kind, said=f"an answer as `{named}`",
            )  # fmt: skip
    for name, kind in (("utf-8", "; charset=utf-8"), ("quoted", ';charset="UTF-8"'), ("capitals", ";CHARSET=UTF-8")):
        yield HttpRow(
            f"encoding/passes-charset-{name}", 200, body=CALL, headers=[_KIND + kind], arrives=[CALL], passes=True
        )
    yield HttpRow(
        "encoding/passes-identity", 200, body=CALL, headers=["Content-Encoding: identity"], arrives=[CALL], passes=True
    )
