"""`agentgate policy explain` on what a real sidecar recorded: the agent's reference leads to the reason."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.peers import raw
from tests.peers.fixtures import StartSidecar
from tests.peers.servers import HttpServer
from tests.peers.sidecar import Folders, agentgate

pytestmark = pytest.mark.xdist_group("suggesting")


def _refused(answer: raw.Answer) -> dict[str, Any]:
    """What the agent is told of a refused call."""
    return dict(answer.message()["result"]["_meta"]["agentgate/decision"])


def _explained(folders: Folders, reference: str, *more: str | Path) -> tuple[int, dict[str, Any]]:
    places = ("--evidence", folders.evidence, "--state", folders.state)
    told = agentgate("policy", "explain", reference, "--json", *places, *more)
    return told.returncode, dict(json.loads(told.stdout))


def _allow(folders: Folders, *more: str) -> None:
    agentgate("policy", "allow", "everything", "add", *more, "--state", folders.state, check=True)


def test_a_reference_leads_to_the_reason(everything_json: HttpServer, sidecar: StartSidecar) -> None:
    seen = sidecar({"everything": everything_json}, policy="starter")
    _allow(seen.folders, "--argument", "a=max:5", "--argument", "b=optional")
    ends = time.monotonic() + 10
    while (told := _refused(raw.call(seen.url("everything"), "add", {"a": 9, "b": 1})))["code"] != "argument_refused":
        assert time.monotonic() < ends, told
        time.sleep(0.05)
    assert "at most" not in json.dumps(told)
    reference, key = told["reference"], seen.folders.state / "keys" / "tenant-default.key"

    code, sealed = _explained(seen.folders, reference)
    assert (code, sealed["record"]["reason"]) == (1, "argument_refused")
    assert "the private key of tenant default opens it" in sealed["missing"][0]

    code, found = _explained(seen.folders, reference, "--key", key)
    assert (code, found["record"]["call"], found["decision"]["reason"]) == (0, reference, "argument_refused")
    assert found["record"]["differs"] == []
    nearest = found["closest"][0]
    assert (nearest["effect"], nearest["reason"], nearest["distance"]) == ("allow", "granted", 1)
    assert nearest["conditions"][0]["words"].startswith("input.call.arguments.a is 9; grant:")
    assert nearest["conditions"][0]["words"].endswith("allows at most 5")
    assert _explained(seen.folders, found["record"]["decision"], "--key", key)[1]["record"]["call"] == reference

    _allow(seen.folders)
    code, moved = _explained(seen.folders, reference, "--key", key)
    assert code == 1
    assert "not that of the record: data" in moved["missing"][0]
    code, present = _explained(seen.folders, reference, "--key", key, "--present")
    assert (code, present["decision"]["reason"]) == (0, "granted")
    assert present["record"]["differs"][0].startswith("data: ")

    assert agentgate("policy", "explain", "ffffffff", "--evidence", seen.folders.evidence).returncode == 1
    assert agentgate("policy", "explain", "ff", "--evidence", seen.folders.evidence).returncode == 1


LIMITS = """package agentgate

decision := {"effect": "allow", "reason": "few", "obligations": {"limit": [
	{"key": "many", "count": 100, "window": 3600},
	{"key": "one", "count": 1, "window": 60},
]}}

listing := {"hide": []}
"""


def test_a_limit_that_was_spent_is_what_decided(
    everything_json: HttpServer, sidecar: StartSidecar, tmp_path: Path
) -> None:
    (rules := tmp_path / "policy").mkdir()
    (rules / "policy.rego").write_text(LIMITS)
    seen = sidecar({"everything": everything_json}, policy=str(rules))
    raw.call(seen.url("everything"), "add", {"a": 9, "b": 1}).result()
    told = _refused(raw.call(seen.url("everything"), "add", {"a": 9, "b": 1}))
    assert told["code"] == "limit_reached"

    key, policy = seen.folders.state / "keys" / "tenant-default.key", ("--policy", rules)
    code, sealed = _explained(seen.folders, told["reference"], *policy)
    assert (code, sealed["record"]["decided_by"]["obligation"]) == (1, "limit")
    assert [one["key"] for one in sealed["record"]["decided_by"]["values"]] == ["many", "one"]
    code, found = _explained(seen.folders, told["reference"], "--key", key, *policy)
    spent = {"key": "one", "count": 1, "window": 60}
    assert (code, found["record"]["decided_by"]) == (0, {"obligation": "limit", "values": [spent]})
    places = ("--evidence", seen.folders.evidence, "--state", seen.folders.state, "--key", key)
    words = agentgate("policy", "explain", told["reference"], *places, *policy).stdout
    line = "  refused as limit_reached: no rule decided it, but the obligation limit"
    assert f'{line} {{"count": 1, "key": "one", "window": 60}}' in words


def test_what_is_redacted_is_not_explained_as_if_it_had_been_decided_on(
    everything_json: HttpServer, sidecar: StartSidecar, tmp_path: Path
) -> None:
    (rules := tmp_path / "policy").mkdir()
    (rules / "policy.rego").write_text(LIMITS.replace('"obligations": {', '"obligations": {"record": "redacted", '))
    seen = sidecar({"everything": everything_json}, policy=str(rules))
    raw.call(seen.url("everything"), "add", {"a": 9, "b": 1}).result()
    told = _refused(raw.call(seen.url("everything"), "add", {"a": 9, "b": 1}))

    key, policy = seen.folders.state / "keys" / "tenant-default.key", ("--policy", rules)
    code, found = _explained(seen.folders, told["reference"], "--key", key, *policy)
    assert (code, found["missing"][0].split(":")[0]) == (1, "policy had the record redacted")
    assert [one["key"] for one in found["record"]["decided_by"]["values"]] == ["one"]


def test_what_an_exception_allowed(everything_json: HttpServer, sidecar: StartSidecar, tmp_path: Path) -> None:
    config = tmp_path / "agentgate.toml"
    config.write_text("[policy]\nlocal_exceptions = true\n")
    seen = sidecar({"everything": everything_json}, policy="starter", more=["-c", str(config)])
    words = ["everything", "add", "--agent", "default", "--for", "1h", "--reason", "May"]
    flags: list[str | Path] = ["--state", seen.folders.state, "-c", config]
    id = agentgate("exceptions", "issue", *words, *flags, check=True).stdout.split()[0]
    ends = time.monotonic() + 10
    while (told := raw.call(seen.url("everything"), "add", {"a": 9, "b": 1}).message()["result"])["isError"]:
        assert time.monotonic() < ends, told
        time.sleep(0.05)
    intent = next(each for each in reversed(seen.folders.records()) if each["header"]["kind"] == "intent")
    key = seen.folders.state / "keys" / "tenant-default.key"
    code, found = _explained(seen.folders, intent["header"]["call"], "--key", key, "-c", config)
    assert (code, found["decision"]["reason"], found["record"]["differs"]) == (0, "excepted", [])
    assert intent["body"]["decision"]["exception"] == id
