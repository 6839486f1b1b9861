"""An upstream without a protocol: it keeps every request as it came and answers with the bytes that a test gave it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.peers.processes import free_port


@dataclass(frozen=True, slots=True)
class Received:
    """One request: its line, its headers in order and as spelled, its body."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """Every value of one header."""
        return [value for header, value in self.headers if header.lower() == name.lower()]


@dataclass(slots=True)
class Recorder:
    """What it received, and what it answers: `chunks` are written one by one, as a stream without a length."""

    port: int
    received: list[Received] = field(default_factory=list)
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=lambda: [("Content-Type", "application/json")])
    chunks: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/mcp"

    def answers(self, *chunks: bytes, content_type: str = "application/json", status: int = 200) -> None:
        """From now on, every request gets this."""
        self.status, self.chunks, self.headers = status, list(chunks), [("Content-Type", content_type)]


def _handler(recorder: Recorder) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            recorder.received.append(Received(self.command, self.path, list(self.headers.items()), body))
            self.send_response(recorder.status)
            for name, value in recorder.headers:
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for chunk in filter(None, recorder.chunks):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, *_arguments: object) -> None:
            """Nothing is printed."""

    return Handler


@contextmanager
def recording() -> Iterator[Recorder]:
    """Listens on a loopback port until the block ends."""
    recorder = Recorder(free_port())
    server = ThreadingHTTPServer(("127.0.0.1", recorder.port), _handler(recorder))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield recorder
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
