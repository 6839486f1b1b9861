"""The pages for readers: every command that they print is one that exists, and every link leads somewhere."""

import argparse
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from itertools import takewhile
from pathlib import Path

import pytest

from agentgate import COMMANDS
from tests.peers.places import ROOT

PAGES = [ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md")] + sorted((ROOT / "docs").rglob("*.md"))
_COMMAND = re.compile(r"^(?:    |\$ |    \$ )(?:\.venv/bin/)?agentgate (?P<rest>.+)$", re.MULTILINE)
_CONTINUED = re.compile(r"\\\n[ >]*")
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)|src=\"([^\"]+)\"")


def _printed() -> Iterator[tuple[str, list[str]]]:
    """Page and words of each command line, without its comment and what a shell adds (`&`, `| head`, `> file`)."""
    for page in PAGES:
        for found in _COMMAND.finditer(_CONTINUED.sub(" ", page.read_text("utf-8"))):
            words = shlex.split(found["rest"], comments=True)
            yield page.name, list(takewhile(lambda word: word not in {"&", "|", ">", "<"}, words))


@pytest.mark.parametrize(
    ("page", "words"), [pytest.param(*row, id=f"{row[0]}: {' '.join(row[1])}") for row in _printed()]
)
def test_a_printed_command_can_be_given(page: str, words: list[str]) -> None:
    name, *rest = words
    own = rest[: rest.index("--")] if "--" in rest else rest
    parser = argparse.ArgumentParser(page, allow_abbrev=False)
    import_module(COMMANDS[name].module).COMMANDS[name].arguments(parser)
    parser.parse_args(own)


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_a_link_leads_somewhere(page: Path) -> None:
    targets = [first or second for first, second in _LINK.findall(page.read_text("utf-8"))]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_commands_are_printed_at_all() -> None:
    assert {words[0] for _, words in _printed()} >= {"sidecar", "wrap", "wrap-config", "policy", "kill", "verify"}
