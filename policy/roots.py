"""What a bundle may speak of: the roots of its manifest, each a path into `data`, as OPA holds them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

_PACKAGE: Final = re.compile(r"^[^\S\n]*package[^\S\n]+(\S[^\n]*?)[^\S\n]*$", re.MULTILINE)
_PART: Final = re.compile(r'(?:^|\.)([A-Za-z_]\w*)|\["((?:[^"\\])*)"\]', re.ASCII)

Path = tuple[str, ...]


def overlaps(roots: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each two roots of which one holds the other."""
    for one, other in combinations(roots, 2):
        if _holds(_path(one), _path(other)) or _holds(_path(other), _path(one)):
            yield one, other


def stray_packages(roots: Sequence[str], codes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each module whose package lies in no root, and the package; `codes` are modules without comments."""
    for path, code in codes.items():
        found = _PACKAGE.search(code)
        package = _package(found[1]) if found else None
        if package is None or not _held(roots, package):
            yield path, found[1] if found else "none"


def stray_data(roots: Sequence[str], data: Mapping[str, Any], above: Path = ()) -> Iterator[str]:
    """Each path of the data that lies in no root and leads to none."""
    for key, value in data.items():
        path = (*above, key)
        if _held(roots, path):
            continue
        if isinstance(value, Mapping) and any(_holds(path, _path(root)) for root in roots):
            yield from stray_data(roots, value, path)
        else:
            yield "/".join(path)


def _path(root: str) -> Path:
    inner = root.strip("/")
    return tuple(inner.split("/")) if inner else ()


def _held(roots: Sequence[str], path: Path) -> bool:
    return any(_holds(_path(root), path) for root in roots)


def _holds(root: Path, path: Path) -> bool:
    return path[: len(root)] == root


def _package(ref: str) -> Path | None:
    """The parts of a package's name; None where it is spelled in a way that is not read here."""
    parts, at = [], 0
    while at < len(ref):
        found = _PART.match(ref, at)
        if found is None:
            return None
        parts.append(found[1] if found[1] is not None else found[2])
        at = found.end()
    return tuple(parts) or None
