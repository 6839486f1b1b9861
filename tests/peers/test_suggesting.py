"""`agentgate policy suggest` on what real sidecars recorded: its grants allow those calls, and no others."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.peers import clients, raw, servers
from tests.peers.fixtures import StartSidecar
from tests.peers.servers import HttpServer
from tests.peers.sidecar import Folders, agentgate, wrapped
from tests.peers.steps import call

pytestmark = pytest.mark.xdist_group("suggesting")


def _suggested(folders: Folders, *more: str | Path) -> dict[str, Any]:
    told = agentgate("policy", "suggest", "--json", "--evidence", folders.evidence, *more, check=True)
    return dict(json.loads(told.stdout))


def _opened(folders: Folders) -> dict[str, Any]:
    return _suggested(folders, "--key", folders.state / "keys" / "tenant-default.key")


def _rules(found: dict[str, Any]) -> dict[str, Any]:
    return {grant.get("tool") or grant["method"]: grant.get("arguments") for grant in found["grants"]}


def _code(answer: raw.Answer) -> str | None:
    """The code of a refused call, None for one that was not."""
    message = answer.message()
    if "error" in message:
        return str(message["error"]["data"]["code"])
    told = message["result"].get("_meta", {}).get("agentgate/decision")
    return None if told is None else str(told["code"])


def _wait_for(true: Callable[[], bool]) -> None:
    """A file that was written is taken up within a second."""
    ends = time.monotonic() + 10
    while not true():
        assert time.monotonic() < ends, "it does not come true"
        time.sleep(0.05)


def _made(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


SEEN: list[tuple[str, dict[str, Any]]] = [
    ("add", {"a": 2, "b": 1}),
    ("add", {"a": 5, "b": 1}),
    ("write", {"path": "/srv/a/x", "text": "y" * 80}),
    ("write", {"path": "/srv/a/z/y", "text": "n" * 90}),
]
REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("add", {"a": 6, "b": 1}),
    ("add", {"a": 2, "b": 1, "c": 1}),
    ("write", {"path": "/srv/b", "text": "y"}),
    ("write", {"path": "/srv/a/../b", "text": "y"}),
    ("write", {"path": "/srv/a/x"}),
    ("echo", {"text": "y"}),
]


def test_what_was_observed_is_allowed_and_nothing_else(everything_json: HttpServer, sidecar: StartSidecar) -> None:
    seen = sidecar({"everything": everything_json})
    for tool, arguments in SEEN:
        raw.call(seen.url("everything"), tool, arguments)
    resource = raw.request(seen.url("everything"), "resources/list").result()["resources"][0]["uri"]
    raw.request(seen.url("everything"), "resources/read", {"uri": resource})
    seen.program.terminate()
    sealed = _suggested(seen.folders)
    assert _rules(sealed) == {"add": None, "write": None}
    assert [why for why in sealed["left_out"] if "--key" in why]
    found = _opened(seen.folders)
    assert _rules(found) == {
        "add": {"a": {"max": 5, "min": 2}, "b": {"one_of": [1]}},
        "write": {"path": {"under": ["/srv/a"]}, "text": {}},
        "resources/read": None,
    }
    assert [each["reasons"] for each in found["seen"]] == [{"not_granted": 1}, {"not_granted": 2}, {"not_granted": 2}]
    assert {grant["agent"] for grant in found["grants"]} == {"default"}
    assert resource in {grant.get("name") for grant in found["grants"]}
    held = sidecar({"everything": everything_json}, policy="starter")
    url, grants = held.url("everything"), held.folders.state / "grants.json"
    assert [_code(raw.call(url, *each)) for each in SEEN] == ["not_granted"] * len(SEEN)
    grants.write_text(json.dumps(found))
    _wait_for(lambda: _code(raw.call(url, *SEEN[0])) is None)
    assert [_code(raw.call(url, *each)) for each in SEEN] == [None] * len(SEEN)
    assert _code(raw.request(url, "resources/read", {"uri": resource})) is None
    refused = [_code(raw.call(url, *each)) for each in REFUSED]
    assert refused == ["argument_refused"] * (len(REFUSED) - 1) + ["not_granted"]


def test_a_wrapped_server(tmp_path: Path) -> None:
    place = tmp_path / "place"
    (place / "work").mkdir(parents=True)
    for name in ("work/a.txt", "work/b.txt", "c.txt"):
        (place / name).write_text(name)
    read = [call("read_text_file", {"path": str(place / name)}) for name in ("work/a.txt", "work/b.txt", "c.txt")]
    observing, seen = wrapped(_made(tmp_path, "observing"), servers.filesystem(place), name="files")
    clients.PYTHON_AUTO.run(observing, read[:2])
    found = _opened(seen)
    assert _rules(found) == {"read_text_file": {"path": {"under": [str(place / "work")]}}, "roots/list": None}
    holding, held = wrapped(_made(tmp_path, "holding"), servers.filesystem(place), name="files", policy="starter")
    (held.state / "grants.json").write_text(json.dumps(found))
    outcomes = clients.PYTHON_AUTO.run(holding, read).outcomes
    assert [outcome["error"] for outcome in outcomes] == [False, False, True]


def test_denials_of_the_starter_and_what_nobody_is_to_grant(everything_json: HttpServer, sidecar: StartSidecar) -> None:
    gate = sidecar({"everything": everything_json}, policy="starter")
    state, url = gate.folders.state, gate.url("everything")
    for words in (["allow", "everything", "add", "--argument", "a=max:10"], ["deny", "everything", "big"]):
        agentgate("policy", *words, "--state", state, check=True)
    _wait_for(lambda: _code(raw.call(url, "big")) == "denied_by_operator")
    assert [_code(raw.call(url, "add", {"a": each, "b": 1})) for each in (1, 2, 70)] == [None, None, "argument_refused"]
    assert _code(raw.call(url, "echo", {"text": "a"})) == "not_granted"
    agentgate("quarantine", "--upstream", "everything", "--state", state, check=True)
    _wait_for(lambda: _code(raw.call(url, "big")) == "contained")
    raw.send(url, "POST", b'{"jsonrpc": "2.0", "id": 1, "id": 2}', raw.modern_headers("tools/call", "add"))
    gate.program.terminate()
    found = _opened(gate.folders)
    assert [(grant["tool"], grant["arguments"]) for grant in found["grants"]] == [
        ("add", {"a": {"max": 2, "min": 1}, "b": {"one_of": [1]}}),
        ("add", {"a": {"one_of": [70]}, "b": {"one_of": [1]}}),
        ("echo", {"text": {"one_of": ["a"]}}),
    ]
    assert [each["refused"] for each in found["seen"]] == [False, True, True]
    assert any("denied_by_operator" in why for why in found["left_out"])
    assert any("contained" in why for why in found["left_out"])
    told = agentgate("policy", "suggest", "--evidence", gate.folders.evidence, check=True).stdout
    assert "#   1 call REFUSED (1 argument_refused)" in told
    assert "arguments are sealed" in told
