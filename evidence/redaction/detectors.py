"""What a detector is: a name, forms in which a secret stands in a text, and what else must hold of it.

Values as they were read and checked; `loading` makes them from a file, `finding` looks with them.
"""

from typing import Any, Final, Literal

from msgspec import Struct

Kind = Literal["secret", "financial", "national_id", "contact", "network", "other"]
KINDS: Final[tuple[Kind, ...]] = ("secret", "financial", "national_id", "contact", "network", "other")

Same = Literal["exact", "lower", "digits", "alnum"]
"""What two spellings of the same value have in common: all, all but case, the digits, digits and letters."""

LOOK_BACK: Final = 64
"""Bytes of text before a finding that its words and neighbours are looked for in."""

LONGEST: Final = 1_024
"""Bytes of a value that counts beside a word alone."""

Pattern = Any
"""A compiled pattern of google-re2, which has no types; it takes bytes of UTF-8."""


class Form(Struct, frozen=True):
    """One way in which a value is written.

    Every match of `pattern` has a match of `hint`, which is cheap to look for. `group` is the part that is secret, 0
    for all. With `needs_word` the form counts beside one of the detector's words alone.
    """

    hint: str
    pattern: Pattern
    group: int
    needs_word: bool


class Fields(Struct, frozen=True):
    """Names of members whose whole value is secret; every document with such a name has a match of `hint`."""

    hint: str
    pattern: Pattern


class Detector(Struct, frozen=True):
    """What is looked for under one name. `id` is what masks and tokens say."""

    id: str
    kind: Kind
    title: str
    forms: tuple[Form, ...]
    validator: str | None = None
    same: Same = "exact"
    apart: bytes = b""
    not_before: bytes = b""
    yields: bool = False
    words: Pattern | None = None
    not_after: Pattern | None = None
    unless: Pattern | None = None
    fields: Fields | None = None
    examples: tuple[str, ...] = ()
    near: tuple[str, ...] = ()


def normal(same: Same, value: str) -> str:
    """What two spellings of the same value have in common."""
    match same:
        case "digits":
            return "".join(filter(str.isdigit, value)) or value
        case "alnum":
            return "".join(filter(str.isalnum, value)).upper() or value
        case "lower":
            return value.casefold()
        case "exact":
            return value
