"""Builtins on arrays and sets, and those that compare values or tell their types."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from policy.program.cost import MEMBER, WORTH_COUNTING, Metered, counted, looked_through
from policy.program.order import compare, ordered, rank
from policy.program.running import Budget, dot, whole
from policy.program.values import UNDEFINED, Set, of_key, same

_NAMES: Final = {
    type(None): "null", bool: "boolean", int: "number", Decimal: "number", str: "string", list: "array",
    dict: "object", Set: "set",
}  # fmt: skip

_PAIR: Final = 200
"""Bytes of a path and a value that a walk finds, the steps of the path aside."""


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in kinds


def _both(kind: type, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda a, b: function(a, b) if type(a) is kind and type(b) is kind else UNDEFINED


def count(value: Any) -> Any:
    """Elements, members, or characters."""
    return len(value) if type(value) in (str, list, dict, Set) else UNDEFINED


def member(budget: Budget, value: Any, of: Any) -> bool:
    """Whether `value` is an element of an array or a set, or a value of an object."""
    if type(of) in (list, dict) and len(of) > WORTH_COUNTING:
        budget.spend(len(of))
    match of:
        case Set():
            return value in of
        case list():
            return any(same(value, each) for each in of)
        case dict():
            return any(same(value, each) for each in of.values())
        case _:
            return False


def member_at(name: Any, value: Any, of: Any) -> bool:
    """Whether `of` has `value` at `name`."""
    found = dot(of, name)
    return found is not UNDEFINED and same(found, value)


def extreme(sign: int) -> Callable[[Any], Any]:
    """The largest (1) or smallest (-1) of an array or a set."""

    def found(values: Any) -> Any:
        if type(values) not in (list, Set) or not len(values):
            return UNDEFINED
        return (max if sign > 0 else min)(values, key=rank)

    return found


def sort(values: Any) -> Any:
    """In order, as an array."""
    return ordered(values) if type(values) in (list, Set) else UNDEFINED


def part(array: Any, start: Any, stop: Any) -> Any:
    """The elements from `start` up to `stop`, as far as there are such."""
    if type(array) is not list or not whole(start) or not whole(stop):
        return UNDEFINED
    start = max(start, 0)
    return array[start : max(start, min(stop, len(array)))]


def union_of_sets(budget: Budget, sets: Any) -> Any:
    """All members of the sets in a set."""
    if type(sets) is not Set or not all(type(each) is Set for each in sets):
        return UNDEFINED
    budget.make(MEMBER * sum(map(len, sets)))
    return Set(value for each in sets for value in each)


def common_to_sets(budget: Budget, sets: Any) -> Any:
    """What is in each of the sets in a set."""
    if type(sets) is not Set or not all(type(each) is Set for each in sets):
        return UNDEFINED
    first, *others = list(sets) or [Set()]
    budget.make(MEMBER * len(first))
    budget.spend(len(first) * len(others))
    return Set(value for value in first if all(value in other for other in others))


def subset(budget: Budget, within: Any, of: Any) -> Any:
    """Whether all of the second is in the first."""
    if type(within) is dict and type(of) is dict:
        budget.spend(len(of))
        return all(name in within and _within(budget, within[name], value) for name, value in of.items())
    if type(within) is Set and type(of) is Set:
        budget.spend(len(of))
        return all(value in within for value in of)
    if type(within) is list and type(of) is Set:
        return all(member(budget, value, within) for value in of)
    if type(within) is list and type(of) is list:
        return any(_begins(budget, within, of, at) for at in range(len(within) - len(of) + 1))
    return UNDEFINED


def flattened(array: Any) -> Any:
    """Arrays in an array, one level deep, by their elements."""
    if type(array) is not list:
        return UNDEFINED
    return [inner for each in array for inner in (each if type(each) is list else [each])]


def walk(budget: Budget, value: Any) -> list[Any]:
    """Every value in a value, with the path to it: `[path, value]`, from the outermost on."""
    pairs: list[Any] = []
    waiting: list[tuple[list[Any], Any]] = [([], value)]
    while waiting:
        path, inner = waiting.pop()
        budget.make(_PAIR + 8 * len(path))
        budget.spend(1)
        pairs.append([path, inner])
        waiting += [([*path, name], below) for name, below in reversed(list(_below(budget, inner, len(path))))]
    return pairs


def _below(budget: Budget, value: Any, depth: int) -> Iterable[tuple[Any, Any]]:
    """What is right below a value; the paths to it are counted before they are made."""
    if type(value) in (list, dict, Set):
        budget.make((_PAIR + 8 * depth) * len(value))
    match value:
        case list():
            return enumerate(value)
        case dict():
            return [(of_key(name), below) for name, below in value.items()]
        case Set():
            return [(each, each) for each in ordered(value)]
        case _:
            return ()


def _within(budget: Budget, within: Any, of: Any) -> bool:
    found = subset(budget, within, of) if type(of) in (dict, Set, list) else UNDEFINED
    return same(within, of) if found is UNDEFINED else bool(found)


def _begins(budget: Budget, within: list[Any], of: list[Any], at: int) -> bool:
    budget.spend(1)
    for one, other in zip(islice(within, at, None), of, strict=False):
        if not same(one, other):
            return False
        budget.spend(1)
    return True


COLLECTIONS: Final[Mapping[str, Any]] = {
    "and": looked_through(_both(Set, lambda a, b: Set(value for value in a if value in b))),
    "array.concat": looked_through(_both(list, lambda a, b: [*a, *b])),
    "array.flatten": looked_through(flattened),
    "array.reverse": looked_through(lambda value: value[::-1] if type(value) is list else UNDEFINED),
    "array.slice": counted(part),
    "count": count,
    "equal": same,
    "gt": lambda a, b: compare(a, b) > 0,
    "gte": lambda a, b: compare(a, b) >= 0,
    "internal.member_2": Metered(member),
    "internal.member_3": member_at,
    "intersection": Metered(common_to_sets),
    "is_array": _is(list),
    "is_boolean": _is(bool),
    "is_null": _is(type(None)),
    "is_number": _is(int, Decimal),
    "is_object": _is(dict),
    "is_set": _is(Set),
    "is_string": _is(str),
    "lt": lambda a, b: compare(a, b) < 0,
    "lte": lambda a, b: compare(a, b) <= 0,
    "max": looked_through(extreme(1)),
    "min": looked_through(extreme(-1)),
    "neq": lambda a, b: not same(a, b),
    "object.subset": Metered(subset),
    "or": looked_through(_both(Set, lambda a, b: Set([*a, *b]))),
    "sort": looked_through(sort),
    "type_name": lambda value: _NAMES[type(value)],
    "union": Metered(union_of_sets),
    "walk": Metered(walk),
}
