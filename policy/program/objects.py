"""Builtins on objects: their keys, parts of them, and several as one."""

from collections.abc import Mapping
from typing import Any, Final

from policy.program.cost import MEMBER, Metered, looked_through
from policy.program.running import Budget, dot
from policy.program.values import UNDEFINED, Set, key, of_key


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


def united(budget: Budget, a: Any, b: Any) -> Any:
    """Both objects as one, member by member."""
    if type(a) is not dict or type(b) is not dict:
        return UNDEFINED
    whole = dict(a)
    budget.make(MEMBER * (len(a) + len(b)))
    for name, value in b.items():
        before = whole.get(name)
        both = type(before) is dict and type(value) is dict
        whole[name] = united(budget, before, value) if both else value
    return whole


def union_of_objects(budget: Budget, objects: Any) -> Any:
    """All objects of an array as one, the later before the earlier."""
    if type(objects) is not list or not all(type(each) is dict for each in objects):
        return UNDEFINED
    whole: Any = {}
    for each in objects:
        whole = united(budget, whole, each)
    return whole


def _chosen(names: Any) -> frozenset[Any] | None:
    return frozenset(key(of_key(name)) for name in names) if type(names) in (list, Set, dict) else None


OBJECTS: Final[Mapping[str, Any]] = {
    "object.filter": looked_through(only),
    "object.get": get,
    "object.keys": looked_through(keys),
    "object.remove": looked_through(without),
    "object.union": Metered(united),
    "object.union_n": Metered(union_of_objects),
}
