"""Canonical form: one value, one byte string. RFC 8785 (JCS), plus two escapes of ours.

A number that an IEEE double does not hold is a `Spelled` and becomes `{"$n": "<spelling>"}`, so that two spellings
never share a digest. A key that begins with `$` gets one more `$`, so that no caller can write our escape itself.
"""

import contextlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
import orjson

EXACT: Final = 2**53
"""Integers up to this size, of either sign, are held by a double and enter as numbers."""

_DEPTH_OF_MOST: Final = 8
_INTEGER: Final = Annotated[int, msgspec.Meta(ge=-EXACT, le=EXACT)]


def _simple(depth: int) -> Any:
    """The type of values without floats whose integers a double holds, nested so deep at most."""
    scalar: Any = None | bool | _INTEGER | str
    if depth == 0:
        return scalar
    array: Any = list
    mapping: Any = dict
    inner = _simple(depth - 1)
    return scalar | array[inner] | mapping[str, inner]


_SIMPLE: Final = msgspec.json.Decoder(_simple(_DEPTH_OF_MOST))
_PLAIN: Final = frozenset({str, bool, type(None)})
_MAX_DEPTH: Final = 128
"""Arrays and objects within each other; a message is refused long before (64)."""


@dataclass(frozen=True, slots=True)
class Spelled:
    """A number as it was spelled, because a double would change it."""

    spelling: str


def canonical(value: Any) -> bytes:
    """The canonical bytes of `value`: None, bool, int, finite float, str, Spelled, and mappings and sequences of those.

    Raises ValueError for anything else: integers beyond EXACT, NaN, infinities, lone surrogates, keys that are
    no text, nesting beyond 128.
    """
    with contextlib.suppress(TypeError):
        if _is_simple(value, _MAX_DEPTH):
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    try:
        parts: list[bytes] = []
        _write(value, parts, _MAX_DEPTH)
        return b"".join(parts)
    except TypeError as error:
        raise ValueError(f"no canonical form: {error}") from error


def read(data: bytes) -> Any:
    """The value whose canonical bytes are `data`. Raises ValueError for bytes that are the canonical form of none."""
    if data.isascii() and b"$" not in data:
        # No key is beyond ASCII or one of our escapes, so what `_is_simple` asks else is a matter of types.
        try:
            value = _SIMPLE.decode(data)
        except ValueError:
            pass
        else:
            if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == data:
                return value
    value = orjson.loads(data)
    if _is_simple(value, _MAX_DEPTH):
        written = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    else:
        value = _restore(value, _MAX_DEPTH)
        written = canonical(value)
    if written != data:
        raise ValueError("not in canonical form")
    return value


def _is_simple(value: Any, depth: int) -> bool:
    """Whether orjson's sorted output is provably the canonical form of `value`.

    Its number spelling differs for floats, its order (code points, not UTF-16 units) for keys beyond ASCII.
    """
    kind = type(value)
    if kind is dict:
        keys = "".join(value)
        return depth > 0 and keys.isascii() and "$" not in keys and _are_simple(value.values(), depth - 1)
    if kind is list or kind is tuple:
        return depth > 0 and _are_simple(value, depth - 1)
    if kind is int:
        return bool(-EXACT <= value <= EXACT)
    return kind in _PLAIN


def _are_simple(items: Iterable[Any], depth: int) -> bool:
    # A loop, not all(): most items are plain, and this is on the path of every record.
    for item in items:  # noqa: SIM110
        if type(item) not in _PLAIN and not _is_simple(item, depth):
            return False
    return True


def _write(value: Any, parts: list[bytes], depth: int) -> None:
    if depth < 0:
        raise ValueError(f"nested deeper than {_MAX_DEPTH}")
    if isinstance(value, Mapping):
        _write_object({_escaped(key): item for key, item in value.items()}, parts, depth)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            parts.append(b"," if number else b"[")
            _write(item, parts, depth - 1)
        parts.append(b"]" if value else b"[]")
    elif isinstance(value, Spelled):
        parts.append(b'{"$n":' + _text(value.spelling) + b"}")
    else:
        parts.append(_scalar(value))


def _write_object(members: dict[str, Any], parts: list[bytes], depth: int) -> None:
    for number, key in enumerate(sorted(members, key=_utf16)):
        parts.append((b"," if number else b"{") + _text(key) + b":")
        _write(members[key], parts, depth - 1)
    parts.append(b"}" if members else b"{}")


def _scalar(value: Any) -> bytes:
    if value is None or isinstance(value, bool):
        return orjson.dumps(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, int) and -EXACT <= value <= EXACT:
        return b"%d" % value
    raise ValueError(f"no canonical form for {type(value).__name__} {str(value)[:40]!r}")


def _text(value: str) -> bytes:
    return orjson.dumps(str(value))


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


def _escaped(key: Any) -> str:
    if not isinstance(key, str):
        raise ValueError(f"a key is no text: {key!r}")  # noqa: TRY004 - one error for every value without a form
    return f"${key}" if key.startswith("$") else str(key)


def _float(value: float) -> bytes:
    """ECMAScript's Number::toString (ECMA-262, 6.1.6.1.20), as RFC 8785 section 3.2.2.3 asks."""
    if not math.isfinite(value):
        raise ValueError(f"no canonical form for {value}")
    if value == 0:
        return b"0"
    sign, raw, exponent = Decimal(repr(value)).as_tuple()
    digits = "".join(map(str, raw)).rstrip("0")
    point = len(raw) + int(exponent)
    return (("-" if sign else "") + _placed(digits, point)).encode()


def _placed(digits: str, point: int) -> str:
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"


def _restore(value: Any, depth: int) -> Any:
    """Undo the escapes, and the reading of a large double as an integer."""
    if depth < 0:
        raise ValueError(f"nested deeper than {_MAX_DEPTH}")
    if isinstance(value, dict):
        if value.keys() == {"$n"} and isinstance(value["$n"], str):
            return Spelled(value["$n"])
        return {_unescaped(key): _restore(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_restore(item, depth - 1) for item in value]
    if isinstance(value, int) and not -EXACT <= value <= EXACT:
        return float(value)
    return value


def _unescaped(key: str) -> str:
    if not key.startswith("$"):
        return key
    if not key.startswith("$$"):
        raise ValueError(f"unknown escape {key!r}")
    return key[1:]
