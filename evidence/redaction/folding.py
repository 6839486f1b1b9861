"""Spellings that hide a value from patterns while a reader sees it as it is: they are looked through as if folded.

Full-width letters and signs, and digits of other scripts, count as those of ASCII; spaces that do not break count as
spaces; characters without width count as nothing. What is found is told by where it stands in the text as it is.
"""

import re
from typing import Final
from unicodedata import decimal

from msgspec import Struct

_NOTHING: Final = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_SPACES: Final = "\u00a0\u2000-\u200a\u202f\u205f\u3000"
_DIGITS: Final = "\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\u0e50-\u0e59\U0001d7ce-\U0001d7ff"
_WIDE: Final = "\uff01-\uff5e"

HINT: Final = f"[{_NOTHING}{_SPACES}{_DIGITS}{_WIDE}]"
"""A pattern that finds them, for both `re` and RE2."""

_ANY: Final = re.compile(HINT)
_NO_WIDTH: Final = re.compile(f"[{_NOTHING}]")
_BLANK: Final = re.compile(f"[{_SPACES}]")
_WIDER: Final = 0xFF01 - ord("!")


class Folded(Struct, frozen=True):
    """A text as patterns get it. `origins`: where each of its bytes, and its end, stands in the text as it is."""

    text: bytes
    origins: list[int]


def folded(text: bytes) -> Folded | None:
    """The text without what hides values; None where nothing does."""
    if text.isascii():
        return None
    given = text.decode("utf-8", "surrogateescape")
    if _ANY.search(given) is None:
        return None
    made, origins, at = bytearray(), list[int](), 0
    for character in given:
        raw = character.encode("utf-8", "surrogateescape")
        spelled = raw if character.isascii() else _spelled(character, raw)
        made += spelled
        origins += [at] * len(spelled)
        at += len(raw)
    return Folded(bytes(made), [*origins, at])


def _spelled(character: str, raw: bytes) -> bytes:
    if _ANY.match(character) is None:
        return raw
    if _NO_WIDTH.match(character):
        return b""
    if _BLANK.match(character):
        return b" "
    digit = decimal(character, None)
    return chr(ord(character) - _WIDER).encode() if digit is None else b"%d" % digit
