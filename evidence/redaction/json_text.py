"""JSON texts, read so that nothing of them is lost: numbers as they are spelled, members in order, doubled ones too."""

import json
from json.encoder import encode_basestring
from typing import Any, Final

DEEPEST: Final = 128
"""What is nested deeper is not looked through."""

TOO_DEEP: Final = "[too deep]"


class Number(str):
    """A number as it was spelled."""

    __slots__ = ()


class Members(list[tuple[str, Any]]):
    """The members of an object, in their order."""

    __slots__ = ()


def read(text: str) -> Any:
    """The value of a JSON text. Raises ValueError."""
    try:
        return json.loads(text, object_pairs_hook=Members, parse_int=Number, parse_float=Number, parse_constant=Number)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def written(value: Any) -> str:
    """The value as a JSON text, without white space."""
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts)


def _write(value: Any, parts: list[str]) -> None:
    if isinstance(value, Number):
        parts.append(value)
    elif isinstance(value, str):
        parts.append(encode_basestring(value))
    elif isinstance(value, Members):
        for number, (name, item) in enumerate(value):
            parts.append(f"{',' if number else '{'}{encode_basestring(name)}:")
            _write(item, parts)
        parts.append("}" if value else "{}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            parts.append("," if number else "[")
            _write(item, parts)
        parts.append("]" if value else "[]")
    else:
        parts.append({None: "null", True: "true", False: "false"}[value])
