"""The wrapped keys of a chain as lines of its keys.jsonl: which are there, and the file without some of them."""

from collections.abc import Set as AbstractSet
from pathlib import Path

from evidence.layout import KEYS_NAME
from evidence.sealing import read_key_line


def without(content: bytes, keys: AbstractSet[str], units: AbstractSet[str] = frozenset()) -> tuple[bytes, list[str]]:
    """The lines of a keys.jsonl that stay, and the ids of those that do not; a line that is no key of ours stays."""
    kept: list[bytes] = []
    gone: list[str] = []
    for line in content.splitlines(keepends=True):
        key, unit = _named(line)
        if key and (key in keys or unit in units):
            gone.append(key)
        else:
            kept.append(line)
    return b"".join(kept), gone


def ids_in(chain: Path) -> list[str]:
    """The ids of the wrapped keys that a chain has. Raises OSError."""
    path = chain / KEYS_NAME
    lines = path.read_bytes().splitlines() if path.is_file() and not path.is_symlink() else []
    return [key for key, _ in map(_named, lines) if key]


def _named(line: bytes) -> tuple[str, str]:
    try:
        members = read_key_line(line.removesuffix(b"\n"))
    except ValueError:
        return "", ""
    return str(members["id"]), str(members["unit"])
