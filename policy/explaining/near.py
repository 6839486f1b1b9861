"""Grants that are about nearly the same call: for another agent or upstream, or a name that is spelled nearly so."""

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from itertools import islice
from typing import Any, Final, NamedTuple

LEVELS: Final = ("tenant", "agent", "upstream", "method", "name")

MOST_ENTRIES: Final = 50_000
"""Of the index that are looked at, in some 50 ms."""

MOST_NEAR: Final = 5
_SPELLED: Final = 64
_NEARLY: Final = 0.7
MOST_DIFFERENCES: Final = 2


class Near(NamedTuple):
    """A grant, and what it is for instead: level, what the grant names, what the call has."""

    id: str
    effect: str
    differences: tuple[tuple[str, str, Any], ...]


def near(index: Any, call: tuple[Any, ...]) -> list[Near]:
    """The nearest grants to a call that none is about, by its tenant, agent, upstream, method and name."""
    best: dict[str, Near] = {}
    about: set[str] = set()
    for path, effect, entry in islice(_entries(index), MOST_ENTRIES):
        found = _compared(path, effect, entry, call)
        if not found.differences:
            about.add(found.id)
        elif not all(map(_is_small, found.differences)):
            continue
        elif len(found.differences) < len(best.get(found.id, found).differences) or found.id not in best:
            best[found.id] = found
    if about:
        return []
    others = [one for one in best.values() if len(one.differences) <= MOST_DIFFERENCES]
    return sorted(others, key=lambda one: (len(one.differences), one.id))[:MOST_NEAR]


def near_words(one: Near) -> str:
    """As a sentence, without its end."""
    said = ", ".join(f"for {level} {theirs}, not {ours}" for level, theirs, ours in one.differences)
    return f"{one.id} ({one.effect}) is {said}"


def _compared(path: tuple[str, ...], effect: str, entry: Mapping[str, Any], call: tuple[Any, ...]) -> Near:
    differences: list[tuple[str, str, Any]] = []
    for level, theirs, ours in zip(LEVELS, path, call, strict=True):
        if level == "name" and theirs == "*":
            prefix = str(entry.get("prefix", ""))
            if prefix and not (isinstance(ours, str) and ours.startswith(prefix)):
                differences.append((level, f"{prefix}*", ours))
        elif theirs not in ("*", ours):
            differences.append((level, theirs, ours))
    return Near(str(entry.get("id")), effect, tuple(differences))


def _is_small(difference: tuple[str, str, Any]) -> bool:
    """Whether it may be a slip: another method is none, and a name only where it is spelled nearly so."""
    level, theirs, ours = difference
    if level == "name":
        return isinstance(ours, str) and SequenceMatcher(None, theirs[:_SPELLED], ours[:_SPELLED]).ratio() >= _NEARLY
    return level != "method"


def _entries(index: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str, Mapping[str, Any]]]:
    if not isinstance(index, dict):
        return
    if len(path) < len(LEVELS):
        for name, below in index.items():
            yield from _entries(below, (*path, name))
        return
    for effect, entries in index.items():
        yield from ((path, effect, entry) for entry in entries)
