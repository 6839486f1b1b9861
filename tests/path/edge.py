"""A sidecar on real sockets in this process, between a client and an upstream that speak raw HTTP, byte for byte."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiohttp import web

from proxy.forward import HttpUpstream, Target
from proxy.gate import Gate
from proxy.listen import Listener
from proxy.path.identify import Identity
from proxy.wire.origins import Hosts
from tests.path.messages import SCHEMAS
from tests.path.stage import (
    ALICE_TOKEN,
    Chronicle,
    HandClock,
    OrdersInHand,
    Rules,
    ScriptedEngine,
    WatchedJournal,
    callers,
    identity,
    make_gate,
    open_journal,
)

CANARY = "canary-5f1d2c"
JSON_TYPE = "application/json"
OK = b"HTTP/1.1 200 OK\r\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as the upstream got it."""

    line: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


Reply = Callable[[Seen], bytes | AsyncIterator[bytes]]


class RawUpstream:
    """A server that answers each request with the bytes that a function gives, and then closes the connection."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.seen: list[Seen] = []
        self.asked = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            seen = await _request(reader)
            self.seen.append(seen)
            self.asked.set()
            answer = self.reply(seen)
            if isinstance(answer, bytes):
                writer.write(answer)
            else:
                async for piece in answer:
                    writer.write(piece)
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def end(self) -> None:
        """End what still answers."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _request(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.removesuffix("\r\n\r\n").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (each.partition(":") for each in rest)]
    lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
    return Seen(line, headers, await reader.readexactly(lengths[0]) if lengths else b"")


def answer(body: bytes, *headers: str, status: str = "200 OK", kind: str | None = JSON_TYPE) -> bytes:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status}", *headers, *([f"Content-Type: {kind}"] if kind else [])]
    lines += [f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def stream(*events: bytes, status: str = "200 OK", kind: str = "text/event-stream") -> bytes:
    """A stream that ends."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode()
    return head + b"".join(b"data: " + event + b"\n\n" for event in events)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the client got: status, headers, and the body without its framing."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    raw: bytes

    @property
    def code(self) -> str | None:
        """The reason code of a refusal, wherever it stands."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return None
        error = value.get("error")
        if isinstance(error, dict):
            return str(error.get("data", {}).get("code"))
        meta = value.get("result", {}).get("_meta", {})
        return meta.get("agentgate/decision", {}).get("code") if isinstance(meta, dict) else None


@dataclass(slots=True)
class Edge:
    """The sidecar and both of its ends."""

    port: int
    gate: Gate
    orders: OrdersInHand
    rules: Rules
    engine: ScriptedEngine
    upstream: RawUpstream
    http: HttpUpstream
    journal: WatchedJournal
    chronicle: Chronicle
    answers: list[bytes] = field(default_factory=list)

    async def raw(self, *data: bytes) -> Answered:
        """Send bytes on a new connection, with a pause between the pieces, and read the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for piece in data:
                writer.write(piece)
                await asyncio.sleep(0.02 if piece is not data[-1] else 0)
            async with asyncio.timeout(5.0):
                raw = await _answer(reader)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        self.answers.append(raw)
        return _answered(raw)

    async def send(
        self, method: str = "POST", path: str = "/files", body: bytes = b"", headers: Sequence[str] = ()
    ) -> Answered:
        """One request with the headers that it needs."""
        return await self.raw(request(method, path, body, headers, port=self.port))


def request(method: str, path: str, body: bytes = b"", headers: Sequence[str] = (), *, port: int = 80) -> bytes:
    """A request with Host, token and framing unless `headers` say otherwise (`-Name` takes one out)."""
    names = {line.partition(":")[0].lower() for line in headers}
    lines = [f"{method} {path} HTTP/1.1"]
    if not names & {"host", "-host"}:
        lines.append(f"Host: 127.0.0.1:{port}")
    if not names & {"authorization", "-authorization"}:
        lines.append(f"Authorization: Bearer {ALICE_TOKEN}")
    if method == "POST" and not names & {"content-type", "-content-type"}:
        lines.append(f"Content-Type: {JSON_TYPE}")
    if not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    lines += [line for line in headers if not line.startswith("-")]
    return "\r\n".join([*lines, "Connection: close"]).encode("latin-1") + b"\r\n\r\n" + body


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """The whole answer; a server that lingers for the rest of a refused body is not waited for."""
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.splitlines() if line.lower().startswith(b"content-length:")]
    return head + (await reader.readexactly(int(lengths[0])) if lengths else await reader.read())


def _answered(raw: bytes) -> Answered:
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
    if headers.get("transfer-encoding") == "chunked":
        body = _unchunked(body)
    return Answered(int(line.split()[1]) if line else 0, headers, body, raw)


def _unchunked(body: bytes) -> bytes:
    pieces = []
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        pieces.append(body[:length])
        body = body[length + 2 :]
        if not length:
            break
    return b"".join(pieces)


def silent(_: Seen) -> bytes:
    """An upstream that must not be asked: nothing but its traces say so."""
    return answer(b'{"jsonrpc":"2.0","id":1,"result":{}}')


@asynccontextmanager
async def edge(
    root: Path,
    reply: Reply = silent,
    *,
    body_seconds: float = 5.0,
    deaf: bool = False,
    known: Identity | None = None,
) -> AsyncIterator[Edge]:
    """Start everything; on leaving, every connection and task has ended. A `deaf` upstream does not listen.

    `known` tells callers apart in the place of Alice's and Bob's tokens.
    """
    clock, orders, rules = HandClock(), OrdersInHand(), Rules()
    engine, upstream = ScriptedEngine(rules.ask), RawUpstream(reply)
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
    if deaf:
        server.close()
    target = Target("files", url, added_headers=(("X-Api-Key", CANARY),), answer_bytes=1 << 16)
    http = HttpUpstream(target)
    async with open_journal(root, clock) as journal:
        gate = make_gate(journal, engine=engine, orders=orders, upstreams={"files": http}, clock=clock)
        gate = replace(gate, bounds=replace(gate.bounds, message_bytes=1 << 14, body_seconds=body_seconds))
        for caller in callers():
            gate.definitions.learn(caller, "files", SCHEMAS)
        try:
            async with _listening(gate, http, known or identity()) as port:
                chronicle = Chronicle(root / "evidence")
                yield Edge(port, gate, orders, rules, engine, upstream, http, journal, chronicle)
        finally:
            await http.close()
            server.close()
            await upstream.end()
            await server.wait_closed()


@asynccontextmanager
async def _listening(gate: Gate, http: HttpUpstream, known: Identity) -> AsyncIterator[int]:
    """As `app` does it."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = int(listening.getsockname()[1])
    listener = Listener(gate, {"files": http}, known, Hosts.listening("127.0.0.1", port))
    server = web.Server(
        listener.handle, handler_cancellation=True, auto_decompress=False, access_log=None, keepalive_timeout=1.0
    )
    runner = web.ServerRunner(server, shutdown_timeout=0.2)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    try:
        yield port
    finally:
        await listener.close()
        await runner.cleanup()
