"""The product's own source files, parsed."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.peers.places import ROOT

PACKAGES = ("proxy", "policy", "evidence", "central")


@dataclass(frozen=True, slots=True)
class Source:
    """One module: its path from the root, with `/`, its text's length in lines, and its syntax tree."""

    path: str
    lines: int
    tree: ast.Module


@cache
def product() -> tuple[Source, ...]:
    """Every module of the product, sorted by path."""
    files = [ROOT / "agentgate.py", *(file for name in PACKAGES for file in sorted((ROOT / name).rglob("*.py")))]
    return tuple(_read(str(file.relative_to(ROOT)), file.read_text("utf-8")) for file in files if file.exists())


def _read(path: str, text: str) -> Source:
    return Source(path, text.count("\n"), ast.parse(text, path))


def calls(source: Source) -> Iterator[tuple[str, int]]:
    """The last name of everything that a module calls, and the line."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name, node.lineno
