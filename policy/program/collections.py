"""Builtins on arrays, objects and sets, and those that compare values or tell their types."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from policy.program.order import compare, ordered
from policy.program.running import dot, whole
from policy.program.values import UNDEFINED, Set, key, merged, of_key, same

_NAMES: Final = {
    type(None): "null", bool: "boolean", int: "number", Decimal: "number", str: "string", list: "array",
    dict: "object", Set: "set",
}  # fmt: skip


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in kinds


def _both(kind: type, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda a, b: function(a, b) if type(a) is kind and type(b) is kind else UNDEFINED


def count(value: Any) -> Any:
    """Elements, members, or characters."""
    return len(value) if type(value) in (str, list, dict, Set) else UNDEFINED


def member(value: Any, of: Any) -> bool:
    """Whether `value` is an element of an array or a set, or a value of an object."""
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
        return ordered(values)[-1 if sign > 0 else 0]

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


def get(within: Any, name: Any, default: Any) -> Any:
    """A member, or the one at the end of a path (an array); else `default`."""
    if type(within) is not dict:
        return UNDEFINED
    if type(name) is not list:
        return within.get(key(name), default)
    for step in name:
        within = dot(within, step) if type(within) in (dict, list) else UNDEFINED
        if within is UNDEFINED:
            return default
    return within


def keys(within: Any) -> Any:
    """The set of an object's keys."""
    return Set(map(of_key, within)) if type(within) is dict else UNDEFINED


def without(within: Any, names: Any) -> Any:
    """An object without some keys (an array, a set, or the keys of an object)."""
    chosen = _chosen(names)
    if type(within) is not dict or chosen is None:
        return UNDEFINED
    return {name: value for name, value in within.items() if name not in chosen}


def only(within: Any, names: Any) -> Any:
    """An object with some of its keys."""
    chosen = _chosen(names)
    if type(within) is not dict or chosen is None:
        return UNDEFINED
    return {name: value for name, value in within.items() if name in chosen}


def union_of_objects(objects: Any) -> Any:
    """All objects of an array as one, the later before the earlier."""
    if type(objects) is not list or not all(type(each) is dict for each in objects):
        return UNDEFINED
    united: dict[Any, Any] = {}
    for each in objects:
        united = merged(united, each)
    return united


def union_of_sets(sets: Any) -> Any:
    """All members of the sets in a set."""
    if type(sets) is not Set or not all(type(each) is Set for each in sets):
        return UNDEFINED
    return Set(value for each in sets for value in each)


def common_to_sets(sets: Any) -> Any:
    """What is in each of the sets in a set."""
    if type(sets) is not Set or not all(type(each) is Set for each in sets):
        return UNDEFINED
    first, *others = list(sets) or [Set()]
    return Set(value for value in first if all(value in other for other in others))


def subset(within: Any, of: Any) -> Any:
    """Whether all of the second is in the first."""
    if type(within) is dict and type(of) is dict:
        return all(name in within and _within(within[name], value) for name, value in of.items())
    if type(within) is Set and type(of) is Set:
        return all(value in within for value in of)
    if type(within) is list and type(of) is Set:
        return all(member(value, within) for value in of)
    if type(within) is list and type(of) is list:
        return any(same(within[at : at + len(of)], of) for at in range(len(within) - len(of) + 1))
    return UNDEFINED


def reachable(graph: Any, initial: Any) -> Any:
    """All nodes that are reached from some over an object from node to its neighbours."""
    if type(graph) is not dict or type(initial) not in (list, Set):
        return UNDEFINED
    found, waiting = Set(), list(initial)
    while waiting:
        node = waiting.pop()
        neighbours = graph.get(key(node), UNDEFINED)
        if neighbours is UNDEFINED or node in found:
            continue
        found.add(node)
        waiting += [each for each in neighbours if each not in found] if type(neighbours) in (list, Set) else []
    return found


def walk(value: Any) -> list[Any]:
    """Every value in a value, with the path to it: `[path, value]`, from the outermost on."""
    pairs: list[Any] = []
    waiting: list[tuple[list[Any], Any]] = [([], value)]
    while waiting:
        path, inner = waiting.pop()
        pairs.append([path, inner])
        waiting += [([*path, name], below) for name, below in reversed(list(_below(inner)))]
    return pairs


def _below(value: Any) -> Iterable[tuple[Any, Any]]:
    match value:
        case list():
            return enumerate(value)
        case dict():
            return [(of_key(name), below) for name, below in value.items()]
        case Set():
            return [(each, each) for each in ordered(value)]
        case _:
            return ()


def _chosen(names: Any) -> frozenset[Any] | None:
    return frozenset(key(of_key(name)) for name in names) if type(names) in (list, Set, dict) else None


def _within(within: Any, of: Any) -> bool:
    found = subset(within, of) if type(of) in (dict, Set, list) else UNDEFINED
    return same(within, of) if found is UNDEFINED else bool(found)


COLLECTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "and": _both(Set, lambda a, b: Set(value for value in a if value in b)),
    "array.concat": _both(list, lambda a, b: [*a, *b]),
    "array.reverse": lambda value: value[::-1] if type(value) is list else UNDEFINED,
    "array.slice": part,
    "count": count,
    "equal": same,
    "graph.reachable": reachable,
    "gt": lambda a, b: compare(a, b) > 0,
    "gte": lambda a, b: compare(a, b) >= 0,
    "internal.member_2": member,
    "internal.member_3": member_at,
    "intersection": common_to_sets,
    "is_array": _is(list),
    "is_boolean": _is(bool),
    "is_null": _is(type(None)),
    "is_number": _is(int, Decimal),
    "is_object": _is(dict),
    "is_set": _is(Set),
    "is_string": _is(str),
    "lt": lambda a, b: compare(a, b) < 0,
    "lte": lambda a, b: compare(a, b) <= 0,
    "max": extreme(1),
    "min": extreme(-1),
    "neq": lambda a, b: not same(a, b),
    "object.filter": only,
    "object.get": get,
    "object.keys": keys,
    "object.remove": without,
    "object.subset": subset,
    "object.union": _both(dict, merged),
    "object.union_n": union_of_objects,
    "or": _both(Set, lambda a, b: Set([*a, *b])),
    "sort": sort,
    "type_name": lambda value: _NAMES[type(value)],
    "union": union_of_sets,
    "walk": walk,
}
