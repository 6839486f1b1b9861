"""Builtins that read amounts with a unit: `10Ki`, `0.5m`, `1.5GiB`."""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any, Final

from policy.program.values import UNDEFINED, Inexact

_LONGEST: Final = 64
_DIGITS: Final = 40
"""Longer ones, and larger exponents, stand for nothing that anybody measures."""

_PREFIXES: Final = {letter: 10 ** (3 * power) for power, letter in enumerate("kmgtpe", 1)}
_BINARY: Final = {letter + "i": 1 << (10 * power) for power, letter in enumerate("kmgtpe", 1)}
_BYTES: Final = {
    "": 1,
    **{name + end: size for name, size in [*_PREFIXES.items(), *_BINARY.items()] for end in ("", "b")},
}
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,6})?")
_AMOUNT: Final = re.compile(r"((?:[eE](?=[-+0-9])[-+]?|[-+.0-9])*)(.*)", re.DOTALL)
_MANTISSA: Final = 64
"""Bits that OPA calculates bytes in."""


def parsed(text: Any) -> Any:
    """The number of a text with a metric or binary unit; `m` is a thousandth and `M` a million."""
    read = _read(text)
    if read is None:
        return UNDEFINED
    number, unit = read
    factor = _factor(unit[:1] + unit[1:].lower())
    if factor is None:
        return UNDEFINED
    found = number * factor
    if found.denominator == 1:
        return found.numerator
    digits = Context(prec=1000)
    exact = digits.divide(Decimal(found.numerator), Decimal(found.denominator))
    return exact.quantize(Decimal(1).scaleb(-10), ROUND_HALF_UP, digits)


def parsed_bytes(text: Any) -> Any:
    """The bytes of a text with a unit, in whatever case, rounded down."""
    read = _read(text.lower() if type(text) is str else text)
    if read is None or read[1] not in _BYTES:
        return UNDEFINED
    found = _rounded(_rounded(read[0]) * _BYTES[read[1]])
    return int(found)


def _factor(unit: str) -> Fraction | None:
    if unit == "m":
        return Fraction(0.001)
    if unit in _BINARY or unit.lower() in _BINARY:
        return Fraction(_BINARY[unit.lower()])
    return Fraction(_PREFIXES[unit.lower()]) if unit.lower() in _PREFIXES else Fraction(1) if not unit else None


def _read(text: Any) -> tuple[Fraction, str] | None:
    """The number and the unit; None where there is none of the first."""
    if type(text) is not str:
        return None
    if not text.isascii() or len(text) > _LONGEST:
        raise Inexact("such an amount")
    found = _AMOUNT.fullmatch(text.replace('"', ""))
    if found is None or not _NUMBER.fullmatch(found[1]) or " " in text:
        return None
    number = Decimal(found[1])
    if abs(number.adjusted()) > _DIGITS:
        raise Inexact("such an amount")
    return Fraction(number), found[2]


def _rounded(number: Fraction) -> Fraction:
    """To as many bits as Go keeps, halves to the even one."""
    if not number:
        return number
    power = abs(number).numerator.bit_length() - number.denominator.bit_length() - _MANTISSA
    scaled = abs(number) / Fraction(2) ** power
    if scaled >= 1 << _MANTISSA:
        power, scaled = power + 1, scaled / 2
    return (1 if number > 0 else -1) * round(scaled) * Fraction(2) ** power


BUILTINS: Final[Mapping[str, Any]] = {
    "units.parse": parsed,
    "units.parse_bytes": parsed_bytes,
}
