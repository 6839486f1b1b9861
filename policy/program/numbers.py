"""Builtins on numbers: exact on whole ones of 64 bits; where OPA would calculate with fractions, they raise Inexact."""

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any, Final

from policy.program.cost import Metered, looked_through
from policy.program.json_values import number
from policy.program.running import Budget, whole
from policy.program.values import UNDEFINED, Inexact, Set

MAX_RANGE: Final = 100_000
"""No range has more numbers."""

LONGEST_NUMBER: Final = 1_000
"""Characters; none is longer that anybody reads."""

_IN_A_RANGE: Final = 40
"""Bytes of a number in an array."""

_WHOLE: Final = range(-(1 << 63), 1 << 63)
_PLAIN: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_BASES: Final = {2: "b", 8: "o", 10: "d", 16: "x"}


def _calculated(function: Callable[[int, int], int]) -> Callable[[Any, Any], Any]:
    def checked(a: Any, b: Any) -> Any:
        if not _is_number(a) or not _is_number(b):
            return UNDEFINED
        return _whole(function(_exact(a), _exact(b)))

    return checked


def minus(a: Any, b: Any) -> Any:
    """The difference of two numbers, or of two sets; a number less 0 is itself."""
    if type(a) is Set and type(b) is Set:
        return Set(value for value in a if value not in b)
    if _is_number(a) and b == 0 and _is_number(b):
        return a
    return _minus(a, b)


def divided(a: Any, b: Any) -> Any:
    """The quotient where it is whole; nothing by 0."""
    if not _is_number(a) or not _is_number(b) or b == 0:
        return UNDEFINED
    quotient, rest = divmod(_exact(a), _exact(b))
    if rest:
        raise Inexact("a division with a remainder")
    return _whole(quotient)


def remainder(a: Any, b: Any) -> Any:
    """The rest of a division, with the sign of the dividend."""
    if not whole(a) or not whole(b) or b == 0:
        return UNDEFINED
    rest = abs(_exact(a)) % abs(_exact(b))
    return -rest if a < 0 else rest


def rounded(mode: str) -> Callable[[Any], Any]:
    """To a whole number."""

    def checked(value: Any) -> Any:
        if not _is_number(value):
            return UNDEFINED
        return int(Decimal(value).to_integral_value(mode))

    return checked


def absolute(value: Any) -> Any:
    """Without its sign."""
    return abs(value) if _is_number(value) else UNDEFINED


def ranged(budget: Budget, first: Any, last: Any, step: Any = 1) -> Any:
    """All whole numbers from one to the other, upwards or downwards."""
    if not whole(first) or not whole(last) or not whole(step) or step <= 0:
        return UNDEFINED
    if abs(last - first) // step >= MAX_RANGE:
        raise Inexact(f"a range of more than {MAX_RANGE} numbers")
    budget.make(_IN_A_RANGE * (abs(last - first) // step))
    return list(range(first, last + 1, step) if first <= last else range(first, last - 1, -step))


def total(values: Any) -> Any:
    """The sum of an array or a set."""
    return _folded(values, 0, lambda a, b: a + b)


def product(values: Any) -> Any:
    """The product of an array or a set."""
    return _folded(values, 1, lambda a, b: a * b)


def to_number(value: Any) -> Any:
    """A number from a text, a boolean or null."""
    match value:
        case None | False:
            return 0
        case True:
            return 1
        case str():
            return _spelled(value)
        case _:
            return value if _is_number(value) else UNDEFINED


def format_int(value: Any, base: Any) -> Any:
    """A whole number in base 2, 8, 10 or 16; of a fraction, what stands before the point."""
    if not _is_number(value) or base not in _BASES or not _is_number(base):
        return UNDEFINED
    return format(int(value), _BASES[base])


def _spelled(text: str) -> Any:
    if len(text) > LONGEST_NUMBER:
        raise Inexact("to_number of so long a text")
    if _PLAIN.fullmatch(text):
        return number(text)
    if text[:1] in tuple("+-.0123456789iInN"):
        raise Inexact("to_number of a text that is a number in Go only")
    return UNDEFINED


def _folded(values: Any, first: int, function: Callable[[int, int], int]) -> Any:
    if type(values) not in (list, Set) or not all(_is_number(each) for each in values):
        return UNDEFINED
    for each in values:
        first = function(first, _exact(each))
    return _whole(first)


def _is_number(value: Any) -> bool:
    return type(value) is int or type(value) is Decimal


def _exact(value: int | Decimal) -> int:
    if not isinstance(value, int):
        raise Inexact("arithmetic on a number with a fraction")
    return _whole(value)


def _whole(value: int) -> int:
    if value not in _WHOLE:
        raise Inexact("arithmetic beyond 64 bits")
    return value


_minus: Final = _calculated(lambda a, b: a - b)

NUMBERS: Final[Mapping[str, Any]] = {
    "abs": absolute,
    "ceil": rounded(ROUND_CEILING),
    "div": divided,
    "floor": rounded(ROUND_FLOOR),
    "format_int": format_int,
    "minus": looked_through(minus),
    "mul": _calculated(lambda a, b: a * b),
    "numbers.range": Metered(ranged),
    "numbers.range_step": Metered(ranged),
    "plus": _calculated(lambda a, b: a + b),
    "product": looked_through(product),
    "rem": remainder,
    "round": rounded(ROUND_HALF_UP),
    "sum": looked_through(total),
    "to_number": to_number,
}
