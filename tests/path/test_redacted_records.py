"""What evidence keeps of a call that policy wants recorded `redacted`, in the program as its users start it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.peers.fixtures import StartSidecar
from tests.peers.raw import call
from tests.peers.sidecar import agentgate

POLICY = """package agentgate

decision := {"effect": "allow", "reason": "ok", "obligations": {"record": "RECORD"}} if input.call.name == "echo"
else := {"effect": "deny", "reason": "no", "message": "ask ann@mail.example", "obligations": {"record": "RECORD"}}

listing := {"hide": []}
"""
ARGUMENTS = {"to": "ann@mail.example", "pan": 4111111111111111, "n": 1.5, "note": "on 2026-11-26"}


EVENTS = "text/event-stream"


class Upstream(BaseHTTPRequestHandler):
    """Answers every call with an address, or streams it in two pieces where `kind` says so."""

    kind = "application/json"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        content = [{"type": "text", "text": "sent to ann@mail.example"}]
        body = json.dumps(
            {"jsonrpc": "2.0", "id": 1, "result": {"resultType": "complete", "content": content}}
        ).encode()
        if self.kind == EVENTS:
            body = b"data: " + body + b"\n\n"
        self.send_response(200)
        self.send_header("Content-Type", self.kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        half = body.index(b"@mail")
        for piece in (body[:half], body[half:]):
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def upstream(kind: str) -> Iterator[str]:
    """The server on a free port; its URL."""
    with HTTPServer(("127.0.0.1", 0), type("OfItsKind", (Upstream,), {"kind": kind})) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/mcp"
        finally:
            server.shutdown()
            thread.join()


def _kept(
    start: StartSidecar, folder: Path, record: str, configuration: str = "", kind: str = Upstream.kind
) -> list[dict[str, Any]]:
    """What the tenant's key opens of each record of two calls: one that is allowed, one that is refused."""
    (folder / "policy").mkdir()
    (folder / "policy/policy.rego").write_text(POLICY.replace("RECORD", record))
    file = folder / "agentgate.toml"
    file.write_text("[policy]\nunsigned = true\n" + configuration)
    with upstream(kind) as url:
        started = start({"files": url}, policy=str(folder / "policy"), more=["-c", str(file)])
        for tool in ("echo", "other"):
            call(started.url("files"), tool, ARGUMENTS)
    state = started.folders.state
    told = agentgate("records", started.folders.evidence, "--json", "--key", state / "keys/tenant-default.key").stdout
    return [line["opened"] for line in map(json.loads, told.splitlines()) if line.get("opened")]


ROWS = [
    pytest.param("full", "", ["ann@mail.example", "4111111111111111"], ["[email]", "[card]"], id="full"),
    pytest.param(
        "redacted", "", ["[email]", "[card]", "on 2026-11-26", "1.5"], ["ann@mail.example", "4111111111111111"],
        id="redacted",
    ),
    pytest.param("digest", "", [], ["ann@", "4111", "[email]", "2026-11-26"], id="digest"),
    pytest.param(
        "redacted", '[evidence.redaction]\nmode = "tokenise"\noff = ["card"]\n', ["tok_email_", "4111111111111111"],
        ["ann@mail.example", "tok_card"], id="another-mode",
    ),
    pytest.param(
        "redacted", '[evidence.redaction.rules.to]\nmode = "drop"\nat = "/arguments/to"\ntool = "files/echo"\n',
        ["[card]", "[email]"], ["ann@mail.example"], id="a-rule",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("record", "configuration", "there", "nowhere"), ROWS)
def test_what_is_kept(
    sidecar: StartSidecar, tmp_path: Path, record: str, configuration: str, there: list[str], nowhere: list[str]
) -> None:
    opened = _kept(sidecar, tmp_path, record, configuration)
    assert len(opened) == 3, "an intent, an outcome and a refusal have boxes"
    text = json.dumps(opened)
    assert [each for each in there if each not in text] == []
    assert [each for each in nowhere if each in text] == []


def test_what_is_redacted_is_not_taken_for_what_was_committed(sidecar: StartSidecar, tmp_path: Path) -> None:
    opened = _kept(sidecar, tmp_path, "redacted")
    assert {type(value) for each in opened for value in each.values()} == {dict}
    assert {tuple(value) for each in opened for value in each.values()} == {("redacted",)}


def test_what_comes_in_two_pieces_is_looked_through_as_one(sidecar: StartSidecar, tmp_path: Path) -> None:
    results = [
        each["result"]["redacted"] for each in _kept(sidecar, tmp_path, "redacted", kind=EVENTS) if "result" in each
    ]
    assert results
    assert [text for text in results if "sent to [email]" not in text] == []
