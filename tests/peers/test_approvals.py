"""Approvals with real clients: each is asked in the form that it takes, and its call passes when somebody agrees."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.peers import clients
from tests.peers.clients import McpClient
from tests.peers.fixtures import StartSidecar
from tests.peers.servers import HttpServer, everything_stdio
from tests.peers.sidecar import Folders, agentgate, wrapped
from tests.peers.steps import call

PATIENCE_SECONDS: Final = 30.0
HUMAN: Final = """package agentgate

decision := {"effect": "require_approval", "reason": "ask", "message": "Adding needs a human."} if {
	input.call.name == "add"
	not input.approval.id
} else := {"effect": "allow", "reason": "ok"}

listing := {"hide": []}
"""
CLIENTS_WORD: Final = HUMAN.replace(
    '"message": "Adding', '"obligations": {"approval": {"client_attested": true}}, "message": "Adding'
)
ADD: Final = [call("add", {"a": 1.5, "b": 2})]
DONE: Final = [{"text": "3.5", "error": False, "progress": []}]
IMPATIENT_SECONDS: Final = 5.0
"""How long an HTTP client waits for the next byte if nobody tells it (httpx)."""

WAIT: Final = "[approvals]\nsame_user = true\nwait_seconds = 20\n"


def _configured(folder: Path, policy: str, lines: str = WAIT) -> dict[str, Any]:
    rules = folder / "policy"
    rules.mkdir()
    (rules / "policy.rego").write_text(policy)
    file = folder / "agentgate.toml"
    file.write_text(lines)
    return {"policy": str(rules), "more": ["-c", str(file)]}


@contextmanager
def _operator(folders: Folders, what: str = "approve", *, after: float = 0.0) -> Iterator[list[str]]:
    """Somebody who answers whatever comes to wait, so many seconds after it was seen first; the ids are told."""
    answered: list[str] = []
    ended = threading.Event()

    def answer() -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not ended.is_set() and time.monotonic() < until:
            listed = agentgate("approvals", "list", "--json", "--state", folders.state).stdout.splitlines()
            for line in listed:
                id = json.loads(line)["id"]
                ended.wait(after)
                if agentgate("approvals", what, "--state", folders.state, id).returncode == 0:
                    answered.append(id)
            ended.wait(0.2)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield answered
    finally:
        ended.set()
        thread.join()


def _approvals(folders: Folders) -> list[str]:
    return [record["body"]["state"] for record in folders.records() if record["header"]["kind"] == "approval"]


def rows(*chosen: McpClient) -> pytest.MarkDecorator:
    """A parametrisation over clients, by their names."""
    return pytest.mark.parametrize("client", [pytest.param(client, id=client.name) for client in chosen])


@rows(*clients.CLIENTS)
def test_a_page_is_opened_and_somebody_else_agrees(
    client: McpClient, everything_http: HttpServer, sidecar: StartSidecar, tmp_path: Path
) -> None:
    before = len(everything_http.received())
    gate = sidecar({"everything": everything_http}, **_configured(tmp_path, HUMAN))
    with _operator(gate.folders) as answered:
        journey = client.run(gate.url("everything"), ADD, elicitation={"url": {}})
    assert journey.outcomes == DONE
    assert len(answered) == 1
    assert len(everything_http.received()) == before + 1
    params = everything_http.received()[-1]
    assert not {"inputResponses", "requestState"} & params.keys()
    assert gate.program.terminate() == 0
    assert gate.folders.verify()["ok"]
    assert _approvals(gate.folders) == ["asked", "granted", "spent"]


@rows(*clients.CLIENTS)
def test_where_policy_takes_the_clients_word_its_user_agrees(
    client: McpClient, everything_http: HttpServer, sidecar: StartSidecar, tmp_path: Path
) -> None:
    gate = sidecar({"everything": everything_http}, **_configured(tmp_path, CLIENTS_WORD, "[approvals]\n"))
    assert client.run(gate.url("everything"), ADD, elicitation={"form": {}}).outcomes == DONE
    spent = [each["body"] for each in gate.folders.records() if each["header"]["kind"] == "approval"][-1]
    assert (spent["state"], spent["authn_method"]) == ("spent", "client_attested")


@rows(clients.PYTHON_MODERN, clients.TYPESCRIPT_OLD, clients.PYTHON_OLD)
def test_somebody_says_no(
    client: McpClient, everything_http: HttpServer, sidecar: StartSidecar, tmp_path: Path
) -> None:
    before = len(everything_http.received())
    gate = sidecar({"everything": everything_http}, **_configured(tmp_path, HUMAN))
    with _operator(gate.folders, "reject"):
        (outcome,) = client.run(gate.url("everything"), ADD, elicitation={"url": {}}).outcomes
    assert outcome["error"]
    assert "approval_rejected" in outcome["text"]
    assert len(everything_http.received()) == before


@rows(clients.OPENAI_AGENTS, clients.PYDANTIC_AI)
def test_a_client_that_declares_nothing_is_told_to_come_again(
    client: McpClient, everything_http: HttpServer, sidecar: StartSidecar, tmp_path: Path
) -> None:
    gate = sidecar({"everything": everything_http}, **_configured(tmp_path, HUMAN))
    (outcome,) = client.run(gate.url("everything"), ADD).outcomes
    assert "Ask for approval" in json.dumps(outcome)
    with _operator(gate.folders) as answered:
        while not answered:
            time.sleep(0.1)
    assert client.run(gate.url("everything"), ADD).outcomes == DONE


@rows(*clients.LEGACY_CLIENTS)
def test_on_the_oldest_transport(
    client: McpClient, everything_sse: HttpServer, sidecar: StartSidecar, tmp_path: Path
) -> None:
    gate = sidecar({"sse": everything_sse}, **_configured(tmp_path, HUMAN))
    # The SDKs know the transport by the end of the URL; the sidecar serves the configured one under any name.
    with _operator(gate.folders):
        assert client.run(gate.url("sse"), ADD, elicitation={"url": {}}).outcomes == DONE


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_a_client_that_waits_for_no_byte_long_is_told_that_its_call_is_held(
    transport: str, everything_http: HttpServer, everything_sse: HttpServer, sidecar: StartSidecar, tmp_path: Path
) -> None:
    server = {"http": everything_http, "sse": everything_sse}[transport]
    gate = sidecar({transport: server}, **_configured(tmp_path, HUMAN))
    with _operator(gate.folders, after=IMPATIENT_SECONDS + 2):
        journey = clients.PYTHON_OLD.run(gate.url(transport), ADD, read_seconds=IMPATIENT_SECONDS)
    assert journey.outcomes == DONE


@rows(*clients.CLIENTS)
def test_over_stdio(client: McpClient, tmp_path: Path) -> None:
    given = _configured(tmp_path, CLIENTS_WORD)
    through, folders = wrapped(tmp_path, everything_stdio(tmp_path), **given)
    assert client.run(through, ADD, elicitation={"form": {}}).outcomes == DONE
    assert _approvals(folders) == ["asked", "granted", "spent"]
    assert folders.verify()["ok"]


def test_a_call_that_is_held_holds_up_no_other_line(tmp_path: Path) -> None:
    given = _configured(tmp_path, HUMAN, f'{WAIT}url = "https://approvals.example/{{id}}"\n')
    through, _ = wrapped(tmp_path, everything_stdio(tmp_path), **given)
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"url": {}}},
    }
    params = {"name": "add", "arguments": {"a": 1, "b": 2}, "_meta": meta}
    with subprocess.Popen(through.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as wrap:
        assert wrap.stdin is not None
        assert wrap.stdout is not None

        def said(id: int, method: str, params: dict[str, Any]) -> None:
            assert wrap.stdin is not None
            wrap.stdin.write(json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}) + "\n")
            wrap.stdin.flush()

        said(1, "tools/call", params)
        asked = json.loads(wrap.stdout.readline())["result"]
        ((key, question),) = asked["inputRequests"].items()
        assert question["params"]["url"].startswith("https://approvals.example/")
        answer = {"inputResponses": {key: {"action": "accept"}}, "requestState": asked["requestState"]}
        began = time.monotonic()
        said(2, "tools/call", {**params, **answer})
        said(3, "tools/list", {"_meta": meta})
        assert json.loads(wrap.stdout.readline())["id"] == 3
        assert time.monotonic() - began < 10
        wrap.terminate()
