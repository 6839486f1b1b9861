"""Rego's order of all values: null, booleans, numbers, strings, arrays, objects, sets (as OPA sorts them)."""

from collections.abc import Iterable
from decimal import Decimal
from functools import cmp_to_key
from typing import Any, Final

from policy.program.values import Set, of_key

_KINDS: Final = {type(None): 0, bool: 1, int: 2, Decimal: 2, str: 3, list: 4, dict: 5, Set: 6}


def compare(a: Any, b: Any) -> int:
    """Below, at or above zero as `a` is less than, equal to or greater than `b`."""
    kind, other = _KINDS[type(a)], _KINDS[type(b)]
    if kind != other or kind == 0:
        return kind - other
    match a:
        case list():
            return _in_turn(a, b)
        case dict():
            return _objects(a, b)
        case Set():
            return _in_turn(ordered(a), ordered(b))
        case _:
            # Texts, too: code points and UTF-8 have the same order.
            return int(a > b) - int(a < b)


def ordered(values: Iterable[Any]) -> list[Any]:
    """`values` in order."""
    return sorted(values, key=cmp_to_key(compare))


def members(value: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """Keys (as values) and values of an object, in the order of the keys."""
    return sorted(((of_key(name), member) for name, member in value.items()), key=cmp_to_key(_by_key))


def _by_key(a: tuple[Any, Any], b: tuple[Any, Any]) -> int:
    return compare(a[0], b[0])


def _in_turn(a: list[Any], b: list[Any]) -> int:
    for one, other in zip(a, b, strict=False):
        if (found := compare(one, other)) != 0:
            return found
    return len(a) - len(b)


def _objects(a: dict[Any, Any], b: dict[Any, Any]) -> int:
    """Key by key in their order: the smaller key first, then the smaller value, then the shorter object."""
    for (name, value), (other_name, other) in zip(members(a), members(b), strict=False):
        if (found := compare(name, other_name) or compare(value, other)) != 0:
            return found
    return len(a) - len(b)
