"""A tool server whose every answer is a row: what it answers at a path, and what it was asked."""

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer, in either direction; `headers` may hold a name twice."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    kind: str | None = JSON

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


NOT_THERE = Answer(404, b"nothing here", kind="text/plain")


@dataclass(slots=True)
class Scripted:
    """Answers by the path, and what it has been asked since `script` was last called."""

    port: int = 0
    rows: Mapping[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def url(self, path: str) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}{path}"

    def script(self, rows: Mapping[str, Answer]) -> None:
        """Answer so from now on."""
        self.rows = rows
        self.asked.clear()

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [each.path for each in self.asked]


@contextmanager
def scripted() -> Iterator[Scripted]:
    """One that listens on loopback until the end of the block."""
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            script.asked.append(Asked(self.command, self.path, tuple(self.headers.items()), body))
            answer = script.rows.get(self.path, NOT_THERE)
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            if answer.kind is not None:
                self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_POST = do_DELETE = do_GET

        def log_message(self, *_: Any) -> None:
            """Nothing: what was asked is kept."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    script.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """One request on a connection of its own, and the whole answer to it."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=15)
    try:
        connection.request(
            method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body=body, headers=dict(headers or {})
        )
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(), tuple(answer.getheaders()), answer.getheader("Content-Type"))
    finally:
        connection.close()
