"""The other edge on real sockets: what an upstream is given, what of its answers may pass, and what it never learns."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from pathlib import Path

import pytest

from evidence.record import Kind
from evidence.tailing import FolderTail
from evidence.verify import verify_paths
from policy.containment import Scope
from proxy.connections import Connections, Origin, Response
from proxy.demux import STOPPED
from proxy.forward import TELLING_AT_ONCE, HttpUpstream, Target
from proxy.vocabulary import Exchange, UpstreamLeg
from proxy.wire.message import read_client
from tests.path.edge import CANARY, Answered, Edge, Reply, Seen, answer, edge, request, stream
from tests.path.messages import MESSAGES, SCHEMAS, call, result
from tests.path.messages import request as request_of
from tests.path.stage import ALICE_TOKEN, BOB_TOKEN, callers

CALL, RESULT, SAMPLE = call(1, "echo"), MESSAGES["RESULT"], MESSAGES["SAMPLE"]
BOB = f"Authorization: Bearer {BOB_TOKEN}"


def always(raw: bytes) -> Reply:
    """An upstream that gives the same bytes to everybody."""
    return lambda _: raw


async def test_what_passes_to_the_upstream(tmp_path: Path) -> None:
    headers = [
        "Mcp-Param-Region: eu", "traceparent: 00-1-2-01", "User-Agent: agent/1", "Accept: application/json",
        "Cookie: a=b", "X-Forwarded-For: 1.2.3.4", "Accept-Encoding: gzip", "Proxy-Authorization: Basic x",
        "X-Api-Key: forged", "TE: trailers", "Connection: keep-alive, Mcp-Param-Hop", "Mcp-Param-Hop: 1",
    ]  # fmt: skip
    async with edge(tmp_path, always(answer(RESULT))) as at:
        got = await at.send("POST", "/files", CALL, headers)
        assert (got.status, got.body) == (200, RESULT)
        seen = at.upstream.seen[-1]
        assert (seen.line, seen.body) == ("POST /mcp HTTP/1.1", CALL)
        names = sorted(name.lower() for name, _ in seen.headers)
        assert names == sorted(
            ["host", "content-type", "content-length", "mcp-param-region", "traceparent", "user-agent", "accept",
             "accept-encoding", "x-api-key"]
        )  # fmt: skip
        assert (seen.all("accept-encoding"), seen.all("x-api-key")) == (["identity"], [CANARY])


async def test_what_passes_to_the_client(tmp_path: Path) -> None:
    headers = [
        "Set-Cookie: a=b", "Server: theirs", "X-Internal: 1", "Mcp-Session-Id: s", "Cache-Control: no-store",
        "Retry-After: 1", "Location: http://evil.example/", "Refresh: 0", "X-Api-Key: " + CANARY,
    ]  # fmt: skip
    async with edge(tmp_path, always(answer(RESULT, *headers))) as at:
        got = await at.send(body=CALL)
        assert set(got.headers) - {"date", "server", "content-length", "connection"} == {
            "content-type", "mcp-session-id", "cache-control", "retry-after",
        }  # fmt: skip
        assert got.headers["server"] != "theirs"


ANSWERS = [
    pytest.param(
        answer(b"", "Location: http://127.0.0.1:9/", status="307 Temporary Redirect"), 307, None, id="redirect"
    ),
    pytest.param(answer(RESULT, "Content-Encoding: gzip"), 200, "encoded_answer", id="compressed"),
    pytest.param(answer(b"x" * (1 << 17)), 200, "too_large", id="too-large"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999999\r\n\r\n", 200, "too_large",
        id="too-large-by-its-word",
    ),
    pytest.param(answer(RESULT, kind="text/plain"), 200, "no_answer", id="wrong-content-type"),
    pytest.param(answer(RESULT, kind=None), 200, "no_answer", id="no-content-type"),
    pytest.param(
        answer(RESULT, "Content-Type: text/event-stream"), 200, "doubled_content_type", id="two-content-types"
    ),
    pytest.param(answer(RESULT, kind="application/jsonp"), 200, "no_answer", id="content-type-that-begins-well"),
    pytest.param(answer(RESULT, status="201 Created"), 201, None, id="created"),
    pytest.param(b"\x00garbage\r\n\r\n", 200, "upstream_down", id="no-http"),
    pytest.param(b"", 200, "upstream_down", id="closed-without-a-word"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{", 200,
                 "upstream_down", id="cut-off"),
    pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + RESULT, 200,
                 "interim_status", id="http-smuggling-by-an-upgrade"),
    pytest.param(answer(b"", status="304 Not Modified"), 304, None, id="not-modified"),
    pytest.param(answer(RESULT, status="999 Odd"), 999, None, id="odd-status"),
    pytest.param(stream(RESULT), 200, None, id="stream"),
    pytest.param(stream(RESULT, status="203 Non-Authoritative"), 203, None, id="stream-with-another-status"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "status", "code"), ANSWERS)
async def test_answers(raw: bytes, status: int, code: str | None, tmp_path: Path) -> None:
    async with edge(tmp_path, always(raw)) as at:
        got = await at.send(body=CALL)
        assert (got.status, got.code) == (status, code)
        assert len(at.upstream.seen) == 1
    report = verify_paths([tmp_path / "evidence"])
    assert (report.ok, report.total("intents"), report.total("outcomes")) == (True, 1, 1)


@pytest.mark.parametrize("status", ["302 Found", "400 Bad", "401 No", "404 Not Found", "500 Oops"])
async def test_response_smuggling_under_a_status(status: str, tmp_path: Path) -> None:
    """One client reads a stream whatever its status is: what is denied does not pass under any."""
    async with edge(tmp_path, always(stream(SAMPLE, RESULT, status=status))) as at:
        at.rules.denied.add("sampling/createMessage")
        got = await at.send(body=CALL)
        assert got.status == int(status.split()[0])
        assert b"sampling" not in got.raw
        assert RESULT in got.raw


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_two_session_ids_are_no_answer(method: str, tmp_path: Path) -> None:
    headers = ["Mcp-Session-Id: one", "Mcp-Session-Id: two"]
    async with edge(tmp_path, always(answer(RESULT, *headers))) as at:
        got = await at.send(method, body=CALL if method == "POST" else b"")
        assert (got.code, got.headers.get("mcp-session-id")) == ("doubled_session_id", None)


async def test_an_event_that_is_too_large(tmp_path: Path) -> None:
    async with edge(tmp_path, always(stream(b"x" * (1 << 17)))) as at:
        got = await at.send(body=CALL)
        assert b'"code":"too_large"' in got.raw


@pytest.mark.parametrize(("method", "body"), [("POST", CALL), ("GET", b"")])
async def test_events_that_are_not_delivered_are_counted(method: str, body: bytes, tmp_path: Path) -> None:
    head = stream(RESULT if method == "POST" else MESSAGES["PROGRESS"])
    async with edge(tmp_path, always(head + b"event: ping\ndata: ping\n\n" * 3)) as at:
        got = await at.send(method, body=body)
        assert got.body.count(b": heartbeat\n\n") == 3
    noted = [line for line in at.chronicle.more() if line.startswith("record notice notifications")]
    assert [line for line in noted if line.endswith("unread_event=3")] == noted != []


async def test_a_stream_of_many_events_lets_others_have_their_turn(tmp_path: Path) -> None:
    """A whole chunk of small events is here at once; somebody else's call goes between them."""
    crowd = stream(*[MESSAGES["PROGRESS"]] * 2_000, RESULT)

    def reply(seen: Seen) -> bytes:
        return answer(MESSAGES["RESULT2"]) if b'"id":2' in seen.body else crowd

    async with edge(tmp_path, reply) as at:
        done: list[str] = []

        async def ask(body: bytes, name: str) -> None:
            await at.send(body=body)
            done.append(name)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ask(CALL, "crowd"))
            await at.upstream.asked.wait()
            tasks.create_task(ask(call(2, "drop"), "one"))
        assert done == ["one", "crowd"]


async def test_a_kill_is_told_at_once_whatever_the_upstream_does(tmp_path: Path) -> None:
    """A legacy upstream is told by another request, which it may leave unanswered; nobody waits for that."""

    async def hang(_: Seen) -> AsyncIterator[bytes]:
        await asyncio.sleep(3600)
        yield b""

    async with edge(tmp_path, hang) as at:
        legacy = ["MCP-Protocol-Version: 2025-06-18"]
        async with asyncio.TaskGroup() as tasks:
            sent = tasks.create_task(at.send(body=CALL, headers=legacy))
            await at.upstream.asked.wait()
            began = asyncio.get_running_loop().time()
            at.gate.obey(at.orders.give("kill"))
            got = await sent
            assert asyncio.get_running_loop().time() - began < 1.0
        assert got.code == "contained"
        assert b"notifications/cancelled" in at.upstream.seen[-1].body


UNFORESEEN = [
    pytest.param(answer(b"{}").replace(b"Length: 2", b"Length: " + b"0" * 5000 + b"2"), id="length-of-5000-zeros"),
    pytest.param(b"", id="nothing"),
]


@pytest.mark.parametrize("badly", UNFORESEEN)
async def test_a_kill_is_told_to_an_upstream_that_answers_badly(badly: bytes, tmp_path: Path) -> None:
    async def hang() -> AsyncIterator[bytes]:
        await asyncio.sleep(3600)
        yield b""

    async with edge(tmp_path, lambda seen: badly if b"cancelled" in seen.body else hang()) as at:
        async with asyncio.TaskGroup() as tasks:
            sent = tasks.create_task(at.send(body=CALL))
            await at.upstream.asked.wait()
            at.gate.obey(at.orders.give("kill"))
        assert sent.result().code == "contained"


class Faulty(Connections):
    """Fails in a way that nobody has foreseen."""

    async def exchange_apart(self, request: bytes, still: Callable[[], object] = lambda: None) -> Response:
        raise ZeroDivisionError


@pytest.mark.parametrize("tell", [
    pytest.param(lambda leg, exchange: leg.cancel(exchange, exchange.envelope.messages, STOPPED), id="cancel"),
    pytest.param(lambda leg, exchange: leg.tell(exchange), id="tell"),
])  # fmt: skip
async def test_what_is_told_raises_nothing(
    tell: Callable[[UpstreamLeg, Exchange], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    upstream = HttpUpstream(Target("files", "http://127.0.0.1:9/mcp"))
    upstream.connections = Faulty(Origin("127.0.0.1", 9))
    exchange = Exchange(
        callers()[0], "files", "http", "2025-06-18", None, read_client(CALL, limit=1 << 16, max_depth=64)
    )
    await tell(upstream.leg(), exchange)
    assert "unforeseen ZeroDivisionError" in caplog.text


async def test_a_slow_reader_slows_the_upstream(tmp_path: Path) -> None:
    """What the upstream says faster than the client reads waits in socket buffers, not in the sidecar."""
    said = count()
    event = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"x":"' + b"x" * 50_000 + b'"}}\n\n'

    async def pieces(_: Seen) -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        for _number in range(2_000):
            next(said)
            yield event

    async with edge(tmp_path, pieces) as at:
        _, writer = await asyncio.open_connection("127.0.0.1", at.port, limit=1 << 16)
        writer.write(request("POST", "/files", CALL, port=at.port))
        await asyncio.sleep(1.0)
        assert next(said) < 1_000, "less than half of the 100 MB have left the upstream"
        writer.close()
        await writer.wait_closed()


async def test_nobody_listens(tmp_path: Path) -> None:
    async with edge(tmp_path, deaf=True) as at:
        got = await at.send(body=CALL)
        assert (got.status, got.code) == (200, "upstream_down")
        await asyncio.sleep(0.01)
        assert "record outcome echo not_sent own_error none upstream_down" in at.chronicle.more()


UNREAD_STREAMS = [
    pytest.param(stream(SAMPLE, status="203 Fine"), id="another-status"),
    pytest.param(stream(SAMPLE, kind="text/plain"), id="another-content-type"),
    pytest.param(stream(SAMPLE, kind="xtext/event-stream"), id="content-type-that-ends-well"),
    pytest.param(stream(SAMPLE, kind="application/json\r\nContent-Type: text/event-stream"), id="two-content-types"),
    pytest.param(answer(SAMPLE), id="json-instead-of-a-stream"),
    pytest.param(stream(SAMPLE), id="stream"),
]


@pytest.mark.parametrize("raw", UNREAD_STREAMS)
async def test_response_smuggling_on_get(raw: bytes, tmp_path: Path) -> None:
    """A denied request of the server reaches no client, in whatever its stream is dressed."""
    async with edge(tmp_path, always(raw)) as at:
        at.rules.denied.add("sampling/createMessage")
        got = await at.send("GET")
        assert b"sampling" not in got.raw


def by_method(**replies: bytes | Callable[[Seen], bytes | AsyncIterator[bytes]]) -> Reply:
    """Another answer for each HTTP method."""

    def reply(seen: Seen) -> bytes | AsyncIterator[bytes]:
        found = replies[seen.line.split()[0].lower()]
        return found if isinstance(found, bytes) else found(seen)

    return reply


def endpoint(named: str, *more: bytes, open_seconds: float = 0.0) -> Callable[[Seen], AsyncIterator[bytes]]:
    """A legacy stream that names its endpoint."""

    async def pieces(_: Seen) -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        yield f"event: endpoint\ndata: {named}\n\n".encode()
        for event in more:
            yield b"event: message\ndata: " + event + b"\n\n"
        await asyncio.sleep(open_seconds)

    return pieces


PLACES = [
    pytest.param("http://h/mcp", "h", "/mcp", id="no-port"),
    pytest.param("http://h:80/mcp", "h", "/mcp", id="the-port-of-http"),
    pytest.param("https://h:443/mcp", "h", "/mcp", id="the-port-of-https"),
    pytest.param("https://h:80/mcp", "h:80", "/mcp", id="the-port-of-the-other-scheme"),
    pytest.param("http://h.:8080/mcp", "h:8080", "/mcp", id="dot-at-the-end"),
    pytest.param("http://[::1]:8080/mcp", "[::1]:8080", "/mcp", id="ipv6"),
    pytest.param("http://[::1]", "[::1]", "/", id="empty-path"),
    pytest.param("http://h?a=%2F+b&a", "h", "/?a=%2F+b&a", id="query-without-a-path"),
    pytest.param("http://h/a%2fb/../%7E//c", "h", "/a%2fb/../%7E//c", id="nothing-is-quoted-anew"),
]


@pytest.mark.parametrize(("url", "host", "target"), PLACES)
async def test_the_place_that_is_asked_for(url: str, host: str, target: str) -> None:
    upstream = HttpUpstream(Target("files", url))
    assert (upstream.host, upstream.url.raw_path_qs) == (host, target)
    await upstream.close()


FOREIGN = [
    pytest.param("http://evil.example/messages", id="another-host"),
    pytest.param("//evil.example/messages", id="another-host-without-scheme"),
    pytest.param("http://169.254.169.254/latest/meta-data", id="metadata-address"),
    pytest.param("http://[::ffff:127.0.0.1]:9/x", id="mapped-address"),
    pytest.param("http://2130706433:9/x", id="decimal-address"),
    pytest.param("http://127.0.0.1:9/messages", id="another-port"),
    pytest.param("https://127.0.0.1/messages", id="another-scheme"),
    pytest.param("http://127.0.0.1@evil.example/", id="user-info"),
    pytest.param("http:\\\\evil.example\\x", id="backslashes"),
    pytest.param("/\\evil.example/x", id="backslash-path"),
    pytest.param("gopher://127.0.0.1/x", id="gopher"),
    pytest.param("http://[x", id="half-an-ipv6-address"),
    pytest.param("http://evil\u2100.example/x", id="a-name-that-becomes-another-one"),
]


@pytest.mark.parametrize("named", FOREIGN)
async def test_ssrf_by_an_endpoint_event(named: str, tmp_path: Path) -> None:
    async with edge(tmp_path, by_method(get=endpoint(named))) as at:
        got = await at.send("GET")
        assert b"evil" not in got.body.replace(b"\\", b"")
        assert b"endpoint" not in got.body or b"/files/-/" in got.body
        same_origin = b"/files/-/" in got.body
        assert same_origin or "record notice refused foreign_endpoint" in at.chronicle.more()


class LegacyClient:
    """A client of HTTP+SSE: its stream, and the endpoint that it was told."""

    def __init__(self, at: Edge, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._at = at
        self._reader = reader
        self._writer = writer
        self.path = ""

    @classmethod
    async def open(cls, at: Edge) -> "LegacyClient":
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        writer.write(request("GET", "/files", port=at.port))
        client = cls(at, reader, writer)
        client.path = (await client.until(rb"data: (/files/-/[0-9a-f]+)")).decode()
        return client

    async def until(self, pattern: bytes) -> bytes:
        """Read on until the pattern has come; its group."""
        heard = b""
        async with asyncio.timeout(3):
            while not (found := re.search(pattern, heard)):
                piece = await self._reader.read(4096)
                assert piece, heard
                heard += piece
        return found[1]

    async def post(self, body: bytes, *headers: str) -> Answered:
        return await self._at.send("POST", self.path, body, headers)

    async def rest(self) -> bytes:
        async with asyncio.timeout(3):
            return await self._reader.read()

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


class LegacyServer:
    """Answers on the stream what is posted to its endpoint."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.endpoint = "/messages?session=1"

    def reply(self, seen: Seen) -> bytes | AsyncIterator[bytes]:
        if seen.line.startswith("GET"):
            return self._stream()
        if b'"id":1' in seen.body:
            self.events.put_nowait(b"event: message\ndata: " + RESULT + b"\n\n")
        return answer(b"Accepted", status="202 Accepted", kind="text/plain")

    async def _stream(self) -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        yield f"event: endpoint\ndata: {self.endpoint}\n\n".encode()
        while (event := await self.events.get()) is not None:
            yield event


async def test_legacy_stream(tmp_path: Path) -> None:
    server = LegacyServer()
    async with edge(tmp_path, server.reply) as at:
        client = await LegacyClient.open(at)
        posted = await client.post(CALL, "Mcp-Session-Id: not-mine")
        assert posted.status == 202
        assert await client.until(rb"data: (.*)\n") == RESULT
        seen = at.upstream.seen[-1]
        assert (seen.line, seen.body) == ("POST /messages?session=1 HTTP/1.1", CALL)
        assert seen.all("mcp-session-id") == []
        stranger = await at.send("POST", client.path, CALL, [BOB])
        assert (stranger.status, stranger.code) == (404, "session_not_found")
        server.events.put_nowait(None)
        assert b"data" not in await client.rest()
        await client.close()
        at.chronicle.more()
        gone = await at.send("POST", client.path, CALL)
        assert (gone.status, gone.code) == (404, "session_not_found")
        assert at.chronicle.more() == ["record notice refused session_not_found"]


MODERN_CALL = call(1, "echo").replace(
    b'"arguments"', b'"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"arguments"'
)
ON_THE_OLDEST = [
    pytest.param([], 202, id="no-mirror-is-needed"),
    pytest.param(["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: echo"], 202, id="mirrors"),
    pytest.param(["MCP-Protocol-Version: 2025-06-18"], 400, id="header-version"),
    pytest.param(["Mcp-Method: tools/list"], 400, id="header-method"),
    pytest.param(["Mcp-Name: drop"], 400, id="header-name"),
]


@pytest.mark.parametrize(("headers", "status"), ON_THE_OLDEST)
async def test_a_modern_body_on_the_oldest_transport(headers: list[str], status: int, tmp_path: Path) -> None:
    """Clients ask for their newest revision there too, without its headers; what is said is compared all the same."""
    server = LegacyServer()
    async with edge(tmp_path, server.reply) as at:
        client = await LegacyClient.open(at)
        assert (await client.post(MODERN_CALL, *headers)).status == status
        assert at.upstream.seen[-1].body == (MODERN_CALL if status == 202 else b"")
        server.events.put_nowait(None)
        await client.close()


@pytest.mark.parametrize(("body", "era"), [(CALL, "2024-11-05"), (MODERN_CALL, "2026-07-28")], ids=["old", "modern"])
async def test_the_era_on_the_oldest_transport(body: bytes, era: str, tmp_path: Path) -> None:
    """It is the body's, as elsewhere; a kill still has to be told: no response stream closes here."""
    server = LegacyServer()
    async with edge(tmp_path, server.reply) as at:
        client = await LegacyClient.open(at)
        assert (await client.post(body.replace(b'"id":1', b'"id":7'))).status == 202
        records = [found.record for found in FolderTail(tmp_path / "evidence").more()]
        (asked,) = [record.body["request"] for record in records if record.header.kind is Kind.INTENT]
        assert (asked["era"], asked["transport"]) == (era, "sse")
        at.gate.flights.sweep(at.orders.give("kill"))
        assert b"contained" in await client.until(rb"data: (.*)\n")
        assert json.loads(at.upstream.seen[-1].body)["method"] == "notifications/cancelled"
        server.events.put_nowait(None)
        await client.close()


@pytest.mark.parametrize("named", ["/a b", "/a HTTP/1.1 ", "/a\0b"], ids=["blank", "version", "nul"])
async def test_request_smuggling_by_an_endpoint_event(named: str, tmp_path: Path) -> None:
    """What would end the request line early is asked for nothing; a kill that has to say so does not fail either."""
    server = LegacyServer()
    server.endpoint = named + "x"
    async with edge(tmp_path, server.reply) as at:
        client = await LegacyClient.open(at)
        posted = await client.post(CALL)
        assert posted.status == 202
        assert b"upstream_down" in await client.until(rb"data: (.*)\n")
        assert [seen.line.split()[0] for seen in at.upstream.seen] == ["GET"]
        assert "record outcome echo not_sent own_error none upstream_down" in at.chronicle.more()
        server.events.put_nowait(None)
        await client.close()


async def test_legacy_denial_goes_on_the_stream(tmp_path: Path) -> None:
    server = LegacyServer()
    async with edge(tmp_path, server.reply) as at:
        at.rules.denied.add("echo")
        client = await LegacyClient.open(at)
        assert (await client.post(CALL)).status == 202
        assert b'"isError":true' in await client.until(rb"data: (.*)\n")
        server.events.put_nowait(None)
        await client.close()


async def test_legacy_stream_ends_before_the_refusal(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The refusal has nowhere to go any more; it is recorded all the same, and nothing fails."""
    server = LegacyServer()
    async with edge(tmp_path, server.reply) as at:
        at.rules.denied.add("echo")
        client = await LegacyClient.open(at)
        at.engine.hold = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            posted = tasks.create_task(client.post(CALL))
            await asyncio.sleep(0.05)
            server.events.put_nowait(None)
            assert b"data" not in await client.rest()
            at.engine.hold.set()
        assert posted.result().status == 202
        await client.close()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert verify_paths([tmp_path / "evidence"]).total("refusals") == 1


async def test_second_endpoint(tmp_path: Path) -> None:
    more = b'{"jsonrpc":"2.0","method":"notifications/progress"}\n\nevent: endpoint\ndata: /other'
    async with edge(tmp_path, by_method(get=endpoint("/messages", more))) as at:
        got = await at.send("GET")
        assert got.body.count(b"event: endpoint") == 1


async def _hanging(_: Seen) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: hello\n\n"
    await asyncio.sleep(60)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_contained_legs(method: str, tmp_path: Path) -> None:
    async with edge(tmp_path) as at:
        at.orders.give("quarantine", Scope(agent="alice"))
        got = await at.send(method)
        assert (got.status, got.code) == (503, "contained")
        assert at.upstream.seen == []


async def _kill_soon(at: Edge) -> None:
    await at.upstream.asked.wait()
    await asyncio.sleep(0.02)
    orders = at.orders.give("kill")
    at.gate.flights.sweep(orders)
    at.gate.open_streams.sweep(orders)


async def test_kill_ends_an_open_stream(tmp_path: Path) -> None:
    async with edge(tmp_path, _hanging) as at:
        got, _ = await asyncio.gather(at.send("GET"), _kill_soon(at))
        assert got.body == b": hello\n\n"
        assert len(at.gate.open_streams) == 0


async def _never(_: Seen) -> AsyncIterator[bytes]:
    await asyncio.sleep(60)
    yield b""


async def test_kill_while_a_session_is_ended(tmp_path: Path) -> None:
    async with edge(tmp_path, _never) as at:
        got, _ = await asyncio.gather(at.send("DELETE"), _kill_soon(at))
        assert (got.status, got.code) == (503, "contained")


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
async def test_a_leg_that_cannot_be_recorded(method: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with edge(tmp_path) as at:
        at.journal.failing = {Kind.NOTICE}
        got = await at.send(method, body=b"{" if method == "POST" else b"")
        assert got.status in (400, 503)
        assert at.upstream.seen == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def sessions() -> Reply:
    """An upstream that begins session-1, session-2, ... and answers everything else with RESULT."""
    numbers = count(1)

    def reply(seen: Seen) -> bytes:
        if b"initialize" in seen.body:
            return answer(MESSAGES["INIT_RESULT"], f"Mcp-Session-Id: session-{next(numbers)}")
        return answer(b"", status="200 OK", kind=None) if seen.line.startswith("DELETE") else answer(RESULT)

    return reply


def unwilling(seen: Seen) -> AsyncIterator[bytes]:
    """Answers one request of each connection, does not say that it will close, and takes no second one."""
    asked = json.loads(seen.body)
    body = result(asked["id"], tools=SCHEMAS) if asked["method"] == "tools/list" else RESULT

    async def pieces() -> AsyncIterator[bytes]:
        yield answer(body).replace(b"\r\nConnection: close", b"")
        await asyncio.sleep(0.2)

    return pieces()


async def test_own_requests_leave_no_connection_to_a_call(tmp_path: Path) -> None:
    """The first call has the sidecar ask for the tools; a connection that this leaves may end under the call."""
    async with edge(tmp_path, unwilling) as at:
        for caller in callers():
            at.gate.definitions.forget(caller, "files")
        got = await at.send(body=CALL)
        assert [b"tools/list" in seen.body for seen in at.upstream.seen] == [True, False]
        assert got.body == RESULT


class Crowd:
    """Answers after a moment, and counts who is there at the same time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.now = self.most = 0

    async def reply(self, _: Seen) -> AsyncIterator[bytes]:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(self._seconds)
            yield answer(b"", status="202 Accepted", kind=None)
        finally:
            self.now -= 1


def stopped(number: int) -> Exchange:
    """The exchange of a detached call, and what cancels a task; a kill may end thousands of both."""
    alice, _ = callers()
    body = request_of(number, "tasks/cancel", taskId=f"t{number}")
    return Exchange(alice, "files", "http", "2025-11-25", None, read_client(body, limit=1 << 20), own=True)


async def tell_all(http: HttpUpstream, count: int) -> None:
    """As the sidecar does it for what an order has ended beyond its exchange."""

    async def one(number: int) -> None:
        async with http.leg() as leg:
            exchange = stopped(number)
            if number % 2:
                await leg.tell(exchange)
            else:
                await leg.cancel(exchange, exchange.envelope.messages, STOPPED)

    await asyncio.gather(*map(one, range(count)))


async def test_kill_of_many_tasks_tells_a_few_at_once(tmp_path: Path) -> None:
    crowd = Crowd(0.005)
    async with edge(tmp_path, crowd.reply) as at:
        await tell_all(at.http, 300)
        told = [json.loads(seen.body)["params"] for seen in at.upstream.seen]
    names = {params.get("taskId") or f"t{params['requestId']}" for params in told}
    assert names == {f"t{number}" for number in range(300)}
    assert 1 < crowd.most <= TELLING_AT_ONCE


async def test_kill_of_many_tasks_at_an_upstream_that_takes_none(tmp_path: Path) -> None:
    """Those whose turn does not come are not told: nobody waits for them for ever."""
    crowd = Crowd(60.0)
    async with edge(tmp_path, crowd.reply) as at:
        at.http.turn_seconds = 0.1
        async with asyncio.timeout(5.0):
            await tell_all(at.http, 100)
        assert len(at.upstream.seen) <= TELLING_AT_ONCE


async def test_session_cross_talk(tmp_path: Path) -> None:
    async with edge(tmp_path, sessions()) as at:
        for caller in (f"Authorization: Bearer {ALICE_TOKEN}", BOB):
            await at.send(body=MESSAGES["INIT"], headers=[caller])
        at.upstream.seen.clear()
        for method, body in (("POST", CALL), ("GET", b""), ("DELETE", b"")):
            got = await at.send(method, body=body, headers=[BOB, "Mcp-Session-Id: session-1"])
            assert (got.status, got.code) == (404, "session_not_found")
        assert at.upstream.seen == []
        mine = await at.send(body=CALL, headers=[BOB, "Mcp-Session-Id: session-2"])
        assert mine.body == RESULT
        await at.send("DELETE", headers=[BOB, "Mcp-Session-Id: session-2"])
        ended = await at.send(body=CALL, headers=[BOB, "Mcp-Session-Id: session-2"])
        assert ended.status == 404


async def test_cross_talk_by_the_same_ids(tmp_path: Path) -> None:
    """Many calls of two callers under one JSON-RPC id, answered in another order: each gets its own."""

    async def reply(seen: Seen) -> AsyncIterator[bytes]:
        mine = re.search(rb'"mine":"([^"]*)"', seen.body)
        assert mine
        await asyncio.sleep(0.05 if mine[1].endswith(b"0") else 0)
        yield answer(b'{"jsonrpc":"2.0","id":1,"result":{"mine":"%b"}}' % mine[1])

    async with edge(tmp_path, reply) as at:
        names = [f"{who}-{number}" for who in (ALICE_TOKEN, BOB_TOKEN) for number in range(12)]
        got = await asyncio.gather(
            *[
                at.send(body=call(1, "echo", mine=name), headers=[f"Authorization: Bearer {name.rpartition('-')[0]}"])
                for name in names
            ]
        )
        assert [b'"%b"' % name.encode() in each.body for name, each in zip(names, got, strict=True)] == [True] * 24


async def test_the_upstreams_secret_stays_here(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not in an answer, a log line or a byte of evidence, whatever the upstream does with what it knows."""
    caplog.set_level(logging.DEBUG)
    replies = [answer(RESULT), stream(RESULT), b"", b"\0", answer(RESULT, "Content-Encoding: gzip"), answer(b"{")]
    async with edge(tmp_path) as at:
        for raw in replies:
            at.upstream.reply = always(raw)
            await at.send(body=CALL)
            await at.send("GET")
            await at.send("DELETE")
        assert all(CANARY in seen.all("x-api-key") for seen in at.upstream.seen)
        heard = b"".join(at.answers)
    written = b"".join(file.read_bytes() for file in (tmp_path / "evidence").rglob("*") if file.is_file())
    for place in (heard, written, caplog.text.encode()):
        assert CANARY.encode() not in place
        assert ALICE_TOKEN.encode() not in place
