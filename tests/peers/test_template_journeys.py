"""Every template in a running AgentGate before a real tool server, on both engines: what it refuses never arrives."""

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from policy.templating import templates
from tests.peers import raw
from tests.peers.fixtures import StartSidecar
from tests.peers.places import AGENTGATE, OPA, ROOT
from tests.peers.processes import running
from tests.peers.servers import HttpServer
from tests.peers.sidecar import Folders, agentgate, wrapped
from tests.peers.steps import call, list_tools
from tests.peers.template_journeys import JOURNEYS

pytestmark = pytest.mark.xdist_group("templates")

ENGINES = pytest.mark.parametrize("engine", ["embedded", "opa"])


def _policy(folder: Path, upstream: str, settings: Mapping[str, Any]) -> Path:
    """A policy as `policy init` writes it, with settings for everybody at an upstream."""
    agentgate("policy", "init", "--template", ",".join(settings), folder, check=True)
    (folder / "settings" / "data.json").write_text(json.dumps({"*": {"*": {upstream: settings}}}))
    return folder


def _configured(folder: Path) -> list[str]:
    """The flags of a configuration by which the key of the state folder signs exceptions."""
    config = folder / "config.toml"
    config.write_text("[policy]\nlocal_exceptions = true\n")
    return ["-c", str(config)]


@contextmanager
def _asked(engine: str, policy: Path, state: Path, *more: str) -> Iterator[list[str]]:
    """The flags for a sidecar whose policy is decided by this engine, with the exceptions of a state folder."""
    if engine == "embedded":
        yield [*more]
        return
    # A socket's path is short: the folder of a test is not.
    with tempfile.TemporaryDirectory(prefix="opa-") as place:
        folder = Path(place) / "opa"
        command: list[str | Path] = [AGENTGATE, "opa", *more, "--policy", policy, "--state", state, "--folder", folder]
        ready, environment = (folder / "opa.sock").exists, {"AGENTGATE_OPA": str(OPA)}
        with running(command, log=Path(place) / "opa.log", ready=ready, environment=environment):
            yield [*more, "--opa", f"unix:{folder}/opa.sock"]


def _except(state: Path, tool: str, *rules: str) -> str:
    """Sign an exception with the key of the state folder: its id."""
    words = ["served", tool, "--agent", "default", "--for", "1h", "--reason", "a journey", *rules]
    done = agentgate("exceptions", "issue", "--state", state, *words)
    return str(done.stdout.split()[0])


def test_every_template_has_a_journey() -> None:
    names = {template.id for template in templates()}
    assert names <= JOURNEYS.keys()
    page = (
        (ROOT / "docs" / "templates.md").read_text().partition("## What they are tried before")[2].partition("\n## ")[0]
    )
    assert set(re.findall(r"(?m)^\| ([a-z][a-z-]+) \| ", page)) - {"template"} == names


@ENGINES
@pytest.mark.parametrize("name", JOURNEYS)
def test_a_template_before_a_real_server(name: str, engine: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with JOURNEYS[name](place) as journey:
        policy, state = _policy(tmp_path / "policy", "served", journey.settings), Folders.under(tmp_path).state
        issued = {_except(state, *each) for each in journey.exceptions}
        with _asked(engine, policy, state, *_configured(tmp_path)) as flags:
            gate, folders = wrapped(tmp_path, journey.server, name="served", policy=str(policy), more=flags)
            steps = [list_tools(), *(call(tool, arguments) for tool, arguments, _ in journey.calls)]
            listed, *outcomes = journey.client.run(gate, steps).outcomes
        assert set(listed["names"]) == journey.listed
        said = [what for _, _, what in journey.calls]
        assert _said(folders, "client") == said
        if journey.questions is not None:
            assert _said(folders, "server") == journey.questions
        passed = [outcome for outcome, what in zip(outcomes, said, strict=True) if what.startswith("allow:")]
        assert len(passed) == len(journey.texts)
        for outcome, text in zip(passed, journey.texts, strict=True):
            assert text is None or text in outcome["text"], outcome
        journey.left()
    assert {id for id in _exceptions_of(folders) if id is not None} <= issued
    assert sum(id is not None for id in _exceptions_of(folders)) == sum(
        what in ("allow:excepted", "allow:glass_broken") for what in said
    )
    assert folders.verify()["ok"]


def _exceptions_of(folders: Folders) -> list[str | None]:
    """The exception that each decision on a call of a tool went by."""
    bodies = [record["body"] for record in folders.records() if record["header"]["kind"] in ("intent", "refusal")]
    return [body["decision"].get("exception") for body in bodies if body["request"]["method"] == "tools/call"]


def _said(folders: Folders, direction: str) -> list[str]:
    """What policy said to each call, in order; the code alone of what it allowed and what was refused all the same."""
    found: list[str] = []
    for record in folders.records():
        body, request = record["body"], record["body"].get("request", {})
        if record["header"]["kind"] not in ("intent", "refusal") or request["direction"] != direction:
            continue
        if direction == "client" and request["method"] != "tools/call":
            continue
        decision, refusal = body["decision"], body.get("refusal", {"code": body["decision"]["reason"]})
        agrees = refusal["code"] == decision["reason"]
        found.append(f"{decision['effect']}:{decision['reason']}" if agrees else refusal["code"])
    return found


def _code(answer: raw.Answer) -> str | None:
    """The code of a refused call, None for one that was not."""
    told = answer.result().get("_meta", {}).get("agentgate/decision")
    return None if told is None else str(told["code"])


def _tools(url: str) -> set[str]:
    return {tool["name"] for tool in raw.request(url, "tools/list").result()["tools"]}


@ENGINES
def test_nothing_is_sent_after_a_secret(
    engine: str, tmp_path: Path, everything_json: HttpServer, sidecar: StartSidecar
) -> None:
    """Three templates over HTTP, before our own server: what arrived there is in its journal."""
    secrets = {"sending": {"write": {"urls": ["path"], "others": ["text"]}}, "hosts": {"a.example": {}}}
    personal = {"tools": {"echo": {"params": ["/arguments/text"], "result": ["/content/0/text"]}}}
    settings = {"egress": {**secrets, "secrets": {"echo": {}}}, "pii-strict": personal}
    policy = _policy(tmp_path / "policy", "own", {**settings, "read-only-low-risk": {"tools": {"add": {}}}})
    with _asked(engine, policy, tmp_path / "opa-state") as flags:
        url = sidecar({"own": everything_json}, policy=str(policy), more=flags).url("own")
        sent, before = {"path": "https://a.example/x", "text": "hello"}, len(everything_json.received())
        assert _tools(url) == {"echo", "write", "add"}
        assert _code(raw.call(url, "write", {**sent, "path": "https://evil.example/x"})) == "destination_refused"
        assert _code(raw.call(url, "write", sent)) is None
        secret = raw.call(url, "echo", {"text": "the secret"})
        assert b"the secret" not in secret.body
        assert secret.result()["content"][0]["text"] == "[redacted]"
        assert _code(raw.call(url, "write", sent)) == "after_secret"
        assert raw.call(url, "add", {"a": 1, "b": 2}).result()["content"][0]["text"] in ("3", "3.0")
        assert _code(raw.call(url, "big")) == "no_template"
        assert _tools(url) == {"echo", "add"}
        arrived = [(params["name"], params["arguments"]) for params in everything_json.received()[before:]]
    assert arrived == [("write", sent), ("echo", {"text": "[redacted]"}), ("add", {"a": 1, "b": 2})]


@ENGINES
def test_so_many_statements_that_only_read(
    engine: str, tmp_path: Path, everything_json: HttpServer, sidecar: StartSidecar
) -> None:
    """Two templates about one tool, over HTTP: the refused one does not count."""
    limits = {"total": {"count": 2, "window": 3600}, "tools": {"echo": {"others": ["text"]}}}
    settings = {"sql-read-only": {"tools": {"echo": {"argument": "text"}}}, "cloud-limit": limits}
    policy = _policy(tmp_path / "policy", "own", settings)
    with _asked(engine, policy, tmp_path / "opa-state") as flags:
        url = sidecar({"own": everything_json}, policy=str(policy), more=flags).url("own")
        statements = ["select 1", "drop table x", "select 2", "select 3"]
        codes = [_code(raw.call(url, "echo", {"text": each})) for each in statements]
    assert codes == [None, "sql_refused", None, "limit_reached"]


@ENGINES
def test_glass_is_broken_while_an_exception_holds(
    engine: str, tmp_path: Path, everything_json: HttpServer, sidecar: StartSidecar
) -> None:
    """Signed and revoked while the sidecar runs: the tool opens, and shuts again."""
    policy = _policy(tmp_path / "policy", "served", {"break-glass": {"tools": {"echo": {}}}})
    state, config = Folders.under(tmp_path).state, _configured(tmp_path)
    with _asked(engine, policy, state, *config) as flags:
        url = sidecar({"served": everything_json}, folder=tmp_path, policy=str(policy), more=flags).url("served")
        before = len(everything_json.received())
        assert _code(raw.call(url, "echo", {"text": "a"})) == "no_template"
        id = _except(state, "echo")
        _until(lambda: _tools(url) == {"echo"})
        assert _code(raw.call(url, "echo", {"text": "b"})) is None
        assert agentgate("exceptions", "revoke", "--state", state, id).returncode == 0
        _until(lambda: _tools(url) == set())
        assert _code(raw.call(url, "echo", {"text": "c"})) == "no_template"
        arrived = [params["arguments"] for params in everything_json.received()[before:]]
    assert arrived == [{"text": "b"}]


def _until(met: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not met():
        assert time.monotonic() < ends, "nothing has changed"
        time.sleep(0.1)
