"""Tasks of real peers, with AgentGate between: what comes of them is the same, and evidence tells how each call ended.

The reference server-everything and the TypeScript SDK 1.x have those of 2025-11-25, in both directions: a call goes on
as a task of the server, and a question to the client's model as a task of the client. Server and client on the Python
SDK 2.x have those of 2026-07-28.
"""

import json
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from tests.peers import servers
from tests.peers.fixtures import StartSidecar
from tests.peers.places import NODE, NODE_PACKAGES, ROOT
from tests.peers.servers import HttpServer, StdioServer
from tests.peers.sidecar import Folders, wrapped
from tests.peers.tasks import starting

LEGACY: Final = [str(NODE), str(ROOT / "tests/peers/node/tasks.cjs"), str(NODE_PACKAGES)]
CLIENT_SECONDS: Final = 60.0
LEGACY_EVIDENCE: Final = """\
client tools/call simulate-research-query: task, completed task_completed
client tasks/get of simulate-research-query: completed ok
client tasks/result of simulate-research-query: completed ok
server elicitation/create: completed delivered
client elicitation/create: completed accepted
client tools/call simulate-research-query: task, cancelled task_cancelled
client tasks/cancel of simulate-research-query: completed ok
client tools/call trigger-sampling-request-async: completed ok
server sampling/createMessage: completed delivered
client sampling/createMessage: completed accepted
server tasks/get: completed delivered
client tasks/get: completed accepted
server tasks/result: completed delivered
client tasks/result: completed accepted
client tasks/get: failed rpc_error
"""
"""The calls in the order in which they began, each with what came of it; what is the same of several stands once."""
MODERN_EVIDENCE: Final = """\
client tools/call greet: completed ok
client tools/call slow_compute: task, completed task_completed
client tasks/get of slow_compute: completed ok
client tools/call failing_job: task, failed tool_error
client tasks/get of failing_job: completed ok
client tools/call protocol_error_job: task, failed task_failed
client tasks/get of protocol_error_job: completed ok
client tools/call confirm_delete: task, completed task_completed
client tasks/get of confirm_delete: completed ok
server elicitation/create: completed delivered
client tasks/update of confirm_delete: completed ok
client tools/call multi_input: task, completed task_completed
client tasks/get of multi_input: completed ok
client tasks/update of multi_input: completed ok
client tools/call test_tool_with_task: input_required, completed continued
client tools/call of test_tool_with_task: task, completed task_completed
client tasks/get of test_tool_with_task: completed ok
client tools/call slow_compute: task, cancelled task_cancelled
client tasks/cancel of slow_compute: completed ok
"""


def _ran(*command: str) -> dict[str, Any]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=CLIENT_SECONDS, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return dict(json.loads(done.stdout))


def _same(client: Sequence[str], direct: str, through: str) -> dict[str, Any]:
    """What the client found at both places; at the same time: the server says how long it takes."""
    with ThreadPoolExecutor(2) as threads:
        plain, gated = threads.map(lambda place: _ran(*client, place), (direct, through))
    assert gated == plain
    return plain


def _at(server: HttpServer | StdioServer | str) -> str:
    """A server as the legacy client takes it."""
    if isinstance(server, StdioServer):
        return json.dumps({"command": server.command, "environment": server.environment})
    return json.dumps({"url": server if isinstance(server, str) else server.url})


def _assert_legacy(direct: HttpServer | StdioServer, through: StdioServer | str) -> None:
    found = _same(LEGACY, _at(direct), _at(through))
    went = ["taskCreated working", "taskStatus working", "taskStatus input_required", "result"]
    assert found["researched"]["went"] == went
    assert "- **Clarification**: snake\n" in found["researched"]["text"]
    assert found["stopped"] == {"went": ["taskCreated working", "taskStatus cancelled", "error"], "text": None}
    assert found["listed"] == ["0 completed", "1 cancelled"]
    assert "Task created: ID\nPoll 1: completed\n" in found["sampled"]
    assert '"text": "Paris"' in found["sampled"]
    assert found["told"] == ["completed", "input_required", "working"]


def _assert_evidence(folders: Folders, expected: str) -> None:
    report = folders.verify()
    assert (report["ok"], report["open"], report["unknown"]) == (True, 0, 0), report
    assert report["intents"] == report["outcomes"]
    assert "".join(f"{call}\n" for call in dict.fromkeys(_calls(folders.records()))) == expected


def _calls(records: Iterable[dict[str, Any]]) -> list[str]:
    """Each call with the call that it continues, and all that is recorded of it."""
    named, found = dict[str, str](), dict[str, list[str]]()
    for record in records:
        call, body = record["header"]["call"], record["body"]
        match record["header"]["kind"]:
            case "intent":
                request = body["request"]
                named[call] = request["name"] or ""
                about = ["of", named[body["continues"]]] if "continues" in body else [named[call]]
                found[call] = [" ".join([request["direction"], request["method"], *filter(None, about)])]
            case "outcome":
                found[call].append(f"{body['outcome']} {body['reason']}")
            case _ if call is not None:
                found[call].append(body["event"])
    return [f"{who}: {', '.join(what)}" for who, *what in found.values()]


def test_tasks_over_pipes_are_the_same(tmp_path: Path) -> None:
    server = servers.npm_everything_stdio()
    gate, folders = wrapped(tmp_path, server)
    _assert_legacy(server, gate)
    _assert_evidence(folders, LEGACY_EVIDENCE)


def test_tasks_over_http_are_the_same(npm_everything: HttpServer, sidecar: StartSidecar) -> None:
    gate = sidecar({"streams": npm_everything})
    _assert_legacy(npm_everything, gate.url("streams"))
    assert gate.program.terminate() == 0
    _assert_evidence(gate.folders, LEGACY_EVIDENCE)


def test_tasks_over_the_oldest_transport_are_the_same(npm_everything_sse: HttpServer, sidecar: StartSidecar) -> None:
    gate = sidecar({"sse": npm_everything_sse})
    _assert_legacy(npm_everything_sse, gate.url("sse"))
    assert gate.program.terminate() == 0
    _assert_evidence(gate.folders, LEGACY_EVIDENCE)


def test_tasks_without_sessions_are_the_same(tmp_path: Path, sidecar: StartSidecar) -> None:
    with starting.tasks(tmp_path) as server:
        gate = sidecar({"tasks": server})
        found = _same(starting.CLIENT, server.url, gate.url("tasks"))
    assert found.pop("stopped") == ["working", "cancelled"]
    asked, ended = ["input_required", "completed"], ["completed"]
    assert {tool: each["went"] for tool, each in found.items()} == {
        "greet": [],
        "slow_compute": ended,
        "failing_job": ended,
        "protocol_error_job": ["failed"],
        "confirm_delete": asked,
        "multi_input": asked,
        "test_tool_with_task": ended,
    }
    assert found["failing_job"]["error"] is True
    assert found["protocol_error_job"]["failed"] == "This job fails as a server fails."
    assert found["confirm_delete"]["text"].count('"confirm": true') == 1
    assert found["multi_input"]["text"].count('"confirm": true') == 2
    assert found["test_tool_with_task"]["text"] == "Hello, Ada!"
    assert gate.program.terminate() == 0
    _assert_evidence(gate.folders, MODERN_EVIDENCE)
