"""Redacts JSON documents: names, texts and numbers; a text that is another one in disguise is decoded, one level deep.

A text stays a text. A number in which something is found becomes a text, since nothing else can say so. What is dropped
takes its member with it, and leaves null in an array.
"""

from collections.abc import Iterable
from typing import Any, Final

from msgspec import structs

from evidence.redaction.encoded import inner_base64, inner_json, inner_url
from evidence.redaction.finding import named
from evidence.redaction.json_text import DEEPEST, TOO_DEEP, Members, Number, read, written
from evidence.redaction.replacing import Place, Replacer

_NAMES_BACK: Final = 2
"""So many names around a value say what it is."""

_SHORTEST_NUMBER: Final = 7
_LONGEST_NUMBER: Final = 40


class Dropped:
    """What is left of a value that is dropped."""


DROPPED: Final = Dropped()


class Documents:
    """Redacts what a replacer finds, wherever in a document it stands."""

    def __init__(self, replacer: Replacer) -> None:
        self._replacer = replacer

    def redacted(self, raw: bytes, place: Place, *, hoist: tuple[tuple[str, ...], ...] = ()) -> bytes:
        """A JSON text without what is secret in it; the same bytes where nothing is. What is no JSON is a plain text.

        `hoist` are members whose names do not count in pointers: what is in them stands where they stand.
        """
        if not self._replacer.finder.may_hold(raw):
            return raw
        try:
            value = read(raw.decode())
        except ValueError:
            return self.text_redacted(raw, place)
        changed = _Walk(self._replacer, place.tool, hoist).value(value, (), place)
        if changed == value:
            return raw
        return written(None if changed is DROPPED else changed).encode("utf-8", "backslashreplace")

    def text_redacted(self, raw: bytes, place: Place) -> bytes:
        """A plain text without what is secret in it."""
        return self._replacer.replaced(raw, self._replacer.regions(raw, place))


class _Walk:
    """One walk through one document."""

    def __init__(
        self, replacer: Replacer, tool: str, hoist: tuple[tuple[str, ...], ...], *, inner: bool = False
    ) -> None:
        self._replacer, self._tool, self._hoist, self._inner = replacer, tool, hoist, inner

    def value(self, value: Any, keys: tuple[str, ...], place: Place, depth: int = 0) -> Any:
        """The value as it may be kept, or DROPPED."""
        if depth > DEEPEST:
            return TOO_DEEP
        if isinstance(value, Members):
            return self._members(value, keys, place, depth)
        if isinstance(value, list):
            return self._items(value, keys, place, depth)
        if isinstance(value, Number):
            return self._number(value, place)
        return self._text(value, place) if isinstance(value, str) else value

    def _members(self, members: Members, keys: tuple[str, ...], place: Place, depth: int) -> Any:
        kept = Members()
        free = _Free(name for name, _ in members)
        for name, item in members:
            inside = (*keys, name)
            at = place.at if inside in self._hoist else (*place.at, name)
            below = Place(at, self._tool, named(*inside[-_NAMES_BACK:]))
            called = self._name(name, structs.replace(place, at=at, names=""))
            changed = DROPPED if called is DROPPED else self.value(item, inside, below, depth + 1)
            if changed is not DROPPED:
                kept.append((name if called == name else free.like(called), changed))
        return kept

    def _items(self, items: list[Any], keys: tuple[str, ...], place: Place, depth: int) -> Any:
        kept = []
        for number, item in enumerate(items):
            changed = self.value(item, keys, structs.replace(place, at=(*place.at, str(number))), depth + 1)
            kept.append(None if changed is DROPPED else changed)
        return kept

    def _number(self, number: Number, place: Place) -> Any:
        if not _SHORTEST_NUMBER <= len(number) <= _LONGEST_NUMBER or not number.isdigit():
            return number
        changed = self._plain(str(number), place)
        return number if changed == number else changed

    def _name(self, name: str, place: Place) -> Any:
        return self._plain(name, place)

    def _text(self, text: str, place: Place) -> Any:
        if not self._inner:
            changed = self._decoded(text, place)
            if changed is not None:
                return changed
        return self._plain(text, place)

    def _decoded(self, text: str, place: Place) -> Any:
        """What is left of a text in another spelling; None where it is none, or nothing is found in it."""
        if (document := inner_json(text)) is not None:
            inside = _Walk(self._replacer, self._tool, (), inner=True)
            changed = inside.value(document, (), place)
            return None if changed == document else written(changed)
        for spelling in (inner_base64, inner_url):
            if (found := spelling(text)) is not None:
                inner, again = found
                changed = self._plain(inner, place)
                if changed != inner:
                    return changed if changed is DROPPED else again(changed)
        return None

    def _plain(self, text: str, place: Place) -> Any:
        raw = text.encode("utf-8", "surrogatepass")
        regions = self._replacer.regions(raw, place)
        if not regions:
            return text
        if any(region.mode == "drop" for region in regions):
            return DROPPED
        return self._replacer.replaced(raw, regions).decode("utf-8", "surrogatepass")


class _Free:
    """Names that no other member of an object has."""

    def __init__(self, names: Iterable[str]) -> None:
        self._taken = set(names)
        self._tried: dict[str, int] = {}

    def like(self, name: str) -> str:
        """The name, or with a number behind it; each number is tried once."""
        free, number = name, self._tried.get(name, 1)
        while free in self._taken:
            number += 1
            free = f"{name}#{number}"
        self._tried[name] = number
        self._taken.add(free)
        return free
