"""Rewriting the configuration of an MCP client: every byte that is not ours stays, and undo gives back every byte."""

import io
import json
import os
from pathlib import Path

import pytest

from proxy.wrap_config import CannotRewrite, applied, run_wrap_config, undone, wrapped
from tests.vectors.wrap_config.generate import HERE, PROGRAM

VECTORS = sorted(HERE.glob("*.before.json"))


def _text(path: Path) -> str:
    return path.read_bytes().decode()


@pytest.mark.parametrize("before", VECTORS, ids=lambda path: path.name.partition(".")[0])
class TestVectors:
    def test_wrapping_gives_the_committed_bytes(self, before: Path) -> None:
        text = _text(before)
        assert applied(text, wrapped(text, PROGRAM)) == _text(before.with_name(before.name.replace("before", "after")))

    def test_undo_gives_the_same_bytes_back(self, before: Path) -> None:
        after = _text(before.with_name(before.name.replace("before", "after")))
        assert applied(after, undone(after)) == _text(before)

    def test_a_second_time_changes_nothing(self, before: Path) -> None:
        after = _text(before.with_name(before.name.replace("before", "after")))
        assert applied(after, wrapped(after, PROGRAM)) == after

    def test_undo_of_what_was_never_wrapped_changes_nothing(self, before: Path) -> None:
        assert applied(_text(before), undone(_text(before))) == _text(before)


def test_flags_added_by_hand_do_not_hinder_undo() -> None:
    text = '{"mcpServers": {"a": {"command": "x", "args": ["1"]}}}'
    after = applied(text, wrapped(text, PROGRAM)).replace('"wrap",', '"wrap", "--policy", "observe",')
    assert applied(after, undone(after)) == text


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mcp.json"
    path.write_bytes((HERE / "claude.before.json").read_bytes())
    path.chmod(0o640)
    return path


def test_the_file_is_replaced_with_its_mode(file: Path, tmp_path: Path) -> None:
    out = io.StringIO()
    assert run_wrap_config(file, undo=False, dry_run=False, out=out, program=PROGRAM) == 0
    assert file.read_bytes() == (HERE / "claude.after.json").read_bytes()
    assert file.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["mcp.json"]
    words = {line.split()[1]: line.split()[0] for line in out.getvalue().splitlines() if line.startswith("  ")}
    assert words["filesystem"] == "wrapped"
    assert words["remote"] == "left"
    assert "agentgate sidecar --upstream remote=URL" in out.getvalue()


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(file)
    run_wrap_config(link, undo=False, dry_run=False, out=io.StringIO(), program=PROGRAM)
    assert link.is_symlink()
    assert file.read_bytes() == (HERE / "claude.after.json").read_bytes()


def test_a_dry_run_prints_a_diff_and_writes_nothing(file: Path) -> None:
    before, out = file.read_bytes(), io.StringIO()
    run_wrap_config(file, undo=False, dry_run=True, out=out, program=PROGRAM)
    assert file.read_bytes() == before
    assert f'+      "command": "{PROGRAM}",' in out.getvalue()


REFUSED = [
    pytest.param("a.json", b"{", "this is no JSON (line 1:", id="broken"),
    pytest.param("a.json", b'{"mcpServers": {"a": {}, "a": {}}}', "stands there twice", id="doubled-key"),
    pytest.param("a.json", b"{} x", "more after the end", id="trailing"),
    pytest.param("a.json", b'{"mcpServers": ' + b"[" * 500, "nested too deep", id="deep"),
    pytest.param("a.json", b"[]", "neither mcpServers nor servers", id="other-file"),
    pytest.param("a.json", b"\xff", "is not UTF-8", id="not-utf-8"),
    pytest.param("config.toml", b"[mcp_servers.x]", "is TOML, which is not rewritten", id="codex"),
    pytest.param("missing.json", None, "No such file", id="missing"),
]


@pytest.mark.parametrize(("name", "content", "why"), REFUSED)
def test_a_file_that_cannot_be_rewritten_stays(tmp_path: Path, name: str, content: bytes | None, why: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CannotRewrite) as refused:
        run_wrap_config(path, undo=False, dry_run=False, out=io.StringIO())
    assert why in str(refused.value)
    assert content is None or path.read_bytes() == content


def test_a_name_of_a_server_cannot_move_the_cursor(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"mcpServers": {"\x1b[2J": {"command": "x"}}}))
    out = io.StringIO()
    run_wrap_config(path, undo=False, dry_run=False, out=out)
    assert "\x1b" not in out.getvalue()
