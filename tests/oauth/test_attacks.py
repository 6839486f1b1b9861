"""Hostile tool servers and hostile clients around the metadata of OAuth, on real sockets."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.oauth.places import WELL_KNOWN, metadata, origin, passing
from tests.oauth.scripted import Answer, Scripted, ask, scripted
from tests.peers.raw import document, modern_headers
from tests.peers.sidecar import Sidecar

CANARY = "canary-93ac1f"
FILES = f"{WELL_KNOWN}/mcp"
HTML = "text/html"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scripted, Scripted]]:
    """The tool server, and one of another origin that nobody may be led to."""
    with scripted() as server, scripted() as elsewhere:
        yield server, elsewhere


@pytest.fixture
def server(servers: tuple[Scripted, Scripted]) -> Scripted:
    return servers[0]


@pytest.fixture
def elsewhere(servers: tuple[Scripted, Scripted]) -> Scripted:
    servers[1].script({path: Answer(200, b'{"resource":"x"}') for path in ("/prm", FILES, WELL_KNOWN)})
    return servers[1]


@pytest.fixture(scope="module")
def gate(servers: tuple[Scripted, Scripted], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    with passing(tmp_path_factory.mktemp("oauth") / "gate", {"files": servers[0].url("/mcp")}) as started:
        yield started


def _genuine(server: Scripted) -> bytes:
    return json.dumps({"resource": server.url("/mcp"), "authorization_servers": ["https://as.example"]}).encode()


def _call(gate: Sidecar, **headers: str) -> Answer:
    sent = {**modern_headers("tools/call", "echo"), **headers}
    return ask(gate.url("files"), "POST", document("tools/call", {"name": "echo", "arguments": {}}), sent)


def _refused(gate: Sidecar, code: str) -> float:
    """How often the metrics count a code."""
    text = gate.admin("/metrics")[1].decode()
    found = re.search(rf'^agentgate_refusals_total{{code="{code}",upstream="files"}} (\S+)', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


PLACES = [
    pytest.param("{elsewhere}/prm", id="another-port"),
    pytest.param("http://169.254.169.254/latest/meta-data/iam", id="link-local"),
    pytest.param("http://[fe80::1]/x", id="link-local-6"),
    pytest.param("https://tools.evil.example/prm", id="another-host"),
    pytest.param("http://localhost:{port}/prm", id="another-name-of-this-machine"),
    pytest.param("http://127.0.0.1:{port}@{bare}/prm", id="login"),
    pytest.param("http://127.0.0.1:{port}\\\\@{bare}/prm", id="backslash"),
    pytest.param("//{bare}/prm", id="no-scheme"),
    pytest.param("file:///etc/passwd", id="file"),
    pytest.param("/prm", id="no-origin"),
]


@pytest.mark.parametrize("place", PLACES)
def test_metadata_of_another_origin_is_never_fetched(
    gate: Sidecar, server: Scripted, elsewhere: Scripted, place: str
) -> None:
    url = place.format(elsewhere=elsewhere.url(""), bare=f"127.0.0.1:{elsewhere.port}", port=server.port)
    challenge = (("WWW-Authenticate", f'Bearer resource_metadata="{url}"'),)
    server.script({"/mcp": Answer(401, b"", challenge, None), FILES: Answer(200, _genuine(server))})
    before = _refused(gate, "foreign_metadata")
    assert _call(gate).all("WWW-Authenticate") == [f'Bearer resource_metadata="{metadata(gate, "/files")}"']
    assert _refused(gate, "foreign_metadata") > before
    assert ask(metadata(gate, "/files")).status == 200
    assert server.paths()[-1] == FILES
    assert elsewhere.asked == []


REDIRECTS = [301, 302, 303, 307, 308]


@pytest.mark.parametrize("status", REDIRECTS)
def test_no_redirect_is_followed(gate: Sidecar, server: Scripted, elsewhere: Scripted, status: int) -> None:
    away = Answer(status, b"", (("Location", elsewhere.url("/prm")),))
    inside = Answer(status, b"", (("Location", server.url("/inside")),))
    server.script({FILES: away, WELL_KNOWN: inside, "/inside": Answer(200, _genuine(server))})
    got = ask(metadata(gate, "/files"))
    assert (got.status, got.all("Location")) == (404, [])
    assert [path for path in server.paths() if path.startswith(WELL_KNOWN)][-2:] == [FILES, WELL_KNOWN]
    assert "/inside" not in server.paths()
    assert elsewhere.asked == []


NO_DOCUMENTS = [
    pytest.param(Answer(200, b"<html>{}</html>", kind=HTML), 404, None, id="html"),
    pytest.param(Answer(200, b"[]"), 404, None, id="array"),
    pytest.param(Answer(200, b""), 404, None, id="empty"),
    pytest.param(Answer(200, b'{"resource":"a","resource":"b"}'), 404, None, id="resource-twice"),
    pytest.param(Answer(200, b'{"resource":"a","RESOURCE":"b"}'), 404, None, id="resource-and-its-look-alike"),
    pytest.param(Answer(200, b"[" * 100_000), 404, None, id="deep"),
    pytest.param(Answer(200, b"\x1f\x8b{}", (("Content-Encoding", "gzip"),)), 503, "encoded_answer", id="compressed"),
    pytest.param(Answer(200, b"data: {}\n\n", kind="text/event-stream"), 404, None, id="stream"),
    pytest.param(Answer(200, b'{"x":"' + b"a" * (256 << 10) + b'"}'), 503, "too_large", id="giant"),
]


@pytest.mark.parametrize(("answer", "status", "code"), NO_DOCUMENTS)
def test_what_is_no_document_is_not_passed_on(
    gate: Sidecar, server: Scripted, answer: Answer, status: int, code: str | None
) -> None:
    server.script({FILES: answer})
    got = ask(metadata(gate, "/files"))
    assert got.status == status
    if code is not None:
        assert json.loads(got.body)["error"]["data"]["code"] == code
    assert len(got.body) < 1000


def test_a_server_that_is_not_there_is_no_absent_document(tmp_path: Path) -> None:
    with scripted() as server:
        url = server.url("/mcp")
    with passing(tmp_path, {"files": url}) as gate:
        got = ask(metadata(gate, "/files"))
    assert (got.status, json.loads(got.body)["error"]["data"]["code"]) == (503, "upstream_down")


OTHER_RESOURCES = [
    pytest.param("https://bank.example/mcp", id="another-server"),
    pytest.param("{own}/other", id="another-path"),
    pytest.param("{own}/mcp/below", id="below"),
    pytest.param("urn:bank", id="no-url"),
]


@pytest.mark.parametrize("resource", OTHER_RESOURCES)
def test_a_foreign_resource_stays_foreign_so_that_clients_refuse_it(
    gate: Sidecar, server: Scripted, resource: str
) -> None:
    body = json.dumps(
        {"resource": resource.format(own=server.url("")), "authorization_servers": ["https://as.example"]}
    )
    server.script({FILES: Answer(200, body.encode())})
    assert ask(metadata(gate, "/files")).body == body.encode()


@pytest.mark.parametrize("path", ["", "/", "/bank", "/files/x"])
def test_a_server_cannot_ask_for_tokens_of_another_upstream(gate: Sidecar, server: Scripted, path: str) -> None:
    body = json.dumps({"resource": origin(gate) + path, "authorization_servers": ["https://as.example"]})
    server.script({FILES: Answer(200, body.encode())})
    got = ask(metadata(gate, "/files"))
    assert (got.status, json.loads(got.body)["error"]["data"]["code"]) == (503, "foreign_resource")


UNCLEAR = [
    pytest.param('Bearer realm="resource_metadata={evil}"', id="hidden-in-quotes"),
    pytest.param('Bearer realm="x, resource_metadata={evil}, y", resource_metadata="{good}"', id="hidden-before"),
    pytest.param('Bearer resource_metadata="{evil}', id="open-quotes"),
    pytest.param('Bearer error="x"; resource_metadata="{evil}"', id="semicolon"),
]


@pytest.mark.parametrize("value", UNCLEAR)
def test_a_challenge_with_two_readings_does_not_arrive(
    gate: Sidecar, server: Scripted, elsewhere: Scripted, value: str
) -> None:
    unclear = value.format(evil=elsewhere.url("/prm"), good=server.url(FILES))
    challenges = (("WWW-Authenticate", unclear), ("WWW-Authenticate", 'Basic realm="x"'))
    server.script({"/mcp": Answer(401, b"no", challenges, "text/plain")})
    before = _refused(gate, "unclear_challenge")
    got = _call(gate)
    assert (got.status, got.body, got.all("WWW-Authenticate")) == (401, b"no", ['Basic realm="x"'])
    assert _refused(gate, "unclear_challenge") > before


def test_a_token_is_in_no_log_no_evidence_and_no_metric(tmp_path: Path) -> None:
    """Whatever becomes of a call: answered, refused by the server, refused by policy, cut off, asked for metadata."""
    bearer = {"Authorization": f"Bearer {CANARY}"}
    fine = Answer(200, b'{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[]}}')
    challenge = (("WWW-Authenticate", 'Bearer error="invalid_token"'),)
    with scripted() as server, passing(tmp_path, {"files": server.url("/mcp")}) as gate:
        for answer in (fine, Answer(401, b"", challenge, None), Answer(200, b"garbage"), Answer(403, b"{}", challenge)):
            server.script({"/mcp": answer, FILES: Answer(200, _genuine(server))})
            _call(gate, **bearer)
            for method in ("GET", "DELETE"):
                ask(gate.url("files"), method, None, {"Accept": "text/event-stream", **bearer})
            ask(metadata(gate, "/files"), headers=bearer)
            assert any(asked.all("Authorization") == [f"Bearer {CANARY}"] for asked in server.asked)
        ask(gate.url("files"), "POST", b"{", {"Content-Type": "application/json", **bearer})
        with suppress(ConnectionError):
            ask(
                gate.url("files"),
                "POST",
                b"{}",
                {"Content-Type": "application/json", **bearer, "Mcp-Name": "=?base64?!?="},
            )
        metrics, printed = gate.admin("/metrics")[1], gate.program.printed()
        records = json.dumps(gate.folders.records())
    assert CANARY not in metrics.decode() + printed + records
    kept = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert [file for file in kept if CANARY.encode() in file.read_bytes()] == []
    assert len(kept) > 3
