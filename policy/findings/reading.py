"""What one definition has in itself: its texts are looked through once, and no more of them than a bound allows.

The time is bounded whatever the text: a bounded number of characters, in pieces, and bounded gaps in each pattern.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from policy.findings import patterns

MOST_CHARACTERS: Final = 16_384
"""Of all texts of a definition together; what is beyond is not looked at, and `long_text` says so."""

MOST_TEXTS: Final = 2_000
PIECE: Final = 2_048
OVERLAP: Final = 256
"""A pattern is tried on so many characters at a time, which is how long it can hold up other threads."""

MOST_MENTIONS: Final = 64
DEEPEST: Final = 64

_LINES: Final = frozenset("\n\r\t")
_JOINERS: Final = frozenset("\u200c\u200d")
_MARKS: Final = frozenset("\u200e\u200f")
_STYLES: Final = range(0xFE00, 0xFE10)
_MORE_STYLES: Final = range(0xE0100, 0xE01F0)
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u180e")
"""Characters of other categories that show as nothing."""

_SPACES: Final = re.compile(r"[^\S\n]{1,200}")
_WORDS: Final = re.compile(r"[A-Z]{2,40}(?![a-z])|[A-Z]?[a-z]{1,40}|[A-Z]|[0-9]{1,20}")


class Own(NamedTuple):
    """The codes of a definition by itself, and words in its texts that may be names of tools."""

    codes: frozenset[str]
    mentioned: frozenset[str]


def own(item: Mapping[str, Any]) -> Own:
    """What a definition has in itself."""
    codes: set[str] = set()
    mentioned: set[str] = set()
    left = MOST_CHARACTERS
    for count, text in enumerate(_texts(item)):
        if count < MOST_TEXTS and patterns.PICTURE.fullmatch(text):
            continue
        if len(text) > min(left, patterns.LONG_TEXT) or count >= MOST_TEXTS:
            codes.add("long_text")
        if left <= 0 or count >= MOST_TEXTS:
            break
        codes.update(_codes(text[:left]))
        mentioned |= _mentioned(text[:left], MOST_MENTIONS - len(mentioned))
        left -= len(text)
    if any(_is_secret(name, schema) for name, schema in islice(_arguments(item.get("inputSchema")), MOST_TEXTS)):
        codes.add("wants_secret")
    return Own(frozenset(codes), frozenset(mentioned))


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    """Every text in a definition, names of members too: any of them may reach the model."""
    if isinstance(value, str):
        yield value
    elif depth == DEEPEST:
        return
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield name
            yield from _texts(inner, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, depth + 1)


def _codes(text: str) -> Iterator[str]:
    if patterns.CONTROL.search(text) or (not text.isascii() and _hides(text)):
        yield "hidden_text"
    plain = _plain(text)
    for begin in range(0, max(len(text), 1), PIECE):
        if patterns.OUT_OF_SIGHT.search(text, begin, begin + PIECE + OVERLAP):
            yield "hidden_text"
    for begin in range(0, len(plain), PIECE):
        yield from _codes_of_piece(plain[begin : begin + PIECE + OVERLAP])


def _codes_of_piece(piece: str) -> Iterator[str]:
    if any(pattern.search(piece) for pattern in patterns.INSTRUCTIONS.values()):
        yield "instructs_model"
    if patterns.SECRET_PLACE.search(piece):
        yield "wants_secret"
    if patterns.COMMENT.search(piece):
        yield "markup_comment"
    if patterns.ENCODED.search(piece):
        yield "encoded_text"


def _plain(text: str) -> str:
    """The text as a model may read it: compatible forms made one, what cannot be seen left out, single spaces."""
    if not text.isascii():
        kept = "".join(each for each in text if unicodedata.category(each) != "Cf")
        text = unicodedata.normalize("NFKC", kept)[:MOST_CHARACTERS]
    return _SPACES.sub(" ", text)


def _hides(text: str) -> bool:
    leftward = any(unicodedata.bidirectional(each) in ("R", "AL") for each in text)
    before = ""
    for each in text:
        if _is_hidden(each, before, leftward=leftward):
            return True
        before = each
    return False


def _is_hidden(each: str, before: str, *, leftward: bool) -> bool:
    """Whether a character shows as nothing, where no script or emoji needs it."""
    if each in _FILLERS or ord(each) in _MORE_STYLES:
        return True
    if ord(each) in _STYLES:
        return not before or (before.isascii() and not before.isdigit() and before not in "#*")
    category = unicodedata.category(each)
    if category not in ("Cf", "Cc", "Co"):
        return False
    if each in _JOINERS:
        return not before or before.isascii()
    return each not in _LINES and not (each in _MARKS and leftward)


def _mentioned(text: str, most: int) -> set[str]:
    found: set[str] = set()
    for match in patterns.MENTIONED.finditer(text):
        if len(found) >= most:
            break
        found.add(next(group for group in match.groups() if group))
    return found


def _arguments(schema: Any, depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every argument that an input schema names, however deep."""
    if depth == DEEPEST:
        return
    if isinstance(schema, list | tuple):
        for inner in schema:
            yield from _arguments(inner, depth + 1)
    elif isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            yield from ((name, inner) for name, inner in properties.items() if isinstance(inner, Mapping))
        for inner in schema.values():
            yield from _arguments(inner, depth + 1)


def _is_secret(name: str, schema: Mapping[str, Any]) -> bool:
    """Whether an argument is there for a secret, by its name or by what is said of it."""
    if schema.get("type") in ("boolean", "integer", "number"):
        return False
    said = schema.get("description")
    if isinstance(said, str) and patterns.ASKS_FOR_SECRET.search(_plain(said[:PIECE])):
        return True
    words = [word.lower() for word in _WORDS.findall(name[:128])]
    for begin in range(max(len(words) - 2, 0), len(words)):
        if "".join(words[begin:]) in patterns.SECRET_WORDS:
            before = words[begin - 1] if begin else ""
            return words[begin] != "token" or before not in patterns.NO_SECRET_WORDS
    return False
