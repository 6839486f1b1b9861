"""Builtins on JSON: reading it, writing it, and taking parts of it by their paths."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from policy.program.cost import Metered, weighed
from policy.program.json_values import plain, read
from policy.program.order import ordered
from policy.program.running import Budget
from policy.program.values import UNDEFINED, Inexact, Set, key

_MADE_OF_A_CHARACTER: Final = 16
"""Bytes of values that a character of JSON becomes, at most about."""

_ESCAPED: Final = str.maketrans({
    "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029",
})  # fmt: skip

_LEAF: Final = None
"""In a tree of paths: the end of one."""

Tree = dict[Any, Any] | None


def unmarshalled(budget: Budget, text: Any) -> Any:
    """The value that a text of JSON stands for."""
    if type(text) is not str:
        return UNDEFINED
    budget.make(_MADE_OF_A_CHARACTER * len(text))
    document = text.encode()
    if _valid(document):
        try:
            return read(document)
        except ValueError as error:
            raise Inexact("JSON with half a character") from error
    if text.rstrip().endswith("null"):
        raise Inexact("something before a null that is no JSON")
    return UNDEFINED


def is_valid(budget: Budget, text: Any) -> bool:
    """Whether a text is JSON."""
    if type(text) is not str:
        return False
    budget.make(_MADE_OF_A_CHARACTER * len(text))
    return _valid(text.encode())


def marshalled(budget: Budget, value: Any) -> Any:
    """A value as JSON, as Go writes it."""
    weighed(value, budget)
    _ensure_writable(value)
    try:
        written = orjson.dumps(plain(value), option=orjson.OPT_SORT_KEYS).decode().translate(_ESCAPED)
    except TypeError as error:
        raise Inexact("a number beyond 64 bits as JSON") from error
    budget.make(len(written))
    return written


def filtered(budget: Budget, value: Any, paths: Any) -> Any:
    """Only what lies at some paths of an object."""
    return _by_paths(budget, value, paths, _filtered)


def removed(budget: Budget, value: Any, paths: Any) -> Any:
    """An object without what lies at some paths."""
    return _by_paths(budget, value, paths, _removed)


def _valid(document: bytes) -> bool:
    """orjson knows no number beyond a double's, and no half a character; Go knows both."""
    try:
        orjson.loads(document)
    except orjson.JSONDecodeError:
        return _valid_at_length(document.decode())
    return True


def _valid_at_length(text: str) -> bool:
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except ValueError:
        return False
    except RecursionError as error:
        raise Inexact("JSON so deep") from error
    return True


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _ensure_writable(value: Any) -> None:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as inner:
                if not all(type(name) is str for name in inner):
                    raise Inexact("JSON of an object whose keys are no texts")
                waiting.extend(inner.values())
            case list() | Set() as inner:
                waiting.extend(inner)
            case None | bool() | int() | str():
                pass
            case _:
                raise Inexact("a number with a point or an exponent as JSON")


def _by_paths(budget: Budget, value: Any, paths: Any, function: Callable[[Budget, Any, Tree], Any]) -> Any:
    if type(value) is not dict or type(paths) not in (list, Set):
        return UNDEFINED
    tree: dict[Any, Any] = {}
    for each in ordered(paths) if type(paths) is Set else paths:
        path = _path(each)
        if path is None:
            return UNDEFINED
        budget.spend(len(path))
        _grow(tree, path)
    return function(budget, value, tree)


def _path(spelled: Any) -> list[Any] | None:
    """The steps of a path: an array of them, or a text with slashes."""
    if type(spelled) is str:
        parts = spelled.lstrip("/").split("/") if spelled else []
        return [part.replace("~1", "/").replace("~0", "~") for part in parts]
    return spelled if type(spelled) is list else None


def _grow(tree: dict[Any, Any], path: list[Any]) -> None:
    for step in path[:-1]:
        below = tree.setdefault(key(step), {})
        if below is _LEAF:
            return
        tree = below
    if path:
        tree[key(path[-1])] = _LEAF


def _filtered(budget: Budget, value: Any, tree: Tree) -> Any:
    if tree is _LEAF:
        return value
    match value:
        case dict():
            budget.make(64 * min(len(value), len(tree)))
            names = [name for name in value if name in tree]
            return {name: _filtered(budget, value[name], tree[name]) for name in names}
        case list():
            return [_filtered(budget, value[at], tree[str(at)]) for at in _counted(budget, value) if str(at) in tree]
        case Set():
            kept = [(each, tree[key(each)]) for each in value if key(each) in tree]
            return Set(_filtered(budget, each, below) for each, below in kept)
        case _:
            return value


def _removed(budget: Budget, value: Any, tree: Tree) -> Any:
    """UNDEFINED for what is removed itself."""
    if tree is _LEAF:
        return UNDEFINED
    match value:
        case dict():
            budget.make(64 * len(value))
            inner = {name: _below(budget, member, tree, name) for name, member in value.items()}
            return {name: member for name, member in inner.items() if member is not UNDEFINED}
        case list():
            found = [_below(budget, value[at], tree, str(at)) for at in _counted(budget, value)]
            return [each for each in found if each is not UNDEFINED]
        case Set():
            found = [_below(budget, each, tree, key(each)) for each in value]
            return Set(each for each in found if each is not UNDEFINED)
        case _:
            return value


def _below(budget: Budget, value: Any, tree: dict[Any, Any], name: Any) -> Any:
    return _removed(budget, value, tree[name]) if name in tree else value


def _counted(budget: Budget, values: list[Any]) -> range:
    budget.make(16 * len(values))
    return range(len(values))


BUILTINS: Final[Mapping[str, Any]] = {
    "json.filter": Metered(filtered),
    "json.is_valid": Metered(is_valid),
    "json.marshal": Metered(marshalled),
    "json.remove": Metered(removed),
    "json.unmarshal": Metered(unmarshalled),
}
