"""JSON with comments and trailing commas, read with the place of every value, so that a text can be edited in place."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_BLANK: Final = re.compile(r"(?:[ \t\r\n\ufeff]|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD: Final = re.compile(r"[-+.0-9A-Za-z]+")
_MAX_DEPTH: Final = 100


class NotJson(ValueError):
    """The text is no JSON, even with comments; the message has the line."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value and its place: `text[start:end]` is its spelling."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scalar(Node):
    """A string, a number, true, false or null, as Python has it."""

    value: str | float | bool | None


@dataclass(frozen=True, slots=True)
class Array(Node):
    """A list of values."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Object(Node):
    """Values by key; `keys` has the place where each key's own text begins."""

    members: Mapping[str, Node]
    keys: Mapping[str, int]

    def string(self, key: str) -> str | None:
        """The string under `key`, if there is one."""
        node = self.members.get(key)
        return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None


def read(text: str) -> Node:
    """The one value in `text`. Raises NotJson, also for a key that stands twice in one object."""
    reader = _Reader(text)
    at = reader.blank(0)
    node = reader.value(at, 0)
    if reader.blank(node.end) != len(text):
        raise reader.wrong(node.end, "there is more after the end")
    return node


class _Reader:
    """Recursive descent over one text; each method takes the place where a value begins."""

    def __init__(self, text: str) -> None:
        self._text = text

    def wrong(self, at: int, what: str) -> NotJson:
        return NotJson(f"line {self._text.count(chr(10), 0, at) + 1}: {what}")

    def blank(self, at: int) -> int:
        """The first place from `at` that is neither blank nor comment."""
        matched = _BLANK.match(self._text, at)
        return matched.end() if matched else at

    def value(self, at: int, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise self.wrong(at, "nested too deep")
        match self._text[at : at + 1]:
            case "{":
                return self._object(at, depth)
            case "[":
                return self._array(at, depth)
            case '"':
                return self._scalar(at, _STRING)
            case _:
                return self._scalar(at, _WORD)

    def _scalar(self, at: int, form: re.Pattern[str]) -> Scalar:
        matched = form.match(self._text, at)
        try:
            value = json.loads(matched[0] if matched else "")
        except ValueError as error:
            raise self.wrong(at, "here a value was expected") from error
        return Scalar(at, matched.end() if matched else at, value)

    def _array(self, at: int, depth: int) -> Array:
        items: list[Node] = []
        here = self.blank(at + 1)
        while self._text[here : here + 1] != "]":
            item = self.value(here, depth + 1)
            items.append(item)
            here = self._next(item.end, "]")
        return Array(at, here + 1, tuple(items))

    def _object(self, at: int, depth: int) -> Object:
        members: dict[str, Node] = {}
        keys: dict[str, int] = {}
        here = self.blank(at + 1)
        while self._text[here : here + 1] != "}":
            key = self._scalar(here, _STRING)
            name = str(key.value)
            if name in members:
                raise self.wrong(here, f"the key {name!r} stands there twice")
            colon = self.blank(key.end)
            if self._text[colon : colon + 1] != ":":
                raise self.wrong(colon, "a colon was expected")
            members[name] = self.value(self.blank(colon + 1), depth + 1)
            keys[name] = here
            here = self._next(members[name].end, "}")
        return Object(at, here + 1, members, keys)

    def _next(self, at: int, closing: str) -> int:
        """The place of the next element, or of the closing bracket."""
        here = self.blank(at)
        if self._text[here : here + 1] == ",":
            return self.blank(here + 1)
        if self._text[here : here + 1] != closing:
            raise self.wrong(here, f"a comma or {closing} was expected")
        return here
