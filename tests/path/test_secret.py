"""The secret of an upstream, in the program as its users start it: it reaches the upstream and nothing else."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

from tests.peers.fixtures import StartSidecar
from tests.peers.raw import call, send

CANARY = "canary-7c1e9b04"


class Upstream(BaseHTTPRequestHandler):
    """Answers one call, refuses to speak HTTP to the next, and sends the secret back to the third."""

    keys: ClassVar[list[str | None]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.keys.append(self.headers["X-Api-Key"])
        body = b'{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[]}}'
        if len(self.keys) % 3 == 1:
            self.wfile.write(b"nonsense\r\n\r\n")
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Api-Key", self.headers["X-Api-Key"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def upstream() -> Iterator[str]:
    """The server on a free port; its URL."""
    with HTTPServer(("127.0.0.1", 0), Upstream) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/mcp"
        finally:
            server.shutdown()
            thread.join()


def test_credential_leak(sidecar: StartSidecar, tmp_path: Path) -> None:
    with upstream() as url:
        started = sidecar(
            {"files": url}, more=["--upstream-header", "files:X-Api-Key=$UPSTREAM_KEY"],
            environment={"UPSTREAM_KEY": CANARY},
        )  # fmt: skip
        answers = [call(started.url("files"), "echo") for _ in range(6)]
        answers.append(send(started.url("files"), "GET"))
        said = [str(dict(answer.headers)).encode() + answer.body for answer in answers]
        said.append(started.admin("/metrics")[1])
        said.append(started.admin("/readyz")[1])
        said.append(subprocess.run(["ps", "-eo", "args"], capture_output=True, check=True).stdout)
    assert set(Upstream.keys) == {CANARY}
    said += [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert len(said) > 12
    assert not [text for text in said if CANARY.encode() in text]
