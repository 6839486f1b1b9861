"""The legs of an OAuth-protected server, on real sockets: challenges, documents, and the token's own way."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.oauth.places import WELL_KNOWN, metadata, origin, passing
from tests.oauth.scripted import Answer, Scripted, ask, scripted
from tests.peers.raw import document, modern_headers
from tests.peers.sidecar import Sidecar, agentgate

CANARY = "canary-0d4b77"
TOKEN = {"Authorization": f"Bearer {CANARY}"}
AS_PATH = "/.well-known/oauth-authorization-server"
MORE = """
[upstreams.kept]
url = "{kept}"
auth = "passthrough"
resource = "keep"

[upstreams.closed]
url = "{closed}"
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """A scripted server, behind a sidecar of its own (`sole`) and behind one that serves three upstreams (`many`)."""

    server: Scripted
    sole: Sidecar
    many: Sidecar


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("oauth")
    with scripted() as server:
        urls = {name: server.url(f"/{name}") for name in ("kept", "closed")}
        with (
            passing(folder / "sole", {"files": server.url("/mcp")}) as sole,
            passing(folder / "many", {"files": server.url("/mcp")}, more=MORE.format(**urls)) as many,
        ):
            yield Stage(server, sole, many)


def _described(server: Scripted, path: str = "/mcp", **more: object) -> bytes:
    """A document with odd spelling: what is not replaced must come back just so."""
    rest = json.dumps({"authorization_servers": ["https://as.example"], **more})
    return f'{{ "resource" : "{server.url(path)}",  "x":1.50,{rest[1:]}\n'.encode()


def _for(document: bytes, server: Scripted, resource: str, path: str = "/mcp") -> bytes:
    return document.replace(server.url(path).encode(), resource.encode())


def _challenge(server: Scripted, path: str = f"{WELL_KNOWN}/mcp", more: str = "") -> tuple[tuple[str, str], ...]:
    return (("WWW-Authenticate", f'Bearer error="invalid_token", resource_metadata="{server.url(path)}"{more}'),)


LEGS = [
    pytest.param("POST", "/files", "/files", id="post"),
    pytest.param("POST", "/mcp", "/mcp", id="post-by-the-second-path"),
    pytest.param("GET", "/files", "/files", id="get"),
    pytest.param("DELETE", "/files", "/files", id="delete"),
]
RPC = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"no"}}'
REFUSED = [
    pytest.param(401, b'{"error":"invalid_token","error_description":"no"}', "application/json", id="401-json"),
    pytest.param(401, b"no token", "text/plain", id="401-text"),
    pytest.param(401, b"", None, id="401-empty"),
    pytest.param(401, RPC, "application/json", id="401-rpc"),
    pytest.param(403, b'{"error":"insufficient_scope"}', "application/json", id="403"),
]


def _send(url: str, method: str, **headers: str) -> Answer:
    if method != "POST":
        return ask(url, method, None, {"Accept": "text/event-stream", **TOKEN, **headers})
    sent = {**modern_headers("tools/call", "echo"), **TOKEN, **headers}
    return ask(url, method, document("tools/call", {"name": "echo", "arguments": {}}), sent)


@pytest.mark.parametrize(("method", "path", "resource"), LEGS)
@pytest.mark.parametrize(("status", "body", "kind"), REFUSED)
def test_a_refusal_of_the_server_arrives_as_it_is_but_for_the_place_of_metadata(
    stage: Stage, method: str, path: str, resource: str, status: int, body: bytes, kind: str | None
) -> None:
    challenge = (
        *_challenge(stage.server, more=', error_description="a, \\"b\\"", scope="files:read files:write"'),
        ("WWW-Authenticate", 'Basic realm="x"'),
        ("Retry-After", "7"),
    )
    stage.server.script({"/mcp": Answer(status, body, challenge, kind)})
    got = _send(f"{origin(stage.sole)}{path}", method)
    assert (got.status, got.body, got.kind) == (status, body, kind)
    assert got.all("WWW-Authenticate") == [
        f'Bearer error="invalid_token", resource_metadata="{metadata(stage.sole, resource)}", '
        'error_description="a, \\"b\\"", scope="files:read files:write"',
        'Basic realm="x"',
    ]
    assert got.all("Retry-After") == ["7"]
    assert stage.server.asked[-1].method == method
    assert {value for asked in stage.server.asked for value in asked.all("Authorization")} == {f"Bearer {CANARY}"}


def test_a_call_that_is_answered_401_has_its_outcome(stage: Stage) -> None:
    stage.server.script({"/mcp": Answer(401, b"", _challenge(stage.server), None)})
    assert _send(f"{origin(stage.sole)}/files", "POST").status == 401
    last = stage.sole.folders.records()[-1]
    assert last["header"]["kind"] == "outcome"
    assert last["body"] == {
        "outcome": "failed",
        "delivery": "answer",
        "effect": "unknown",
        "reason": "http_status",
        "status": 401,
    }


@pytest.mark.parametrize(
    ("asked", "own"), [("/files", "/files"), ("/mcp", "/mcp"), ("", "")], ids=["by-name", "by-mcp", "root"]
)
def test_the_document_speaks_of_the_url_that_the_client_uses(stage: Stage, asked: str, own: str) -> None:
    there = _described(stage.server, scopes_supported=["é", "b"])
    at_root = _described(stage.server, "")
    stage.server.script({f"{WELL_KNOWN}/mcp": Answer(200, there), WELL_KNOWN: Answer(200, at_root)})
    got = ask(metadata(stage.sole, asked), headers=TOKEN)
    resource = f"{origin(stage.sole)}{own}"
    expected = _for(there, stage.server, resource) if asked else _for(at_root, stage.server, resource, "")
    assert (got.status, got.body, got.kind) == (200, expected, "application/json")
    assert got.all("Cache-Control") == ["no-store"]
    (fetched,) = stage.server.asked
    assert (fetched.method, fetched.path) == ("GET", f"{WELL_KNOWN}/mcp" if asked else WELL_KNOWN)
    assert fetched.all("Authorization") == []


@pytest.mark.parametrize("name", ["localhost", "[::1]"])
def test_the_client_is_told_of_the_name_that_it_uses(stage: Stage, name: str) -> None:
    authority = f"{name}:{stage.sole.port}"
    there = _described(stage.server)
    rows = {"/mcp": Answer(401, b"", _challenge(stage.server), None), f"{WELL_KNOWN}/mcp": Answer(200, there)}
    stage.server.script(rows)
    got = _send(f"{origin(stage.sole)}/files", "POST", Host=authority)
    assert f'resource_metadata="http://{authority}{WELL_KNOWN}/files"' in got.all("WWW-Authenticate")[0]
    got = ask(metadata(stage.sole, "/files"), headers={"Host": authority})
    assert got.body == _for(there, stage.server, f"http://{authority}/files")


def test_behind_tls_the_client_is_told_of_https(stage: Stage) -> None:
    there = _described(stage.server)
    stage.server.script({f"{WELL_KNOWN}/mcp": Answer(200, there)})
    got = ask(metadata(stage.sole, "/files"), headers={"X-Forwarded-Proto": "https"})
    assert got.body == _for(there, stage.server, f"https://127.0.0.1:{stage.sole.port}/files")
    got = ask(metadata(stage.sole, "/files"), headers={"X-Forwarded-Proto": "gopher"})
    assert got.body == _for(there, stage.server, f"http://127.0.0.1:{stage.sole.port}/files")


def test_the_place_that_the_server_names_comes_first_and_then_the_usual_ones(stage: Stage) -> None:
    there = _described(stage.server)
    rows = {"/mcp": Answer(401, b"", _challenge(stage.server, "/custom/place?a=b"), None)}
    stage.server.script({**rows, "/custom/place?a=b": Answer(200, there)})
    assert _send(f"{origin(stage.many)}/files", "GET").status == 401
    got = ask(metadata(stage.many, "/files"))
    assert (got.status, got.body) == (200, _for(there, stage.server, stage.many.url("files")))
    assert stage.server.paths() == ["/mcp", "/custom/place?a=b"]
    stage.server.script({**rows, WELL_KNOWN: Answer(200, there)})
    assert ask(metadata(stage.many, "/files")).status == 200
    assert stage.server.paths() == ["/custom/place?a=b", f"{WELL_KNOWN}/mcp", WELL_KNOWN]


def test_a_server_that_keeps_its_resource(stage: Stage) -> None:
    there = _described(stage.server, "/kept")
    challenge = _challenge(stage.server, f"{WELL_KNOWN}/kept")
    rows = {"/kept": Answer(401, b"", challenge, None), f"{WELL_KNOWN}/kept": Answer(200, there)}
    stage.server.script(rows)
    assert metadata(stage.many, "/kept") in _send(f"{origin(stage.many)}/kept", "POST").all("WWW-Authenticate")[0]
    assert ask(metadata(stage.many, "/kept")).body == there


def test_a_server_that_knows_the_sidecar_as_its_resource(stage: Stage) -> None:
    there = _described(stage.server).replace(stage.server.url("/mcp").encode(), stage.sole.url("files").encode())
    stage.server.script({f"{WELL_KNOWN}/mcp": Answer(200, there)})
    assert ask(metadata(stage.sole, "/files")).body == there


SERVED = [
    pytest.param("GET", f"{WELL_KNOWN}/files", 200, id="document"),
    pytest.param("GET", f"{WELL_KNOWN}/kept", 404, id="document-that-is-not-there"),
    pytest.param("GET", f"{WELL_KNOWN}/closed", 404, id="upstream-without-passthrough"),
    pytest.param("GET", f"{WELL_KNOWN}/elsewhere", 404, id="no-such-upstream"),
    pytest.param("GET", WELL_KNOWN, 404, id="root-of-many"),
    pytest.param("GET", f"{WELL_KNOWN}/mcp", 404, id="second-path-of-many"),
    pytest.param("GET", f"{AS_PATH}/files", 404, id="authorization-server"),
    pytest.param("GET", f"{WELL_KNOWN}/files/", 404, id="longer"),
    pytest.param("GET", f"{WELL_KNOWN}/files?a=b", 404, id="query"),
    pytest.param("GET", f"{WELL_KNOWN}/../mcp", 404, id="dots"),
    pytest.param("POST", f"{WELL_KNOWN}/files", 405, id="post"),
    pytest.param("DELETE", f"{WELL_KNOWN}/files", 405, id="delete"),
    pytest.param("PUT", f"{WELL_KNOWN}/files", 405, id="put"),
    pytest.param("OPTIONS", f"{WELL_KNOWN}/files", 204, id="options"),
]


@pytest.mark.parametrize(("method", "path", "status"), SERVED)
def test_what_is_served_of_many(stage: Stage, method: str, path: str, status: int) -> None:
    stage.server.script({f"{WELL_KNOWN}/mcp": Answer(200, _described(stage.server))})
    assert ask(f"{origin(stage.many)}{path}", method).status == status


def test_challenges_of_other_upstreams_stay_as_they_are(stage: Stage) -> None:
    challenge = _challenge(stage.server)
    stage.server.script({"/closed": Answer(401, b"", challenge, None)})
    got = _send(f"{origin(stage.many)}/closed", "POST")
    assert (got.status, got.all("WWW-Authenticate")) == (401, [challenge[0][1]])
    assert stage.server.asked[0].all("Authorization") == []


@pytest.mark.parametrize("kind", [AS_PATH, "/.well-known/openid-configuration"])
def test_documents_of_the_authorization_server_pass_as_they_are(stage: Stage, kind: str) -> None:
    there = b' {"issuer":"http://127.0.0.1:1","token_endpoint" : "http://127.0.0.1:1/token"}'
    stage.server.script({kind: Answer(200, there), f"{kind}/mcp": Answer(200, there + b" ")})
    assert ask(f"{origin(stage.sole)}{kind}").body == there
    assert ask(f"{origin(stage.sole)}{kind}/files").body == there + b" "
    assert ask(f"{origin(stage.many)}{kind}/files").body == there + b" "
    stage.server.script({})
    assert ask(f"{origin(stage.sole)}{kind}").status == 404
    assert stage.server.paths() == [kind]


@pytest.mark.parametrize(("issuer", "status"), [("", 200), ("/", 200), ("/tenant", 404), (":1", 404)])
def test_a_server_that_is_its_own_authorization_server_gets_resource_metadata(
    stage: Stage, issuer: str, status: int
) -> None:
    there = {"issuer": stage.server.url("") + issuer}
    stage.server.script({AS_PATH: Answer(200, json.dumps(there).encode())})
    got = ask(metadata(stage.many, "/files"))
    assert got.status == status
    if status == 200:
        assert json.loads(got.body) == {
            "resource": stage.many.url("files"),
            "authorization_servers": [stage.server.url("") + issuer],
        }
    assert ask(metadata(stage.many, "/closed")).status == 404


def test_a_failing_server_is_not_taken_for_one_without_metadata(stage: Stage) -> None:
    for status in (429, 500, 503):
        stage.server.script({f"{WELL_KNOWN}/mcp": Answer(status, b"{}")})
        assert ask(metadata(stage.sole, "/files")).status == status
    for status in (401, 403, 404, 405):
        stage.server.script({f"{WELL_KNOWN}/mcp": Answer(status, b"{}")})
        assert ask(metadata(stage.sole, "/files")).status == 404


def test_host_and_origin_are_checked(stage: Stage) -> None:
    stage.server.script({f"{WELL_KNOWN}/mcp": Answer(200, _described(stage.server))})
    assert ask(metadata(stage.sole, "/files"), headers={"Host": "evil.example"}).status == 403
    assert ask(metadata(stage.sole, "/files"), headers={"Origin": "http://evil.example"}).status == 403
    assert stage.server.asked == []
    page = ask(metadata(stage.sole, "/files"), headers={"Origin": "http://localhost:1234"})
    assert page.all("Access-Control-Allow-Origin") == ["http://localhost:1234"]


def test_a_contained_agent_learns_nothing_and_each_document_is_noted(tmp_path: Path) -> None:
    with scripted() as server, passing(tmp_path, {"files": server.url("/mcp")}) as gate:
        server.script({f"{WELL_KNOWN}/mcp": Answer(200, _described(server))})
        assert ask(metadata(gate, "/files")).status == 200
        agentgate("kill", "--agent", "default", "--reason", "t", "--state", gate.folders.state, check=True)
        deadline = 50
        while (got := ask(metadata(gate, "/files"))).status == 200 and deadline:
            deadline -= 1
        assert (got.status, json.loads(got.body)["error"]["data"]["code"]) == (503, "contained")
        events = [record["body"].get("event") for record in gate.folders.records()]
    assert "metadata" in events
    assert events[-1] == "refused"
