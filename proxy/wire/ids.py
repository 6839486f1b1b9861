"""The id of a JSON-RPC message, which is text to a proxy: it is compared and repeated, never computed with."""

import re
from typing import Final

import orjson
from msgspec import Struct

from evidence.canonical import Spelled

MAX_ID_BYTES: Final = 1024
"""What an id may have as JSON: ids are remembered by the ten thousand, and real ones are numbers, or UUIDs."""

_INTEGRAL = re.compile(r"-?(?:[0-9]+|[1-9][0-9]*[eE]\+?[0-9]+)")


class MessageId(Struct, frozen=True):
    """`text` is the id's JSON spelling, as far as known; `key` is equal for equal ids (`n:...` or `s:...`)."""

    text: str
    key: str


def message_id(value: object) -> MessageId | None:
    """The id that a JSON value stands for, or None where the value cannot be one.

    Strings and integers are ids, integers of any size: 9007199254740993 and 1e400 keep their
    spelling. A fraction (also 1.0), a boolean, a structure, or what is too long is none.
    """
    found = _of_any_length(value)
    return None if found is None or _is_long(found) else found


def is_too_long(value: object) -> bool:
    """Whether a JSON value is no id for its length alone."""
    found = _of_any_length(value)
    return found is not None and _is_long(found)


def _is_long(id: MessageId) -> bool:
    return len(id.text.encode()) > MAX_ID_BYTES


def _of_any_length(value: object) -> MessageId | None:
    if type(value) is int:
        return MessageId(str(value), f"n:{value}")
    if type(value) is str:
        return MessageId(orjson.dumps(value).decode(), f"s:{value}")
    if type(value) is Spelled and _INTEGRAL.fullmatch(value.spelling):
        return MessageId(value.spelling, f"n:{_plain(value.spelling)}")
    return None


def _plain(spelling: str) -> str:
    return "0" if spelling == "-0" else spelling.replace("E", "e").replace("+", "")
