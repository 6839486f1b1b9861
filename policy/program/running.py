"""What a translated plan works with while it runs: lookups, loops, conflicts, and the time that it may take."""

import time
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from policy.program.order import members, ordered
from policy.program.values import UNDEFINED, Inexact, Set, key, merged, same

LOOK_AFTER: Final = 10
"""So many steps (a function entered, an element looped over) pass between two looks at the clock.

One may compare two large values; a look takes a fortieth of a microsecond.
"""

MOST_MADE: Final = 64 << 20
"""So many bytes of texts and collections builtins make in one evaluation; all may be kept until its end."""

_MADE_IN_A_STEP: Final = 8
"""Of bytes, as a power of two."""


_SIZED: Final = frozenset({str, list, dict, Set})


class Conflict(Exception):
    """A rule or an object has two values at once (eval_conflict_error in OPA)."""


class OutOfTime(Exception):
    """The evaluation was still going on when its time was over."""


class Budget:
    """The time that one evaluation may take, counted in steps between looks at the clock, and the memory."""

    __slots__ = ("_deadline", "_left", "_room")

    def __init__(self, seconds: float) -> None:
        """The time begins now."""
        self._deadline = time.monotonic() + seconds
        self._left = LOOK_AFTER
        self._room = MOST_MADE

    def spend(self, steps: int) -> None:
        """Count steps. Raises OutOfTime."""
        self._left -= steps
        if self._left < 0:
            self._left = LOOK_AFTER
            if time.monotonic() > self._deadline:
                raise OutOfTime

    def make(self, size: int) -> None:
        """Count bytes, and the steps that they take. Raises Inexact where they are too many, and OutOfTime."""
        self._room -= size
        if self._room < 0:
            raise Inexact("values of so many megabytes")
        self.spend(size >> _MADE_IN_A_STEP)


def whole(value: Any) -> bool:
    """Whether a value is a whole number. Raises Inexact for one that has a point or an exponent all the same."""
    if type(value) is Decimal:
        raise Inexact("a number with a point or an exponent, where a whole one is wanted")
    return type(value) is int


def dot(source: Any, name: Any) -> Any:
    """The member of an object, the element of an array, the member of a set; else UNDEFINED."""
    match source:
        case dict():
            return source.get(key(name), UNDEFINED)
        case list():
            fits = whole(name) and 0 <= name < len(source)
            return source[name] if fits else UNDEFINED
        case Set():
            return source.members.get(key(name), UNDEFINED)
        case _:
            return UNDEFINED


def scan(source: Any, budget: Budget) -> Iterable[tuple[Any, Any]] | None:
    """Keys and values of a collection, in their order; None for anything else. Raises OutOfTime."""
    match source:
        case list():
            pairs: Iterable[tuple[Any, Any]] = enumerate(source)
        case dict():
            pairs = members(source)
        case Set():
            pairs = [(value, value) for value in ordered(source)]
        case _:
            return None
    budget.spend(len(source))
    return _paced(pairs, budget) if len(source) > LOOK_AFTER else pairs


def _paced(pairs: Iterable[tuple[Any, Any]], budget: Budget) -> Iterator[tuple[Any, Any]]:
    for pair in pairs:
        budget.spend(1)
        yield pair


def once(before: Any, value: Any) -> Any:
    """What a rule has that had `before`. Raises Conflict."""
    if before is UNDEFINED:
        return value
    if value is not UNDEFINED and not same(before, value):
        raise Conflict("a rule has two values at once")
    return before


def insert_once(into: Any, name: Any, value: Any) -> None:
    """Add a member to an object. Raises Conflict where it has another value already."""
    if type(into) is not dict:
        raise Conflict("rules of one name have an object and something else")
    found = into.setdefault(key(name), value)
    if found is not value and not same(found, value):
        raise Conflict("an object has two values for one key")


def insert_new(into: dict[Any, Any], name: Any, value: Any) -> None:
    """Add a member to an object that is spelled out; of two at one key, OPA takes one by the order of their names."""
    if not same(into.setdefault(key(name), value), value):
        raise Inexact("an object that is spelled with two values for one key")


def upserted(document: Any, path: tuple[str, ...], value: Any) -> Any:
    """`document` with `value` at `path`; what is not there on the way is made."""
    if not path:
        return value
    whole: dict[Any, Any] = dict(document) if isinstance(document, dict) else {}
    whole[path[0]] = upserted(whole.get(path[0]), path[1:], value)
    return whole


def length(value: Any) -> Any:
    """How many elements, members or characters there are, or UNDEFINED."""
    return len(value) if type(value) in _SIZED else UNDEFINED


def merged_or_conflict(a: Any, b: Any) -> dict[Any, Any]:
    """Both objects as one. Raises Conflict where one of them is none."""
    if type(a) is not dict or type(b) is not dict:
        raise Conflict("rules of one name have an object and something else")
    return merged(b, a)


def called(
    functions: Mapping[str, Any], by_path: Mapping[tuple[Any, ...], str], path: tuple[Any, ...], *given: Any
) -> Any:
    """What lies, in rules or else in the data, at a path that is known only now; it begins with `data`.

    `given` is what a rule takes: input, data, and the list of what rules evaluate to.
    """
    found, rest = given[1], path[1:]
    for size in range(len(path) - 1, 0, -1):
        head = path[1 : size + 1]
        if all(type(part) is str for part in head) and head in by_path:
            found, rest = functions[by_path[head]](*given), path[size + 1 :]
            break
    for part in rest:
        found = dot(found, part)
    return found
