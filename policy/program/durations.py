"""Durations as Go spells them (`1h30m`, `-1.5s`), with OPA's days, weeks and years on top, in nanoseconds."""

import re
from decimal import Decimal
from typing import Any, Final

from policy.program.values import UNDEFINED, Inexact

LONGEST: Final = 200
"""Characters; none is longer that anybody reads."""

_UNITS: Final = {
    "ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}  # fmt: skip
_HOURS: Final = {"d": 24, "w": 7 * 24, "y": 365 * 24}
_MOST: Final = 1 << 63
_SEGMENT: Final = re.compile(r"([0-9]*)(?:(\.)([0-9]*))?([^0-9.]+)")
_EXTENDED: Final = re.compile(r"[-+]?(?:[0-9.]+(?:ms|us|µs|ns|[a-z]))+")
_EXTENDED_SEGMENT: Final = re.compile(r"([0-9.]+)([a-zµ]+)")


def nanoseconds(text: Any) -> Any:
    """The duration, where 64 bits hold it."""
    if type(text) is not str:
        return UNDEFINED
    if len(text) > LONGEST:
        raise Inexact("so long a duration")
    if any(letter in text for letter in "dwy"):
        text = _in_hours(text)
    sign, rest = (text[0], text[1:]) if text[:1] in ("-", "+") else ("", text)
    if rest == "0":
        return 0
    total = _sum(rest) if rest else None
    if total is None or total > _MOST or (total == _MOST and sign != "-"):
        return UNDEFINED
    return -total if sign == "-" else total


def _sum(text: str) -> int | None:
    total = at = 0
    while at < len(text):
        found = _SEGMENT.match(text, at)
        length = None if found is None else _length(found)
        if found is None or length is None or (total := total + length) > _MOST:
            return None
        at = found.end()
    return total


def _length(segment: "re.Match[str]") -> int | None:
    """The nanoseconds of a number and its unit, the fraction calculated in 64-bit floats as Go does."""
    digits, _, fraction, unit = segment.groups()
    if unit not in _UNITS or not (digits or fraction) or len(digits.lstrip("0")) > 19:
        return None
    length = int(digits or "0") * _UNITS[unit]
    if int(digits or "0") > _MOST or length > _MOST:
        return None
    if fraction:
        number, scale = _leading(fraction)
        length += int(float(number) * (float(_UNITS[unit]) / scale)) if number else 0
    return length if length <= _MOST else None


def _leading(fraction: str) -> tuple[int, float]:
    """The digits of a fraction as far as 63 bits hold them, and what they are divided by."""
    number, scale = 0, 1.0
    for digit in fraction:
        if number > (_MOST - 1) // 10 or number * 10 + int(digit) > _MOST:
            break
        number, scale = number * 10 + int(digit), scale * 10
    return number, scale


def _in_hours(text: str) -> str:
    """The duration with its days, weeks and years as hours; what is none is the empty text."""
    if not _EXTENDED.fullmatch(text):
        return ""
    sign = text[0] if text[0] in "-+" else ""
    return sign + "".join(_segment_in_hours(*found.groups()) for found in _EXTENDED_SEGMENT.finditer(text))


def _segment_in_hours(digits: str, unit: str) -> str:
    if unit not in _HOURS:
        return digits + unit
    try:
        hours = float(digits) * _HOURS[unit]
    except ValueError:
        return "no number"
    return format(Decimal(repr(hours)), "f") + "h" if hours < 1e300 else "no number"
