"""JSON texts as Rego's values, and Rego's values as JSON."""

import json
import re
from decimal import Decimal
from operator import is_
from typing import Any, Final

import orjson

from policy.program.order import ordered
from policy.program.values import Inexact, Key, Number, Room, Set, of_key

_SHAPES: Final = re.sub(rb"[^.0-9eE]", b" ", bytes(range(256)), flags=re.DOTALL).translate(
    bytes.maketrans(b"123456789E", b"000000000e")
)
"""Digits, points and exponents as `0`, `.` and `e`, all else blank: so that a search for a pair is one for a text."""

_LONG: Final = b"0" * 19
"""So many digits may be more than 64 bits hold."""

MAX_EXPONENT: Final = 400
"""A number with a larger exponent than any double has is not written out digit by digit."""


_POINTED: Final = re.compile("[.eE]|^-0$")
_MINUS_ZERO: Final = re.compile(rb"-0(?![.0-9eE])")
"""Zero, but written with its sign."""


def read(document: bytes) -> Any:
    """The value of a JSON text. Raises ValueError, and Inexact."""
    shapes = document.translate(_SHAPES)
    if b"0." in shapes or b"0e" in shapes or _LONG in shapes or _MINUS_ZERO.search(document):
        return _numbers_kept(document)
    return orjson.loads(document)


def number(spelling: str) -> Number:
    """The number that is spelled so. Raises Inexact for one that is too large to be worked with."""
    value = Decimal(spelling)
    if not value.is_finite() or value.adjusted() > MAX_EXPONENT:
        raise Inexact(f"{spelling[:40]}, which is larger than any number that can be worked with")
    return value if _POINTED.search(spelling) else int(spelling)


def given(value: Any) -> Any:
    """A value of `json.loads` or orjson, whose floats become numbers; what has none is taken as it is."""
    match value:
        case float():
            return number(repr(value))
        case list():
            items = [given(item) for item in value]
            return value if all(map(is_, items, value)) else items
        case dict():
            members = {name: given(member) for name, member in value.items()}
            return value if all(map(is_, members.values(), value.values())) else members
        case _:
            return value


def plain(value: Any, room: Room | None = None) -> Any:
    """A value as orjson and `json` write it: sets as arrays in their order, keys as texts, as OPA answers them.

    Raises Inexact.
    """
    if type(value) is Decimal:
        return float(value)
    if type(value) not in (list, dict, Set):
        return value
    room = room or Room()
    room.take(len(value))
    match value:
        case list():
            return [plain(item, room) for item in value]
        case dict():
            return {_spelled(name): plain(member, room) for name, member in value.items()}
        case _:
            return [plain(item, room) for item in ordered(value)]


def _numbers_kept(document: bytes) -> Any:
    return json.loads(document, parse_float=number, parse_int=number)


def _spelled(name: str | Key) -> str:
    if type(name) is str:
        return name
    value = of_key(name)
    if type(value) is Decimal:
        raise Inexact("a number with a point or an exponent as the key of an object")
    return json.dumps(plain(value), separators=(",", ":"), ensure_ascii=False)
