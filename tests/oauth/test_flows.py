"""Real clients log in by themselves: what they come to behind the sidecar is what they come to without it.

Only the resource that their token is for is another one: the URL that they used.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.oauth.clients import (
    MODERN,
    OLD,
    OVER_HTTP,
    OVER_SSE,
    TYPESCRIPT,
    TYPESCRIPT_OLD,
    WHOSE,
    WRITE,
    OAuthClient,
    ProtectedServer,
    protected,
)
from tests.oauth.places import passing
from tests.peers.processes import free_port
from tests.peers.sidecar import Sidecar

pytestmark = [pytest.mark.xdist_group("oauth")]

CALLS = [WHOSE, WRITE, WHOSE]
KEPT = '[upstreams.kept]\nurl = "{url}"\nauth = "passthrough"\nresource = "keep"\n'


@dataclass(frozen=True, slots=True)
class Pair:
    """A protected server, and a sidecar that serves it as `files`, and as `kept` with its own resource."""

    server: ProtectedServer
    gate: Sidecar


@contextmanager
def _pair(folder: Path, *options: str) -> Iterator[Pair]:
    with ExitStack() as stack:
        server = stack.enter_context(protected(folder / "server", *options))
        more = KEPT.format(url=server.url)
        yield Pair(server, stack.enter_context(passing(folder / "gate", {"files": server.url}, more=more)))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Pair]]:
    """Servers by how they are protected."""
    ways = {"http": ["http"], "embedded": ["http", "--embedded"], "strict": ["http", "--strict"]}
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(_pair(tmp_path_factory.mktemp(name), *options)) for name, options in ways.items()
        }


@pytest.fixture(scope="module")
def over_sse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Clients tell legacy HTTP+SSE by the path: the upstream has the name that the server's path has."""
    folder = tmp_path_factory.mktemp("sse")
    with protected(folder / "server", "sse") as server, passing(folder / "gate", {"sse": server.url}) as gate:
        yield Pair(server, gate)


def _whose(outcome: Any) -> Any:
    """The resource of a token, as the server saw it."""
    return json.loads(outcome)["resource"]


def _without_resource(outcomes: list[Any]) -> list[Any]:
    return [json.loads(each)["scopes"] if isinstance(each, str) and each.startswith("{") else each for each in outcomes]


def _same(client: OAuthClient, direct_url: str, through_url: str) -> tuple[list[Any], list[Any]]:
    direct, through = client.run(direct_url, CALLS), client.run(through_url, CALLS)
    assert _without_resource(through) == _without_resource(direct)
    assert len(direct) == len(CALLS)
    return direct, through


@pytest.mark.parametrize("client", OVER_HTTP, ids=lambda client: client.name)
def test_a_login_comes_out_the_same(client: OAuthClient, pairs: dict[str, Pair]) -> None:
    pair = pairs["http"]
    direct, through = _same(client, pair.server.url, pair.gate.url("files"))
    assert (_whose(direct[0]), _whose(through[0])) == (pair.server.url, pair.gate.url("files"))
    if client is not TYPESCRIPT_OLD:  # whose refresh token asks for no more than it had, with and without a sidecar
        assert through[1:] == ["written: a", through[0].replace('["files:read"]', '["files:read", "files:write"]')]


@pytest.mark.parametrize("client", OVER_SSE, ids=lambda client: client.name)
def test_a_login_over_legacy_sse_comes_out_the_same(client: OAuthClient, over_sse: Pair) -> None:
    direct, through = _same(client, over_sse.server.url, over_sse.gate.url("sse"))
    assert (_whose(direct[0]), _whose(through[0])) == (over_sse.server.url, over_sse.gate.url("sse"))


@pytest.mark.parametrize("client", OVER_HTTP, ids=lambda client: client.name)
def test_a_server_of_2025_03_26_that_is_its_own_authorization_server(
    client: OAuthClient, pairs: dict[str, Pair]
) -> None:
    pair = pairs["embedded"]
    _, through = _same(client, pair.server.url, pair.gate.url("files"))
    assert _whose(through[0]) == pair.gate.url("files")


@pytest.mark.parametrize("client", OVER_HTTP, ids=lambda client: client.name)
def test_a_strict_server_refuses_a_token_for_the_sidecar(client: OAuthClient, pairs: dict[str, Pair]) -> None:
    """What cannot be otherwise: the client asks for what it calls, and the server wants its own name in the token."""
    pair = pairs["strict"]
    assert _whose(client.run(pair.server.url, [WHOSE])[0]) == pair.server.url
    before = len(pair.server.issued())
    assert isinstance(client.run(pair.gate.url("files"), [WHOSE])[0], dict)
    assert {token["resource"] for token in pair.server.issued()[before:]} == {pair.gate.url("files")}


@pytest.mark.parametrize("client", [TYPESCRIPT, TYPESCRIPT_OLD], ids=lambda client: client.name)
def test_a_strict_server_keeps_its_resource_for_clients_that_are_told(
    client: OAuthClient, pairs: dict[str, Pair]
) -> None:
    pair = pairs["strict"]
    assert _whose(client.run(pair.gate.url("kept"), [WHOSE], keep=True)[0]) == pair.server.url


def test_the_python_sdk_asks_for_the_url_that_it_calls_even_if_it_is_told(pairs: dict[str, Pair]) -> None:
    pair = pairs["strict"]
    before = len(pair.server.issued())
    assert isinstance(MODERN.run(pair.gate.url("kept"), [WHOSE], keep=True)[0], dict)
    assert {token["resource"] for token in pair.server.issued()[before:]} == {pair.gate.url("kept")}


@pytest.mark.parametrize("client", OVER_HTTP, ids=lambda client: client.name)
def test_clients_refuse_a_kept_resource_unless_they_are_told(client: OAuthClient, pairs: dict[str, Pair]) -> None:
    pair = pairs["strict"]
    before = len(pair.server.issued())
    assert isinstance(client.run(pair.gate.url("kept"), [WHOSE])[0], dict)
    assert len(pair.server.issued()) == before


@pytest.mark.parametrize("client", [MODERN, OLD, TYPESCRIPT], ids=lambda client: client.name)
def test_a_strict_server_that_knows_the_sidecar_as_its_resource(client: OAuthClient, tmp_path: Path) -> None:
    port = free_port()
    with passing(tmp_path / "gate", {"files": f"http://127.0.0.1:{port}/mcp"}) as gate:
        own = gate.url("files")
        with protected(tmp_path / "server", "http", "--strict", "--resource", own, port=port):
            assert _whose(client.run(own, [WHOSE])[0]) == own


def test_a_tool_is_known_as_soon_as_the_client_has_logged_in(pairs: dict[str, Pair]) -> None:
    """A pinned client calls without a list before: the sidecar asks for it, in vain before the login."""
    pair = pairs["http"]
    before = len(pair.gate.folders.records())
    MODERN.run(pair.gate.url("files"), [WHOSE])
    records = pair.gate.folders.records()[before:]
    asked = [record["body"]["request"] for record in records if record["header"]["kind"] == "intent"]
    assert [(each["name"], each["definition"] is None) for each in asked][-1] == ("whose", False)


def test_no_token_of_any_flow_is_kept(pairs: dict[str, Pair]) -> None:
    for pair in pairs.values():
        MODERN.run(pair.gate.url("files"), CALLS)
        tokens = [token["token"].encode() for token in pair.server.issued()]
        kept = b"".join(file.read_bytes() for file in pair.gate.folders.state.parent.rglob("*") if file.is_file())
        kept += pair.gate.admin("/metrics")[1]
        assert tokens
        assert [token for token in tokens if token in kept] == []
