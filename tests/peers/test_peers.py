"""The peers by themselves: what the journeys through the sidecar are compared with must hold without it."""

from pathlib import Path

import pytest

from tests.peers import clients, servers
from tests.peers.clients import McpClient
from tests.peers.servers import HttpServer, StdioServer
from tests.peers.steps import call, call_cancelled, call_with_progress, list_tools

NAMED = [pytest.param(client, id=client.name) for client in clients.CLIENTS]
LEGACY = [pytest.param(client, id=client.name) for client in clients.LEGACY_CLIENTS]


@pytest.mark.parametrize("client", NAMED)
def test_each_client_reaches_the_own_server(client: McpClient, everything_http: HttpServer) -> None:
    journey = client.run(
        everything_http,
        [list_tools(), call("echo", {"text": "hi"}), call_with_progress("slow", {"seconds": 0.2}), call("ask_person")],
    )
    listed, echoed, slow, asked = journey.outcomes
    assert {"echo", "slow", "write"} <= set(listed["names"])
    assert echoed == {"text": "hi", "error": False, "progress": []}
    assert slow["progress"] == [1, 2, 3, 4]
    assert asked["text"] == "green"


@pytest.mark.parametrize("client", NAMED)
def test_the_journal_tells_a_cancelled_call(client: McpClient, tmp_path: Path) -> None:
    with servers.everything(tmp_path) as server:
        journey = client.run(server, [call_cancelled("slow", {"seconds": 20}, after_seconds=0.3)])
        phases = [line["phase"] for line in server.lines() if line["method"] == "tools/call"]
    assert journey.outcomes == [{"cancelled": True}]
    assert phases == ["received", "cancelled"]


@pytest.mark.parametrize("client", LEGACY)
def test_legacy_clients_reach_the_reference_servers(
    client: McpClient, npm_everything: HttpServer, npm_everything_sse: HttpServer
) -> None:
    for server in (npm_everything, npm_everything_sse):
        (echoed,) = client.run(server, [call("echo", {"message": "hi"})]).outcomes
        assert echoed["text"] == "Echo: hi"


def _stdio(name: str, folder: Path) -> tuple[StdioServer, str, dict[str, str]]:
    """A server by name, with one call that it answers without an error."""
    match name:
        case "filesystem":
            (folder / "a file").touch()
            return servers.filesystem(folder), "list_directory", {"path": str(folder)}
        case "memory":
            return servers.memory(folder), "read_graph", {}
        case "git":
            return servers.git(folder), "git_log", {"repo_path": str(folder)}
        case "time":
            return servers.clock(), "get_current_time", {"timezone": "UTC"}
        case _:
            return servers.npm_everything_stdio(), "echo", {"message": "hi"}


@pytest.mark.parametrize("name", ["filesystem", "memory", "git", "time", "everything"])
def test_each_stdio_server_answers(name: str, tmp_path: Path) -> None:
    server, tool, arguments = _stdio(name, tmp_path)
    listed, answered = clients.PYTHON_AUTO.run(server, [list_tools(), call(tool, arguments)]).outcomes
    assert tool in listed["names"]
    assert answered["error"] is False
    assert answered["text"]
