"""The edges on real sockets: who may talk to the listener, what is read of it, and what passes through."""

import asyncio
import gzip
import logging
from itertools import count
from pathlib import Path
from typing import cast

import pytest

from evidence.record import Entry
from policy.vocabulary import Caller
from proxy.legacy import LegacyStream, LegacyStreams
from proxy.path.identify import Credentials, SoleAgent
from proxy.streams import answer_once
from proxy.vocabulary import NO_MESSAGE, ClientGone, ClientLeg, Exchange
from proxy.vocabulary import Reply as Answered
from tests.path.edge import Reply, Seen, answer, edge, request, stream
from tests.path.messages import MESSAGES, call
from tests.path.messages import request as message
from tests.path.stage import BOB_TOKEN, callers

LEGACY = call(1, "echo")
RESULT = MESSAGES["RESULT"]
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
MODERN = message(1, "tools/call", name="echo", arguments={}, _meta=META)
MIRRORS = ("MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: echo")

LEGS = [
    pytest.param("POST", "/files", LEGACY, id="post"),
    pytest.param("GET", "/files", b"", id="get"),
    pytest.param("DELETE", "/files", b"", id="delete"),
    pytest.param("OPTIONS", "/files", b"", id="options"),
    pytest.param("POST", "/files/-/token", LEGACY, id="legacy-post"),
    pytest.param("GET", "/elsewhere", b"", id="elsewhere"),
]
STRANGERS = [
    pytest.param(["Host: evil.example"], 403, "host_not_allowed", id="foreign-host"),
    pytest.param(["Host: 127.0.0.1.evil.example"], 403, "host_not_allowed", id="host-that-begins-well"),
    pytest.param(["Host: 127.0.0.1:1"], 403, "host_not_allowed", id="another-port"),
    pytest.param(["Host: a b"], 400, None, id="malformed-host"),
    pytest.param(["Origin: http://evil.example"], 403, "origin_not_allowed", id="foreign-origin"),
    pytest.param(["Origin: null"], 403, "origin_not_allowed", id="null-origin"),
    pytest.param(["Origin: http://localhost.evil.example"], 403, "origin_not_allowed", id="origin-that-begins-well"),
    pytest.param(["Origin: file://127.0.0.1"], 403, "origin_not_allowed", id="origin-of-another-scheme"),
    pytest.param(
        ["Origin: http://localhost", "Origin: http://evil.example"], 403, "origin_not_allowed", id="two-origins"
    ),
    pytest.param(["-Host"], 400, None, id="no-host"),
    pytest.param(["Host: 127.0.0.1", "Host: evil.example"], 400, None, id="two-hosts"),
]


@pytest.mark.parametrize(("method", "path", "body"), LEGS)
@pytest.mark.parametrize(("headers", "status", "code"), STRANGERS)
async def test_dns_rebinding(
    method: str, path: str, body: bytes, headers: list[str], status: int, code: str | None, tmp_path: Path
) -> None:
    async with edge(tmp_path) as at:
        got = await at.send(method, path, body, headers)
        assert (got.status, got.code if code else None) == (status, code)
        assert "access-control-allow-origin" not in got.headers
        assert at.upstream.seen == []


DENIED = [
    pytest.param("CONNECT", "evil.example:443", ["Host: evil.example:443"], 405, id="connect"),
    pytest.param("GET", "/", [], 404, id="root"),
    pytest.param("POST", "/other", [], 404, id="unknown-upstream"),
    pytest.param("POST", "/files/", [], 404, id="trailing-slash"),
    pytest.param("POST", "/files/tools", [], 404, id="sub-path"),
    pytest.param("POST", "//files", [], 404, id="double-slash"),
    pytest.param("POST", "/files/../files", [], 404, id="dots"),
    pytest.param("POST", "/%66iles", [], 404, id="encoded"),
    pytest.param("POST", "/files%2f-%2ftoken", [], 404, id="encoded-slashes"),
    pytest.param("POST", "/files?x=1", [], 404, id="query"),
    pytest.param("POST", "http://127.0.0.1/files", [], 404, id="absolute-form"),
    pytest.param("GET", "/metrics", [], 404, id="admin-path"),
    pytest.param("PUT", "/files", [], 405, id="put"),
    pytest.param("PATCH", "/files", [], 405, id="patch"),
    pytest.param("HEAD", "/files", [], 405, id="head"),
    pytest.param("TRACE", "/files", [], 405, id="trace"),
    pytest.param("PROPFIND", "/files", [], 405, id="propfind"),
    pytest.param("GET", "/files/-/token", [], 405, id="get-on-a-message-endpoint"),
    pytest.param("DELETE", "/files/-/token", [], 405, id="delete-on-a-message-endpoint"),
    pytest.param("POST", "/files/-/token", [], 404, id="token-of-nobody"),
    pytest.param("POST", "/files", ["-Authorization"], 401, id="no-token"),
    pytest.param("GET", "/files", ["Authorization: Bearer wrong"], 401, id="wrong-token"),
    pytest.param("DELETE", "/files", ["Authorization: Basic YTpi"], 401, id="another-scheme"),
    pytest.param("POST", "/files", ["Authorization: Bearer \xff"], 401, id="token-not-utf-8"),
    pytest.param("POST", "/files/-/token", ["-Authorization"], 401, id="no-token-on-a-message-endpoint"),
]


@pytest.mark.parametrize(("method", "path", "headers", "status"), DENIED)
async def test_default_deny(method: str, path: str, headers: list[str], status: int, tmp_path: Path) -> None:
    async with edge(tmp_path) as at:
        got = await at.send(method, path, LEGACY if method == "POST" else b"", headers)
        assert got.status == status
        assert at.upstream.seen == []


async def test_a_preflight_of_an_allowed_origin_needs_no_token(tmp_path: Path) -> None:
    headers = ["Origin: http://localhost:5173", "Access-Control-Request-Method: POST", "-Authorization"]
    async with edge(tmp_path) as at:
        got = await at.send("OPTIONS", "/files", b"", headers)
        assert got.status == 204
        assert got.headers["access-control-allow-origin"] == "http://localhost:5173"
        assert at.upstream.seen == []


BIG = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"' + b"x" * (1 << 14) + b'"}}'
CHUNKED = ("Transfer-Encoding: chunked",)
UNREAD = [
    pytest.param(BIG, [], 413, "too_large", id="too-large"),
    pytest.param(b"%x\r\n%b\r\n0\r\n\r\n" % (len(BIG), BIG), [*CHUNKED], 413, "too_large", id="too-large-in-chunks"),
    pytest.param(b"", ["Content-Length: 99999999999"], 413, "too_large", id="too-large-by-its-word"),
    pytest.param(
        LEGACY, [f"Content-Length: {'0' * 5000}{len(LEGACY)}"], 400, "header_malformed", id="length-of-5000-zeros"
    ),
    pytest.param(gzip.compress(LEGACY), ["Content-Encoding: gzip"], 400, None, id="gzip"),
    pytest.param(LEGACY, ["Content-Encoding: gzip"], 400, "content_encoding", id="gzip-by-its-word"),
    pytest.param(LEGACY, ["Content-Encoding: br"], 400, "content_encoding", id="brotli-by-its-word"),
    pytest.param(LEGACY.decode().encode("utf-16"), [], 400, "byte_order_mark", id="utf-16"),
    pytest.param(LEGACY, ["Content-Type: application/json; charset=utf-16"], 400, "content_type", id="another-charset"),
    pytest.param(LEGACY, ["Content-Type: text/plain"], 400, "content_type", id="simple-cors-content-type"),
    pytest.param(LEGACY, ["-Content-Type"], 400, "content_type", id="no-content-type"),
    pytest.param(LEGACY, ["Content-Type: application/json", "Content-Type: text/plain"], 400, None, id="two-types"),
    pytest.param(b"", [], 400, "not_json", id="empty"),
    pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"x"}', [], 400, "duplicate_key", id="twice"),
    pytest.param(b"[" * 10_000, [], 400, "too_deep", id="deep"),
    pytest.param(b"[]", [], 400, "batch_empty", id="batch-empty"),
    pytest.param(b"[[]]", [], 400, "batch_nested", id="batch-nested"),
    pytest.param(b"zz\r\n", [*CHUNKED], 400, None, id="broken-chunk"),
    pytest.param(b"0\r\n\r\n", [*CHUNKED, f"Content-Length: {len(LEGACY)}"], 400, None, id="http-smuggling-cl-and-te"),
    pytest.param(LEGACY, ["Content-Length: 5", "Content-Length: 6"], 400, None, id="http-smuggling-two-lengths"),
    pytest.param(MODERN, [], 400, "header_version", id="modern-body-without-headers"),
    pytest.param(MODERN, [*MIRRORS[:2], "Mcp-Name: drop"], 400, "header_name", id="another-name"),
    pytest.param(MODERN, [MIRRORS[0], "Mcp-Method: ping", MIRRORS[2]], 400, "header_method", id="another-method"),
    pytest.param(MODERN, [*MIRRORS, "Mcp-Name: echo"], 400, "header_doubled", id="doubled-name"),
    pytest.param(MODERN, [*MIRRORS[:2], "Mcp-Name: =?base64?ZWNobw?="], 400, "header_base64", id="loose-base64"),
    pytest.param(LEGACY, ["Mcp-Session-Id: a", "Mcp-Session-Id: b"], 400, "header_doubled", id="two-sessions"),
]


@pytest.mark.parametrize(("body", "headers", "status", "code"), UNREAD)
async def test_unread(body: bytes, headers: list[str], status: int, code: str | None, tmp_path: Path) -> None:
    async with edge(tmp_path) as at:
        got = await at.send("POST", "/files", body, headers)
        assert (got.status, got.code if code else None) == (status, code)
        assert at.upstream.seen == []


class FaultyIdentity(SoleAgent):
    """Fails in a way that nobody has foreseen."""

    def identify(self, credentials: Credentials) -> Caller:
        raise ZeroDivisionError


class Deserted(LegacyStreams):
    """The client has gone when it is looked for."""

    def find(self, token: str, caller: Caller) -> LegacyStream:
        raise ClientGone


class FaultyStreams(LegacyStreams):
    """Fails in a way that nobody has foreseen."""

    def find(self, token: str, caller: Caller) -> LegacyStream:
        raise ZeroDivisionError


async def test_a_defect_before_the_caller_is_known(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with edge(tmp_path, known=FaultyIdentity("acme", "alice")) as at:
        got = await at.send(body=LEGACY)
        assert (got.status, got.code) == (500, "internal_error")
        assert (at.upstream.seen, at.chronicle.more()) == ([], [])
        assert b'refusals_total{code="internal_error"' in at.gate.metrics.text()
    assert "unforeseen ZeroDivisionError" in caplog.text


async def test_a_defect_behind_the_caller_is_recorded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with edge(tmp_path) as at:
        at.http.streams = FaultyStreams()
        got = await at.send("POST", "/files/-/token", LEGACY)
        assert (got.status, got.code) == (500, "internal_error")
        assert at.upstream.seen == []
        assert at.chronicle.more() == ["record notice refused internal_error"]
    assert "unforeseen ZeroDivisionError" in caplog.text


async def test_a_client_that_has_gone_is_no_defect(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with edge(tmp_path) as at:
        at.http.streams = Deserted()
        with pytest.raises(asyncio.IncompleteReadError):
            await at.send("POST", "/files/-/token", LEGACY)
        assert at.chronicle.more() == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_defect_behind_the_head_of_an_answer_ends_the_connection(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A second answer to one request would be taken for the answer to the next one."""
    async with edge(tmp_path, lambda _: stream(b"no message")) as at:

        def once(entry: Entry) -> None:
            if entry.body["event"] == "refused":
                at.journal.watch = lambda _: None
                raise ZeroDivisionError

        at.journal.watch = once
        got = await at.send("GET")
        assert got.status == 200
        assert got.raw.count(b"HTTP/1.1") == 1
        assert not got.raw.endswith(b"0\r\n\r\n")
        assert "record notice refused internal_error" in at.chronicle.more()
    assert [record.name for record in caplog.records if record.levelno >= logging.ERROR] == ["agentgate"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("name", ["Mcp-Session-Id", "Last-Event-ID", "MCP-Protocol-Version"])
async def test_cross_talk_by_a_doubled_header(method: str, name: str, tmp_path: Path) -> None:
    async with edge(tmp_path, sessions()) as at:
        await at.send("POST", "/files", MESSAGES["INIT"])
        await at.send("POST", "/files", MESSAGES["INIT"], [f"Authorization: Bearer {BOB_TOKEN}"])
        at.upstream.seen.clear()
        got = await at.send(method, "/files", b"", [f"{name}: session-1", f"{name}: session-2"])
        assert (got.status, got.code) == (400, "header_doubled")
        assert at.upstream.seen == []


def sessions() -> Reply:
    """An upstream that begins session-1, session-2, ... and answers everything else with RESULT."""
    numbers = count(1)

    def reply(seen: Seen) -> bytes:
        if b"initialize" in seen.body:
            return answer(MESSAGES["INIT_RESULT"], f"Mcp-Session-Id: session-{next(numbers)}")
        return answer(RESULT)

    return reply


async def test_a_slow_body(tmp_path: Path) -> None:
    async with edge(tmp_path, body_seconds=0.1) as at:
        head = request("POST", "/files", b"", ["Content-Length: 10"], port=at.port)
        got = await at.raw(head, b"{")
        assert got.status == 408
        assert at.upstream.seen == []


async def test_a_body_that_breaks_off_in_a_chunk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with edge(tmp_path, body_seconds=0.2) as at:
        got = await at.raw(request("POST", "/files", b"", [*CHUNKED], port=at.port), b"5\r\n{}xx", b"zz\r\n\r\n")
        assert got.status in (400, 408)
        assert at.upstream.seen == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


EXPECTING = [
    pytest.param("/files", 200, id="a-body-that-is-wanted"),
    pytest.param("/other", 404, id="a-body-that-nobody-wants"),
]


@pytest.mark.parametrize(("path", "status"), EXPECTING)
async def test_a_client_that_asks_before_it_sends(path: str, status: int, tmp_path: Path) -> None:
    async with edge(tmp_path, lambda _: answer(RESULT)) as at:
        head = request("POST", path, b"", ["Expect: 100-continue", f"Content-Length: {len(LEGACY)}"], port=at.port)
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        writer.write(head)
        async with asyncio.timeout(2):
            first = await reader.readuntil(b"\r\n\r\n")
            if status == 200:
                assert first == b"HTTP/1.1 100 Continue\r\n\r\n"
                writer.write(LEGACY)
                first = await reader.readuntil(b"\r\n\r\n")
        assert first.startswith(b"HTTP/1.1 %d " % status)
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_leaves_while_it_sends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with edge(tmp_path) as at:
        _, writer = await asyncio.open_connection("127.0.0.1", at.port)
        writer.write(request("POST", "/files", b"", ["Content-Length: 10"], port=at.port) + b"{")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()
        await asyncio.sleep(0.05)
        assert at.upstream.seen == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


class _Gone:
    """A client that has gone before its answer."""

    begun = False

    async def answer(self, reply: Answered) -> None:
        raise ClientGone


async def test_a_client_that_has_gone_before_the_answer_to_its_delete(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with edge(tmp_path) as at:
        exchange = Exchange(callers()[0], "files", "http", "2025-11-25", None, NO_MESSAGE)

        async def reply() -> Answered:
            return Answered(200, (), b"")

        await answer_once(exchange, cast(ClientLeg, _Gone()), at.gate, "delete", reply)
        assert [line for line in at.chronicle.more() if "refused" in line] == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
