"""Real clients before real tool servers, with the sidecar between: the same outcomes as without it, and evidence."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.peers import clients, servers
from tests.peers.clients import Journey, McpClient
from tests.peers.fixtures import StartSidecar
from tests.peers.servers import HttpServer, StdioServer
from tests.peers.sidecar import Folders, wrapped
from tests.peers.steps import call, call_cancelled, call_with_progress, list_tools, prompt, read

JOURNEY = [
    list_tools(),
    call("echo", {"text": "hi"}),
    call("add", {"a": 1.5, "b": 2}),
    call("fail"),
    call("nobody knows this tool"),
    call_with_progress("slow", {"seconds": 0.2}),
    call("ask_model"),
    call("ask_person"),
    call("ask_roots"),
    read("memo://motto"),
    read("memo://note/one"),
    prompt("greet", {"name": "Ada"}),
    call("big"),
]
"""The last answer is larger than one of the clients reads over legacy SSE, which therefore does without it."""
NPM_JOURNEY = [
    list_tools(),
    call("echo", {"message": "hi"}),
    call("get-sum", {"a": 1, "b": 2}),
    call_with_progress("trigger-long-running-operation", {"duration": 0.4, "steps": 2}),
]
REFUSED = "write"


def rows(*chosen: McpClient) -> pytest.MarkDecorator:
    """A parametrisation over clients, by their names."""
    return pytest.mark.parametrize("client", [pytest.param(client, id=client.name) for client in chosen])


def assert_evidence(folders: Folders, *, unknown: int = 0) -> dict[str, Any]:
    """The chain holds, each intent has its outcome; the report, for more."""
    report = folders.verify()
    assert report["ok"], report
    assert report["intents"] == report["outcomes"], report
    assert report["open"] == 0
    assert report["unknown"] == unknown
    return report


def assert_same(direct: Journey, through: Journey) -> None:
    assert through.version == direct.version
    for step, (plain, gated) in enumerate(zip(direct.outcomes, through.outcomes, strict=True)):
        assert gated == plain, f"step {step}"


@rows(*clients.CLIENTS)
def test_streams_are_the_same(client: McpClient, everything_http: HttpServer, sidecar: StartSidecar) -> None:
    gate = sidecar({"everything": everything_http})
    assert_same(client.run(everything_http, JOURNEY), client.run(gate.url("everything"), JOURNEY))
    assert gate.program.terminate() == 0
    assert assert_evidence(gate.folders)["intents"] >= 11


@rows(*clients.CLIENTS)
def test_json_answers_are_the_same(client: McpClient, everything_json: HttpServer, sidecar: StartSidecar) -> None:
    gate = sidecar({"everything": everything_json})
    assert_same(client.run(everything_json, JOURNEY), client.run(gate.url("everything"), JOURNEY))
    assert gate.program.terminate() == 0
    assert_evidence(gate.folders)


@rows(*clients.LEGACY_CLIENTS)
def test_the_oldest_transport_is_the_same(client: McpClient, everything_sse: HttpServer, sidecar: StartSidecar) -> None:
    gate = sidecar({"sse": everything_sse})
    assert_same(client.run(everything_sse, JOURNEY[:-1]), client.run(gate.url("sse"), JOURNEY[:-1]))
    assert gate.program.terminate() == 0
    assert_evidence(gate.folders)


def _settled(journey: Journey) -> Journey:
    """Without the last progress of the last step.

    The server sends it together with the answer, and one client drops what comes with an answer, through or directly.
    """
    *steps, last = journey.outcomes
    return replace(journey, outcomes=[*steps, {**last, "progress": last["progress"][:1]}])


@rows(*clients.LEGACY_CLIENTS)
def test_the_reference_server_is_the_same(
    client: McpClient, npm_everything: HttpServer, npm_everything_sse: HttpServer, sidecar: StartSidecar
) -> None:
    gate = sidecar({"streams": npm_everything, "sse": npm_everything_sse})
    for name, server in (("streams", npm_everything), ("sse", npm_everything_sse)):
        assert_same(_settled(client.run(server, NPM_JOURNEY)), _settled(client.run(gate.url(name), NPM_JOURNEY)))
    assert gate.program.terminate() == 0
    assert_evidence(gate.folders)


@rows(*clients.CLIENTS)
def test_a_wrapped_server_is_the_same(client: McpClient, tmp_path: Path) -> None:
    server = servers.everything_stdio(tmp_path)
    gate, folders = wrapped(tmp_path, server)
    assert_same(client.run(server, JOURNEY), client.run(gate, JOURNEY))
    assert_evidence(folders)


@rows(*clients.CLIENTS)
def test_a_denied_call_never_arrives(client: McpClient, tmp_path: Path, sidecar: StartSidecar) -> None:
    with servers.everything(tmp_path) as server:
        gate = sidecar({"everything": server}, policy="starter")
        listed, denied, again = client.run(
            gate.url("everything"), [list_tools(), call(REFUSED, {"path": "a", "text": "b"}), list_tools()]
        ).outcomes
        reached = server.received()
    assert REFUSED not in listed["names"]
    assert denied["error"] is True
    assert denied["text"]
    assert again == listed
    assert reached == []
    assert gate.program.terminate() == 0
    report = assert_evidence(gate.folders)
    assert report["refusals"] >= 1
    assert report["intents"] == 0


@rows(*clients.CLIENTS)
def test_a_denied_call_never_arrives_over_stdio(client: McpClient, tmp_path: Path) -> None:
    server = servers.everything_stdio(tmp_path)
    gate, folders = wrapped(tmp_path, server, policy="starter")
    (denied,) = client.run(gate, [call(REFUSED, {"path": "a", "text": "b"})]).outcomes
    assert denied["error"] is True
    assert server.received() == []
    assert assert_evidence(folders)["refusals"] >= 1


@rows(*clients.CLIENTS)
def test_a_cancelled_call_is_cancelled_upstream(client: McpClient, tmp_path: Path, sidecar: StartSidecar) -> None:
    with servers.everything(tmp_path) as server:
        gate = sidecar({"everything": server})
        (cancelled,) = client.run(
            gate.url("everything"), [call_cancelled("slow", {"seconds": 20}, after_seconds=0.3)]
        ).outcomes
        phases = [line["phase"] for line in server.lines() if line["method"] == "tools/call"]
    assert cancelled == {"cancelled": True}
    assert phases == ["received", "cancelled"]
    assert gate.program.terminate() == 0
    assert_evidence(gate.folders)


def _real_stdio(name: str, folder: Path) -> tuple[StdioServer, list[dict[str, Any]]]:
    """A reference server by name, and a journey on it that has an effect where it can."""
    match name:
        case "filesystem":
            file = str(folder / "a.txt")
            wrote = call("write_file", {"path": file, "content": "hello"})
            return servers.filesystem(folder), [list_tools(), wrote, call("read_text_file", {"path": file})]
        case "memory":
            entity = {"name": "Ada", "entityType": "person", "observations": ["wrote the first program"]}
            return servers.memory(folder), [call("create_entities", {"entities": [entity]}), call("read_graph")]
        case "git":
            return servers.git(folder), [list_tools(), call("git_log", {"repo_path": str(folder)})]
        case _:
            return servers.clock(), [list_tools(), call("get_current_time", {"timezone": "Mars"})]


@pytest.mark.parametrize("name", ["filesystem", "memory", "git", "time"])
@rows(clients.PYTHON_AUTO, clients.TYPESCRIPT_OLD)
def test_reference_servers_are_the_same_when_wrapped(client: McpClient, name: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    server, steps = _real_stdio(name, data)
    direct = client.run(server, steps)
    (data / "memory.jsonl").unlink(missing_ok=True)
    gate, folders = wrapped(tmp_path, server)
    assert client.run(gate, steps) == direct
    assert_evidence(folders)
