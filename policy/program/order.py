"""Rego's order of all values: null, booleans, numbers, strings, arrays, objects, sets (as OPA sorts them)."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import repeat
from typing import Any, Final

from policy.program.values import Room, Set, of_key

_KINDS: Final = {type(None): 0, bool: 1, int: 2, Decimal: 2, str: 3, list: 4, dict: 5, Set: 6}
_TEXT: Final = _KINDS[str]


def compare(a: Any, b: Any) -> int:
    """Below, at or above zero as `a` is less than, equal to or greater than `b`."""
    first, second = rank(a), rank(b)
    return int(first > second) - int(first < second)


def ordered(values: Iterable[Any]) -> list[Any]:
    """`values` in order."""
    return sorted(values, key=rank)


def members(value: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """Keys (as values) and values of an object, in the order of the keys."""
    return [(of_key(name), value[name]) for name in sorted(value, key=_rank_of_key)]


def rank(value: Any, room: Room | None = None) -> tuple[Any, ...]:
    """What Python orders as Rego does the values: the kind first, then what is in it one by one, then the length.

    Raises Inexact.
    """
    kind = _KINDS[type(value)]
    if value is None:
        return (kind,)
    if type(value) not in (list, dict, Set):
        # Texts, too: code points and UTF-8 have the same order.
        return kind, value
    room = room or Room()
    room.take(len(value))
    match value:
        case list():
            return kind, tuple(map(rank, value, repeat(room)))
        case dict():
            # Key by key in their order: the smaller key first, then the smaller value, then the shorter object.
            return kind, tuple((rank(name, room), rank(member, room)) for name, member in members(value))
        case _:
            return kind, tuple(sorted(map(rank, value, repeat(room))))


def _rank_of_key(name: Any) -> tuple[Any, ...]:
    return (_TEXT, name) if type(name) is str else rank(of_key(name))
