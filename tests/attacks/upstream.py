"""A tool server of raw bytes: it keeps whatever reaches it, and answers as a row says, or as a plain server would."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any, Final

from tests.peers.recorder import Received

OWN_ID: Final = b'"id":"agentgate-'
"""How ids of the sidecar's own requests begin: it asks for the list of tools before the first call."""

Reply = bytes | Iterable[bytes | float]
"""What goes out: bytes, or pieces with pauses between them (seconds). A piece of zero bytes closes the connection."""

SCHEMA: Final = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
TOOLS: Final[list[dict[str, Any]]] = [
    {"name": "echo", "description": "says it again", "inputSchema": SCHEMA},
    {"name": "drop", "description": "drops a table", "inputSchema": {"type": "object"}},
]


class Upstream:
    """Listens on a loopback port. `received` is what reached it, without what the sidecar asks for itself (`own`).

    `tools` is what it lists; an `endless` one always has another page of them.
    """

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._sessions = count(1)
        self.port = int(listening.getsockname()[1])
        self.received: list[Received] = []
        self.own: list[Received] = []
        self.tools: list[dict[str, Any]] = TOOLS
        self.endless = False
        self.reply: Callable[[Received], Reply] = self.plain

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}/mcp"

    @property
    def bodies(self) -> list[bytes]:
        """The bodies of what reached it."""
        return [each.body for each in self.received]

    def fresh(self) -> None:
        """Forget what came, and answer as a plain server does."""
        self.received.clear()
        self.own.clear()
        self.tools = TOOLS
        self.reply = self.plain

    def answers(self, reply: Reply) -> None:
        """From now on every request gets this."""
        self.reply = lambda _: reply

    def plain(self, asked: Received) -> Reply:
        """What a server answers that does whatever it is told."""
        if asked.method != "POST":
            return http(b"", status="405 Method Not Allowed", kind=None)
        value = json.loads(asked.body)
        answers = [found for each in (value if isinstance(value, list) else [value]) if (found := self._result(each))]
        if not answers:
            return http(b"", status="202 Accepted", kind=None)
        body = b"[" + b",".join(answers) + b"]" if isinstance(value, list) else answers[0]
        if b'"initialize"' in asked.body:
            return http(body, f"Mcp-Session-Id: session-{next(self._sessions)}")
        return http(body)

    def _result(self, message: dict[str, Any]) -> bytes | None:
        if "id" not in message or "method" not in message:
            return None
        result: dict[str, Any] = {"resultType": "complete", "content": []}
        match message["method"]:
            case "tools/list":
                result = {"resultType": "complete", "tools": self.tools}
                result |= {"nextCursor": "more"} if self.endless else {}
            case "initialize":
                result = {"protocolVersion": "2025-11-25", "capabilities": {}}
        return json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()

    def serve(self) -> None:
        """Accept until the listening socket is closed."""
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._connection, args=(connection,), daemon=True).start()

    def _connection(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, EOFError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = connection.makefile("rb")
            while True:
                self._answer(connection, _request(stream))

    def _answer(self, connection: socket.socket, asked: Received) -> None:
        if OWN_ID in asked.body:
            self.own.append(asked)
            reply = self.plain(asked)
        else:
            self.received.append(asked)
            reply = self.reply(asked)
        for piece in [reply] if isinstance(reply, bytes) else reply:
            if isinstance(piece, float):
                time.sleep(piece)
            elif piece:
                connection.sendall(piece)
            else:
                raise EOFError


def _request(stream: Any) -> Received:
    line, *rest = _head(stream).decode("latin-1").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (each.partition(":") for each in rest)]
    lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
    method, path, _ = line.split(" ", 2)
    return Received(method, path, headers, stream.read(lengths[0]) if lengths else b"")


def _head(stream: Any) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            raise EOFError
        head += line
    return head.removesuffix(b"\r\n\r\n")


def http(body: bytes, *headers: str, status: str = "200 OK", kind: str | None = "application/json") -> bytes:
    """A whole answer, after which the connection stays open."""
    lines = [f"HTTP/1.1 {status}", *headers, *([f"Content-Type: {kind}"] if kind else [])]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}"]).encode("latin-1") + b"\r\n\r\n" + body


def events(*pieces: bytes | float, status: str = "200 OK", kind: str = "text/event-stream") -> list[bytes | float]:
    """A stream of these pieces, which ends with its connection."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode()
    return [head, *pieces, b""]


@contextmanager
def upstream() -> Iterator[Upstream]:
    """One that listens until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = Upstream(listening)
        thread = threading.Thread(target=found.serve, daemon=True)
        thread.start()
        yield found
        listening.shutdown(socket.SHUT_RDWR)
