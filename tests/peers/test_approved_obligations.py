"""Obligations beside an approval: those of the decision that is made again hold, over HTTP and on pipes."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.peers import raw
from tests.peers.fixtures import StartSidecar
from tests.peers.servers import HttpServer, StdioServer, everything_stdio
from tests.peers.sidecar import Folders, agentgate, wrapped

POLICY: Final = """package agentgate

decision := {"effect": "deny", "reason": "labelled"} if "seen" in input.session.labels
else := {"effect": "allow", "reason": "ok", "obligations": obligations} if input.approval.id
else := {"effect": "require_approval", "reason": "ask", "obligations": object.union(obligations, {"approval": {}})}

obligations := OBLIGATIONS

listing := {"hide": []}
"""
SAME_USER: Final = "[approvals]\nsame_user = true\n"
TEXT: Final = "078-05-1120"
GONE: Final = "[redacted]"


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent that declares nothing: it calls `echo`, is told to come again, and comes again."""

    send: Callable[[bytes], dict[str, Any]]
    folders: Folders
    server: HttpServer | StdioServer

    def calls(self, text: str = TEXT) -> dict[str, Any]:
        """The answer: what a refusal says of itself, or the result."""
        result = self.send(raw.document("tools/call", {"name": "echo", "arguments": {"text": text}}))["result"]
        return dict(result.get("_meta", {}).get("agentgate/decision", result))

    def is_approved(self, text: str = TEXT) -> str:
        """Make the call that is asked about, and have it approved: the approval's id."""
        told = self.calls(text)
        assert told["code"] == "ask", told
        assert agentgate("approvals", "approve", "--state", self.folders.state, told["approval"]).returncode == 0
        return str(told["approval"])

    def arrived(self) -> list[str]:
        """What the server was told to say."""
        return [params["arguments"]["text"] for params in self.server.received()]

    def records(self) -> list[dict[str, Any]]:
        """Each record, with what the tenant's key opens."""
        key = self.folders.state / "keys/tenant-default.key"
        told = agentgate("records", self.folders.evidence, "--json", "--key", key).stdout
        return [json.loads(line) for line in told.splitlines()]

    def states(self) -> list[str]:
        """How the approvals stand, the oldest first."""
        told = agentgate("approvals", "list", "--all", "--json", "--state", self.folders.state).stdout
        return [json.loads(line)["state"] for line in told.splitlines()]


Start = Callable[[str], Agent]


@pytest.fixture(params=["http", "stdio"])
def start(
    request: pytest.FixtureRequest, everything_json: HttpServer, sidecar: StartSidecar, tmp_path: Path
) -> Iterator[Start]:
    """`start(obligations)`: an agent behind a policy that has them beside its wish for an approval."""
    with contextmanager(_piping)(tmp_path) as piped:

        def started(obligations: str) -> Agent:
            (rules := tmp_path / "policy").mkdir()
            (rules / "policy.rego").write_text(POLICY.replace("OBLIGATIONS", obligations))
            (config := tmp_path / "agentgate.toml").write_text(SAME_USER)
            given: dict[str, Any] = {"policy": str(rules), "more": ["-c", str(config)]}
            if request.param == "stdio":
                return piped(given)
            gate = sidecar({"everything": everything_json}, **given)
            before = len(everything_json.received())

            def send(body: bytes) -> dict[str, Any]:
                headers = raw.modern_headers("tools/call", "echo")
                return raw.send(gate.url("everything"), "POST", body, headers).message()

            return Agent(send, gate.folders, _Since(everything_json.url, everything_json.journal, before))

        yield started


class _Since(HttpServer):
    """A server of which only what came later counts."""

    def __init__(self, url: str, journal: Path | None, before: int) -> None:
        super().__init__(url, journal)
        object.__setattr__(self, "before", before)

    def received(self, method: str = "tools/call") -> list[Any]:
        """What arrived since."""
        before: int = object.__getattribute__(self, "before")
        return HttpServer.received(self, method)[before:]


def _piping(folder: Path) -> Iterator[Callable[[dict[str, Any]], Agent]]:
    processes: list[subprocess.Popen[bytes]] = []

    def started(given: dict[str, Any]) -> Agent:
        server = everything_stdio(folder)
        through, folders = wrapped(folder, server, **given)
        wrap = subprocess.Popen(through.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        processes.append(wrap)

        def send(body: bytes) -> dict[str, Any]:
            assert wrap.stdin is not None
            assert wrap.stdout is not None
            wrap.stdin.write(body + b"\n")
            wrap.stdin.flush()
            return dict(json.loads(wrap.stdout.readline()))

        return Agent(send, folders, server)

    try:
        yield started
    finally:
        for process in processes:
            process.terminate()
            process.communicate()


def test_params_are_redacted(start: Start) -> None:
    agent = start('{"redact": {"params": ["/arguments/text"]}}')
    agent.is_approved()
    listed = agentgate("approvals", "list", "--all", "--state", agent.folders.state).stdout
    assert (TEXT in listed, GONE in listed) == (False, True), "who approves is shown what the server is to get"
    assert agent.calls()["content"][0]["text"] == GONE
    assert agent.arrived() == [GONE]


def test_results_are_redacted(start: Start) -> None:
    agent = start('{"redact": {"result": ["/content/0/text", "/structuredContent/result"]}}')
    agent.is_approved()
    answer = agent.calls()
    assert answer["content"][0]["text"] == GONE
    assert TEXT not in json.dumps(answer)
    assert agent.arrived() == [TEXT]


def test_labels_are_left_when_the_call_passes(start: Start) -> None:
    agent = start('{"label": "seen"}')
    agent.is_approved()
    assert agent.calls()["content"][0]["text"] == TEXT
    assert agent.calls()["code"] == "labelled"


def test_a_limit_counts_what_passes_and_spends_no_approval_beyond(start: Start) -> None:
    agent = start('{"limit": {"key": "echo", "count": 1, "window": 3600}}')
    agent.is_approved("one")
    agent.is_approved("two")
    assert agent.calls("one")["content"][0]["text"] == "one"
    assert agent.calls("two")["code"] == "limit_reached"
    assert agent.states() == ["spent", "granted"]
    assert agent.arrived() == ["one"]


@pytest.mark.parametrize("durability", ["process", "host"])
def test_records_are_as_durable(start: Start, durability: str) -> None:
    agent = start(f'{{"durability": "{durability}"}}')
    agent.is_approved()
    assert agent.calls()["content"][0]["text"] == TEXT
    (intent,) = (one for one in agent.records() if one["header"]["kind"] == "intent")
    assert intent["body"]["decision"]["obligations"] == {"durability": durability}


@pytest.mark.parametrize(("recording", "kept"), [("full", [TEXT]), ("redacted", ["[us_ssn]"]), ("digest", [])])
def test_as_much_of_its_text_is_kept(start: Start, recording: str, kept: list[str]) -> None:
    agent = start(f'{{"record": "{recording}"}}')
    agent.is_approved()
    assert agent.calls()["content"][0]["text"] == TEXT
    assert [text for text in (TEXT, "[us_ssn]") if text in json.dumps(agent.records())] == kept


def test_the_approval_is_spent_with_the_intent(start: Start) -> None:
    agent = start('{"label": "other", "durability": "host"}')
    id = agent.is_approved()
    agent.calls()
    records = agent.records()
    at = next(number for number, one in enumerate(records) if one["header"]["kind"] == "intent")
    spent, intent = records[at - 1 : at + 1]
    assert (spent["header"]["kind"], spent["body"]["state"], spent["body"]["approval"]) == ("approval", "spent", id)
    assert spent["header"]["call"] == intent["header"]["call"]


@pytest.mark.parametrize(
    "obligations",
    [
        pytest.param('{"credential": {"broker": "b", "scope": "s", "ttl": 60}}', id="credential"),
        pytest.param('{"redact": {"params": ["/name"]}}', id="what-is-called"),
        pytest.param('{"limit": {"key": "k"}}', id="half-a-limit"),
        pytest.param('{"sing": true}', id="unknown"),
    ],
)
def test_what_nobody_can_keep_is_asked_of_no_human(start: Start, obligations: str) -> None:
    agent = start(obligations)
    assert agent.calls()["code"] == "obligation_unmet"
    assert agent.states() == []
    assert agent.arrived() == []
