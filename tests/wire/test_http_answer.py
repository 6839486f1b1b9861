"""Answers of HTTP/1.1 on the wire: where each ends is beyond doubt, however its bytes come, or it is none."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.http_answer import HEAD_BYTES, AnswerReader, BadHttp
from proxy.wire.http_request import BadHeader, request_head

OK = b"HTTP/1.1 200 OK\r\n"


@dataclass
class Read:
    """What a reader made of some bytes; `fault` is why it gave up."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    complete: bool = False
    reusable: bool = False
    fault: str = ""


def read(*chunks: bytes, ended: bool = False) -> Read:
    """Feed the chunks, and the end of the connection if it has `ended`."""
    reader = AnswerReader()
    body = b""
    try:
        for chunk in chunks:
            body += b"".join(reader.feed(chunk))
        if ended:
            reader.end()
    except BadHttp as bad:
        return Read(fault=str(bad))
    return Read(reader.status, reader.headers, body, reader.complete, reader.reusable)


WHOLE = [
    pytest.param(OK + b"Content-Length: 2\r\n\r\nhi", b"hi", True, id="length"),
    pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", b"hi", True, id="chunks"),
    pytest.param(
        OK + b"Transfer-Encoding: chunked\r\n\r\n1;a=b\r\nh\r\n1\r\ni\r\n0\r\nX-T: 1\r\n\r\n", b"hi", True,
        id="chunk-extensions-and-trailers",
    ),
    pytest.param(OK + b"Content-Length: 0\r\n\r\n", b"", True, id="empty"),
    pytest.param(OK + b"Content-Length: " + b"0" * 17 + b"2\r\n\r\nhi", b"hi", True, id="length-of-18-digits"),
    pytest.param(OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi", b"hi", False, id="closing"),
    pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi", False, id="older-http"),
    pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", b"", True, id="no-content"),
    pytest.param(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"", True, id="not-modified-has-no-body"),
    pytest.param(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nhi",
        b"hi", True, id="interim-answers-before-it",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "body", "reusable"), WHOLE)
def test_whole_answers(raw: bytes, body: bytes, *, reusable: bool) -> None:
    at_once, bytewise = read(raw), read(*(raw[at : at + 1] for at in range(len(raw))))
    assert at_once == bytewise
    assert (at_once.body, at_once.complete, at_once.reusable) == (body, True, reusable)
    assert all(name.lower() not in ("x-t", "link") for name, _ in at_once.headers)


BROKEN = [
    pytest.param(b"\x00garbage\r\n\r\n", id="no-http"),
    pytest.param(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi", id="two-lengths"),
    pytest.param(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="length-and-chunks"),
    pytest.param(OK + b"Transfer-Encoding: gzip\r\n\r\nhi", id="unknown-coding"),
    pytest.param(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", id="coding-under-chunks"),
    pytest.param(
        OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="chunked-twice"
    ),
    pytest.param(
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        id="chunks-that-older-http-does-not-know",
    ),
    pytest.param(b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", id="http-2-as-text"),
    pytest.param(b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n", id="http-0.9-with-a-head"),
    pytest.param(b"RTSP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", id="rtsp"),
    pytest.param(b"ICE/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", id="icecast"),
    pytest.param(
        b"HTTP/1.1 100 Continue\r\n\r\nRTSP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", id="rtsp-behind-an-interim"
    ),
    pytest.param(b"RTSP/1.0 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nhi", id="rtsp-as-an-interim"),
    pytest.param(b"\r\n" + OK + b"Content-Length: 2\r\n\r\nhi", id="empty-line-before-the-head"),
    pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhi", id="chunk-size-that-is-none"),
    pytest.param(OK + b"Content-Length: -1\r\n\r\n", id="negative-length"),
    pytest.param(OK + b"Content-Length: " + b"0" * 5000 + b"2\r\n\r\nhi", id="length-of-5000-zeros"),
    pytest.param(OK + b"Content-Length: " + b"0" * 18 + b"2\r\n\r\nhi", id="length-of-19-digits"),
    pytest.param(OK + b"X: a\nY: b\r\nContent-Length: 0\r\n\r\n", id="bare-lf-in-the-head"),
    pytest.param(OK + b"X : a\r\n\r\n", id="blank-before-the-colon"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + OK + b"Content-Length: 0\r\n\r\n", id="endless-interim"),
    pytest.param(OK + b"X: " + b"a" * HEAD_BYTES + b"\r\n\r\n", id="giant-header"),
    pytest.param(OK + b"X: a\r\n" * HEAD_BYTES, id="endless-headers"),
    pytest.param(
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n" + b"X: a\r\n" * HEAD_BYTES, id="endless-trailers"
    ),
    pytest.param(
        OK + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"a" * 2 * HEAD_BYTES, id="endless-chunk-extension"
    ),
]  # fmt: skip


@pytest.mark.parametrize("size", [1000, 1, 1 << 30], ids=["pieces", "bytes", "at-once"])
@pytest.mark.parametrize("raw", BROKEN)
def test_no_answers(raw: bytes, size: int) -> None:
    assert read(*(raw[at : at + size] for at in range(0, len(raw), size)), ended=True).fault


def _head(size: int, status: bytes = b"200 OK", more: bytes = b"") -> bytes:
    """A head of exactly so many bytes."""
    begun = b"HTTP/1.1 " + status + b"\r\n" + more + b"X: "
    return begun + b"a" * (size - len(begun) - 4) + b"\r\n\r\n"


_LENGTH = b"Content-Length: 2\r\n"
HEADS = [
    pytest.param(_head(HEAD_BYTES, more=_LENGTH) + b"hi", True, id="as-long-as-may-be"),
    pytest.param(_head(HEAD_BYTES + 1, more=_LENGTH) + b"hi", False, id="one-byte-longer"),
    pytest.param(
        _head(HEAD_BYTES, b"103 Hints") * 3 + _head(HEAD_BYTES, more=_LENGTH) + b"hi", True, id="each-counts-alone"
    ),
    pytest.param(
        _head(HEAD_BYTES + 1, b"103 Hints") + OK + _LENGTH + b"\r\nhi", False, id="an-interim-one-byte-longer"
    ),
    pytest.param(
        _head(HEAD_BYTES, more=b"Transfer-Encoding: chunked\r\n") + b"2;" + b"a" * 1000 + b"\r\nhi\r\n0\r\n\r\n", True,
        id="what-follows-a-head-does-not-count-with-it",
    ),
]  # fmt: skip


@pytest.mark.parametrize("size", [1000, 7777, 1 << 30])
@pytest.mark.parametrize(("raw", "whole"), HEADS)
def test_each_head_is_bounded(raw: bytes, size: int, *, whole: bool) -> None:
    """However its bytes come, also together with those of the body."""
    got = read(*(raw[at : at + size] for at in range(0, len(raw), size)))
    assert (got.body, got.complete, bool(got.fault)) == ((b"hi", True, False) if whole else (b"", False, True))


ENDS = [
    pytest.param(OK + b"Content-Length: 3\r\n\r\nhi", "ended before", id="cut-in-the-body"),
    pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "ended before", id="cut-before-the-last-chunk"),
    pytest.param(OK + b"Content-Le", "ended before", id="cut-in-the-head"),
    pytest.param(b"", "ended before", id="nothing"),
    pytest.param(OK + b"\r\nhi", "", id="the-end-of-the-connection-is-the-end-of-the-body"),
]


@pytest.mark.parametrize(("raw", "fault"), ENDS)
def test_connections_that_end(raw: bytes, fault: str) -> None:
    got = read(raw, ended=True)
    assert fault in got.fault
    assert bool(fault) == bool(got.fault)
    assert not got.reusable


SURPLUS = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", b"\x00", b"\r\n", b"hi"]


@pytest.mark.parametrize("surplus", SURPLUS)
def test_response_smuggling_behind_an_answer(surplus: bytes) -> None:
    """What follows an answer belongs to nobody, and never opens the connection to another exchange."""
    got = read(OK + b"Content-Length: 2\r\n\r\nhi" + surplus)
    assert (got.status, got.body, got.complete) == (200, b"hi", True)
    assert not got.reusable or not surplus.strip()


def test_an_upgrade_is_no_answer() -> None:
    got = read(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw")
    assert (got.status, got.body, got.reusable) == (101, b"", False)


@given(st.binary(max_size=300), st.lists(st.integers(1, 40), min_size=1, max_size=20), st.booleans())
def test_any_body_at_any_chunking(body: bytes, cuts: list[int], chunked: bool) -> None:  # noqa: FBT001
    if chunked:
        sizes = [body[at : at + cuts[0]] for at in range(0, len(body), cuts[0])]
        framed = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in sizes) + b"0\r\n\r\n"
        raw = OK + b"Transfer-Encoding: chunked\r\n\r\n" + framed
    else:
        raw = OK + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunks: list[bytes] = []
    at = 0
    while at < len(raw):
        size = cuts[len(chunks) % len(cuts)]
        chunks.append(raw[at : at + size])
        at += size
    got = read(*chunks)
    assert (got.body, got.complete, got.reusable) == (body, True, True)


def test_a_request_head() -> None:
    head = request_head("POST", "/mcp?x=1", "h:1", [("Accept", "a"), ("X-Ä", "ü\udcff")], 3)
    assert head == "POST /mcp?x=1 HTTP/1.1\r\nHost: h:1\r\nAccept: a\r\nX-Ä: ü".encode() + (
        b"\xff\r\nContent-Length: 3\r\n\r\n"
    )
    assert request_head("GET", "/", "h", [], None) == b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize("target", ["/a b", "/a HTTP/1.1\tx", "", "/\x7f"])
def test_a_target_that_would_end_early(target: str) -> None:
    with pytest.raises(BadHeader):
        request_head("GET", target, "h", [], None)


@pytest.mark.parametrize("text", ["a\r\nX: b", "a\nX: b", "a\rb", "a\0b", "\r\n\r\nGET / HTTP/1.1"])
@pytest.mark.parametrize("place", ["name", "value", "target", "host"])
def test_http_smuggling_by_a_header(text: str, place: str) -> None:
    given = {"name": "X", "value": "a", "target": "/", "host": "h"} | {place: text}
    with pytest.raises(BadHeader):
        request_head("GET", given["target"], given["host"], [(given["name"], given["value"])], None)
