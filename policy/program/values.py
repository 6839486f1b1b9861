"""Rego's values in Python, and what makes two of them the same.

null, booleans and strings are Python's. A number is an int, or a Decimal where it is spelled with a point or an
exponent. An array is a list that nobody changes once it is whole. An object is a dict and a set a Set; what they are
keyed by is a string as it is, and anything else in a Key, since Python takes True for 1.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import repeat
from typing import Any, Final


class Undefined:
    """The type of UNDEFINED."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = Undefined()
"""No value at all."""

Number = int | Decimal

MOST_PARTS: Final = 1 << 19
"""Of a value that is compared, sorted, made a key or answered: some 0.3 s. A collection counts for some itself."""

_COLLECTION: Final = 4


class Inexact(Exception):
    """Another engine might come to another value here: the text says over what."""


class Room:
    """How many parts of values may still be looked at in one step: one value may be in another a thousand times."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MOST_PARTS

    def take(self, parts: int) -> None:
        """Raises Inexact."""
        self._left -= parts + _COLLECTION
        if self._left < 0:
            raise Inexact("a value of so many parts")


class Key:
    """What keys an object or a set and is no string; equal where the values are."""

    __slots__ = ("_tag", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self._tag = _tag(value)

    def __hash__(self) -> int:
        return hash(self._tag)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self._tag == other._tag

    def __repr__(self) -> str:
        return f"Key({self.value!r})"


class Set:
    """A set of values."""

    __slots__ = ("members",)

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self.members: dict[str | Key, Any] = {key(value): value for value in values}

    def add(self, value: Any) -> None:
        """Only while the set is being made."""
        self.members[key(value)] = value

    def __contains__(self, value: Any) -> bool:
        return key(value) in self.members

    def __iter__(self) -> Iterator[Any]:
        return iter(self.members.values())

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        return f"Set({list(self)!r})"


def key(value: Any) -> str | Key:
    """What keys an object or a set for `value`."""
    return value if type(value) is str else Key(value)


def of_key(found: str | Key) -> Any:
    """The value behind a key."""
    return found.value if type(found) is Key else found


def same(a: Any, b: Any, room: Room | None = None) -> bool:
    """Whether two values are equal; nothing equals UNDEFINED. Raises Inexact."""
    if a is b:
        return a is not UNDEFINED
    kind = type(a)
    if kind is str or type(b) is str:
        return kind is type(b) and bool(a == b)
    if a is None or b is None or kind is bool or type(b) is bool:
        return a is b
    if isinstance(a, int | Decimal):
        return isinstance(b, int | Decimal) and bool(a == b)
    if kind is not type(b) or kind is Undefined:
        return False
    room = room or Room()
    room.take(len(a))
    match a:
        case list():
            return len(a) == len(b) and all(map(same, a, b, repeat(room)))
        case dict():
            return a.keys() == b.keys() and all(same(value, b[name], room) for name, value in a.items())
        case Set():
            return bool(a.members.keys() == b.members.keys())
        case _:
            return False


def _tag(value: Any, room: Room | None = None) -> Any:
    if type(value) in (list, dict, Set):
        room = room or Room()
        room.take(len(value))
    match value:
        case None | bool() | str():
            return type(value).__name__, value
        case list():
            return "array", tuple(map(_tag, value, repeat(room)))
        case dict():
            return "object", frozenset((name, _tag(member, room)) for name, member in value.items())
        case Set():
            return "set", frozenset(value.members)
        case _:
            return "number", value


def merged(a: Mapping[Any, Any], b: Mapping[Any, Any]) -> dict[Any, Any]:
    """Both objects as one, member by member; where neither is an object, `b` counts."""
    whole = dict(a)
    for name, value in b.items():
        before = whole.get(name)
        whole[name] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return whole
