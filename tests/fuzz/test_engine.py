"""The fuzzer finds what is there to be found, and its page names every target."""

import re
from pathlib import Path

from tests.fuzz.running import run_plain
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS


def _breaks_at_a_brace(raw: bytes) -> None:
    assert b"{" not in raw


def _never_breaks(_: bytes) -> None:
    pass


def _seeds() -> list[bytes]:
    return [b"abc", b"def"]


def test_a_broken_promise_is_found_and_its_input_kept() -> None:
    lines: list[str] = []
    result = run_plain(Target("brace", "no brace", _breaks_at_a_brace, _seeds), 20.0, lines.append)
    assert result.reproducer is not None
    assert b"{" in result.reproducer.read_bytes()
    assert "AssertionError" in result.trace
    result.reproducer.unlink()


def test_a_kept_promise_ends_with_the_count() -> None:
    lines: list[str] = []
    result = run_plain(Target("nothing", "none", _never_breaks, _seeds), 20.0, lines.append, most=50)
    assert (result.executions, result.reproducer, result.corpus) == (50, None, 2)


def test_the_page_names_every_target() -> None:
    page = (Path(__file__).parents[2] / "docs" / "fuzzing.md").read_text()
    rows = "".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    assert re.findall(r"`(\w+)`", rows) == list(TARGETS)
