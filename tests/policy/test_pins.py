"""Pins: what was reviewed, compared to what is listed now, and shown so that nothing hides in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from policy.bundle import load
from policy.engine import PolicyRefused
from policy.pins import FILE, doubled, read_file, read_pins, with_upstream, write_file

READ: dict[str, Any] = {
    "name": "read",
    "title": "Read",
    "description": "reads a file",
    "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    "annotations": {"readOnlyHint": True},
    "_meta": {"v": 1},
}
WRITE: dict[str, Any] = {"name": "write", "description": "writes a file", "inputSchema": {"type": "object"}}
LOCK = with_upstream(None, "files", [WRITE, READ])
PINNING = read_pins(LOCK, "lock")["files"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, "same", id="as-it-was"),
        pytest.param({"description": "reads any file"}, "changed", id="description"),
        pytest.param({"description": "reads a file\u200b"}, "changed", id="a-character-that-nobody-sees"),
        pytest.param({"title": "Read it"}, "changed", id="title"),
        pytest.param({"inputSchema": {"type": "object"}}, "changed", id="input-schema"),
        pytest.param({"outputSchema": {"type": "object"}}, "changed", id="an-output-schema"),
        pytest.param({"annotations": {"readOnlyHint": False}}, "changed", id="annotations"),
        pytest.param({"_meta": {"v": 2}}, "changed", id="meta"),
        pytest.param({"icons": []}, "changed", id="a-member-that-nobody-knows"),
        pytest.param({"name": "read2"}, "renamed", id="another-name"),
        pytest.param({"name": "read2", "title": "Other"}, "renamed", id="another-name-and-title"),
        pytest.param({"name": "write"}, "changed", id="the-name-of-another-tool"),
        pytest.param({"name": "read2", "description": "x"}, "new", id="another-tool"),
    ],
)
def test_changes_are_told_apart(change: dict[str, Any], expected: str) -> None:
    item = READ | change
    assert PINNING.judge(item["name"], item) == expected


def test_the_order_of_members_is_none_of_the_definition() -> None:
    assert PINNING.judge("read", dict(reversed(READ.items()))) == "same"


def test_a_difference_is_readable_and_hides_nothing() -> None:
    item = READ | {"description": "reads a file\u202e", "annotations": {}, "icons": [1]}
    assert PINNING.difference("read", item) == [
        "- annotations.readOnlyHint: true",
        '~ description: "reads a file" -> "reads a file\\u202e"',
        "+ icons: [1]",
    ]
    assert PINNING.difference("read2", READ | {"name": "read2"}) == ['~ name: "read" -> "read2"']


def test_a_long_difference_is_cut() -> None:
    lines = PINNING.difference("read", READ | {f"m{number}": "x" * 1000 for number in range(60)})
    assert len(lines) == 41
    assert lines[-1] == "... and 20 more"
    assert max(map(len, lines)) < 200


def test_what_vanished_is_named() -> None:
    assert PINNING.vanished(["read"]) == ("write",)
    assert PINNING.vanished(["write", "read", "more"]) == ()


def test_doubled_names() -> None:
    assert doubled(["a", "b", "a", "a"]) == {"a"}


def test_a_lock_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "state" / FILE
    assert read_file(path) is None
    write_file(path, LOCK)
    assert read_file(path) == LOCK
    assert path.stat().st_mode & 0o777 == 0o600
    write_file(path, with_upstream(read_file(path), "mail", [WRITE]))
    assert list(json.loads(path.read_text())["upstreams"]) == ["files", "mail"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("{", "not JSON", id="no-json"),
        pytest.param("[]", "not of the form", id="an-array"),
        pytest.param('{"version": 2, "upstreams": {}}', "not of the form", id="another-version"),
        pytest.param('{"version": 1, "upstreams": {"a": []}}', "upstreams.a is no object", id="tools-an-array"),
        pytest.param('{"version": 1, "upstreams": {"a": {"x": {"name": "y"}}}}', "no definition of that name",
                     id="another-name-inside"),
    ],
)  # fmt: skip
def test_a_bad_lock_file_is_named(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(PolicyRefused, match=problem):
        read_file(tmp_path / FILE)


def test_the_lock_file_of_a_policy_counts_before_that_of_the_state_folder(tmp_path: Path) -> None:
    (tmp_path / "policy.rego").write_text('package agentgate\n\ndecision := {"effect": "allow", "reason": "ok"}\n')
    without = load(str(tmp_path), grants=None)
    given = load(str(tmp_path), grants=None, pins=LOCK)
    (tmp_path / "agentgate/pins").mkdir(parents=True)
    (tmp_path / "agentgate/pins/data.json").write_text(json.dumps(with_upstream(None, "mail", [WRITE])))
    own = load(str(tmp_path), grants=None, pins=LOCK)
    assert (without.pins, without.pins_revision) == ({}, None)
    assert (set(given.pins), set(own.pins)) == ({"files"}, {"mail"})
    assert None not in (given.pins_revision, own.pins_revision)
    assert given.pins_revision != own.pins_revision


def test_a_bad_lock_file_refuses_the_policy() -> None:
    with pytest.raises(PolicyRefused, match="not of the form"):
        load("starter", grants=None, pins={"version": 1})
