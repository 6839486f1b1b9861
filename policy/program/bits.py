"""Builtins on the bits of whole numbers of any size, negative ones as if they went on for ever."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from policy.program.running import whole
from policy.program.values import UNDEFINED, Inexact

MOST_BITS: Final = 1_024
"""No number is shifted to more; a double has no larger one."""


def _on_whole(function: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*operands: Any) -> Any:
        return function(*operands) if all(map(whole, operands)) else UNDEFINED

    return checked


def left(number: int, by: int) -> Any:
    """Shifted to the left."""
    if by < 0:
        return UNDEFINED
    if by + number.bit_length() > MOST_BITS:
        raise Inexact("a number of more than a thousand bits")
    return number << by


def right(number: int, by: int) -> Any:
    """Shifted to the right."""
    if by >> 64:
        raise Inexact("a shift by more than 64 bits hold")
    return UNDEFINED if by < 0 else number >> by


BUILTINS: Final[Mapping[str, Any]] = {
    "bits.and": _on_whole(operator.and_),
    "bits.lsh": _on_whole(left),
    "bits.negate": _on_whole(operator.invert),
    "bits.or": _on_whole(operator.or_),
    "bits.rsh": _on_whole(right),
    "bits.xor": _on_whole(operator.xor),
}
