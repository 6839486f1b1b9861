"""Builtins on semantic versions (2.0.0), as OPA reads them: a `v` may stand before one."""

import re
from collections.abc import Mapping
from typing import Any, Final

from policy.program.texts import on_texts
from policy.program.values import UNDEFINED, Inexact

_MOST: Final = (1 << 63) - 1
_DIGITS: Final = 18
_NUMBER: Final = r"(0|[1-9][0-9]{0,18})"
_VERSION: Final = re.compile(
    rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_LEADING_ZERO: Final = re.compile(r"0[0-9]+")


def compared(one: str, other: str) -> Any:
    """-1, 0 or 1 as the first is older, as old, or newer."""
    a, b = _read(one), _read(other)
    if a is None or b is None:
        return UNDEFINED
    return (a > b) - (a < b)


def is_valid(text: Any) -> bool:
    """Whether a text is a semantic version."""
    return type(text) is str and _read(text) is not None


def _read(text: str) -> tuple[Any, ...] | None:
    """What two versions are compared by: numbers, then whether it is a release, then what it comes before."""
    found = _VERSION.fullmatch(text)
    if found is None:
        return None
    numbers = tuple(int(part) for part in found.groups()[:3])
    before = found[4].split(".") if found[4] else []
    if max(numbers) > _MOST or any(_LEADING_ZERO.fullmatch(part) for part in before):
        return None
    return numbers, not before, tuple(map(_rank, before))


def _rank(part: str) -> tuple[int, int, str]:
    """Numbers below words. OPA compares two that are beyond 64 bits for ever."""
    if not part.isdigit():
        return 1, 0, part
    if len(part) > _DIGITS:
        raise Inexact("a number of more than 64 bits in a version")
    return 0, int(part), ""


BUILTINS: Final[Mapping[str, Any]] = {
    "semver.compare": on_texts(compared),
    "semver.is_valid": is_valid,
}
