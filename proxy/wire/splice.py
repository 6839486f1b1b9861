"""Edit JSON in place: cut items and members out, set members, replace values, and leave every other byte as it came.

The text has been read strictly before (`json_text.read_json`): here it is only measured, not judged.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from json import JSONDecoder
from types import MappingProxyType
from typing import Final

from msgspec import MsgspecError, Raw, Struct
from msgspec.json import Decoder

_BLANK: Final = re.compile(r"[ \t\n\r]*")
Tree = dict[str, "Tree | None"]
"""Paths by their first part; None is the end of one."""

_DECODER: Final = JSONDecoder(parse_int=str, parse_float=str)


class _Answer(Struct):
    """An answer as far as its list is measured: members of the result that are not looked into."""

    result: dict[str, Raw]


_ANSWER: Final = Decoder(_Answer)
_ITEMS: Final = Decoder(list[Raw])


def edit_list(raw: bytes, key: str, keep: Sequence[bool], members: Mapping[str, str]) -> bytes:
    """The answer `raw` with only the items of `result[key]` that `keep` names.

    `members` (name to JSON text) are set in `result`. The list is measured once, however long it is.
    Raises ValueError if there is no such list, or if `keep` is of another length.
    """
    text = raw.decode()
    result = _value(text, _start(text, 0), "result")
    first = _value(text, result, key)
    whole, items = _measured(raw, key)
    if len(items) != len(keep) or not text.startswith(whole, first):
        raise ValueError(f"{len(items)} items, {len(keep)} verdicts")
    last = first + len(whole)
    kept = b",".join(item for item, stays in zip(items, keep, strict=True) if stays).decode()
    edits = [(first, last, f"[{kept}]"), *_set(text, result, members, {first: last})]
    return _apply(text, edits).encode()


def _measured(raw: bytes, key: str) -> tuple[str, list[Raw]]:
    """The text of `result[key]`, and each of its items. Measured without being read: a list may be megabytes.

    Raises ValueError if there is no such list.
    """
    try:
        whole = _ANSWER.decode(raw).result[key]
        return bytes(whole).decode(), _ITEMS.decode(whole)
    except (MsgspecError, KeyError) as error:
        raise ValueError(f"no list {key!r}") from error


def drop_members(raw: bytes, path: Sequence[str], prefix: str) -> bytes:
    """`raw` without the members of the object at `path` whose names begin with `prefix`.

    Raises ValueError if there is no such object.
    """
    text = raw.decode()
    at = _object(text, path)
    kept = [
        text[begin : _value_end(text, value)]
        for begin, name, value in _members(text, at)
        if not name.startswith(prefix)
    ]
    end = _value_end(text, at)
    return (text[:at] + "{" + ",".join(kept) + "}" + text[end:]).encode()


def member_texts(raw: bytes, path: Sequence[str]) -> dict[str, str]:
    """The JSON text of each member of the object at `path`, as it is spelled. Raises ValueError if there is none."""
    text = raw.decode()
    at = _object(text, path)
    return {name: text[value : _value_end(text, value)] for _, name, value in _members(text, at)}


def with_members(raw: bytes, path: Sequence[str], members: Mapping[str, str | None]) -> bytes:
    """`raw` with other members of the object at `path`: each JSON text is set, None takes its member out.

    Raises ValueError if there is no such object.
    """
    text = raw.decode()
    at = _object(text, path)
    kept = [text[begin : _value_end(text, value)] for begin, name, value in _members(text, at) if name not in members]
    kept += [f'"{name}":{new}' for name, new in members.items() if new is not None]
    return (text[:at] + "{" + ",".join(kept) + "}" + text[_value_end(text, at) :]).encode()


def replace_member(raw: bytes, name: str, value: str) -> bytes:
    """The object `raw` with the JSON text `value` as its member `name`. Raises ValueError if it has no such member."""
    text = raw.decode()
    begin = _value(text, _start(text, 0), name)
    return _apply(text, [(begin, _value_end(text, begin), value)]).encode()


def replace_at(raw: bytes, paths: Iterable[Sequence[str]], value: str) -> bytes:
    """`raw` with the JSON text `value` in the place of what each path leads to: names of members, places in arrays.

    Where a path leads nowhere nothing is replaced; `raw` itself is returned if none leads anywhere.
    """
    tree: Tree = {}
    for path in paths:
        _plant(tree, path)
    text = raw.decode()
    found = list(_led_to(text, _start(text, 0), tree))
    return _apply(text, [(begin, end, value) for begin, end in found]).encode() if found else raw


def _plant(tree: "Tree", path: Sequence[str]) -> None:
    """Add a path; below one that is there already there is nothing left to replace."""
    *way, last = path
    for part in way:
        below = tree.setdefault(part, {})
        if below is None:
            return
        tree = below
    tree[last] = None


def _led_to(text: str, at: int, tree: "Tree") -> Iterator[tuple[int, int]]:
    places: Iterator[tuple[str, int]] = iter(())
    if text[at] == "{":
        places = ((name, value) for _, name, value in _members(text, at))
    elif text[at] == "[":
        places = ((str(place), begin) for place, (begin, _) in enumerate(_elements(text, at)))
    for name, begin in places:
        if name not in tree:
            continue
        below = tree[name]
        if below is None:
            yield begin, _value_end(text, begin)
        else:
            yield from _led_to(text, begin, below)


def _set(text: str, at: int, members: Mapping[str, str], ends: Mapping[int, int]) -> Iterator[tuple[int, int, str]]:
    there = {name: value for _, name, value in _members(text, at, ends)}
    for name, new in members.items():
        if (value := there.get(name)) is not None:
            yield value, _value_end(text, value), new
        else:
            yield at + 1, at + 1, f'"{name}":{new},' if there else f'"{name}":{new}'


def _apply(text: str, edits: Sequence[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    at = 0
    for begin, end, new in sorted(edits, key=lambda edit: edit[:2]):
        pieces += (text[at:begin], new)
        at = end
    return "".join((*pieces, text[at:]))


def _object(text: str, path: Sequence[str]) -> int:
    """Where the object at `path` begins. Raises ValueError if there is none."""
    at = _start(text, 0)
    for name in path:
        at = _value(text, at, name)
    return at


def _start(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _value_end(text: str, at: int) -> int:
    return _DECODER.raw_decode(text, at)[1]


def _value(text: str, at: int, name: str) -> int:
    """Where the value of one member of the object at `at` begins; the value itself is not measured."""
    for _, found, value in _members(text, at):
        if found == name:
            return value
    raise ValueError(f"no member {name!r}")


def _members(text: str, at: int, ends: Mapping[int, int] = MappingProxyType({})) -> Iterator[tuple[int, str, int]]:
    """Begin, name and begin of value of each member of the object at `at`.

    A value is measured when the next member is asked for, unless `ends` has its end by its begin.
    """
    if text[at] != "{":
        raise ValueError("not an object")
    at = _start(text, at + 1)
    while text[at] != "}":
        name, colon = _DECODER.raw_decode(text, at)
        value = _start(text, _start(text, colon) + 1)
        yield at, name, value
        at = _after(text, ends.get(value) or _value_end(text, value))


def _elements(text: str, at: int) -> Iterator[tuple[int, int]]:
    if text[at] != "[":
        raise ValueError("not an array")
    at = _start(text, at + 1)
    while text[at] != "]":
        end = _value_end(text, at)
        yield at, end
        at = _after(text, end)


def _after(text: str, end: int) -> int:
    at = _start(text, end)
    return _start(text, at + 1) if text[at] == "," else at
