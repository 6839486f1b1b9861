"""What builtins may cost: the sizes that none exceeds, and those that count their steps while they go.

The time of an evaluation is looked at between steps, so no builtin may do much in one: it has a bound, or is Metered.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from policy.program.running import Budget
from policy.program.values import Inexact, Set, of_key

LONGEST: Final = 1 << 20
"""No builtin makes a longer text: a policy that wants one is at fault."""

WORTH_COUNTING: Final = 256
"""What is smaller is done in a few microseconds."""

MEMBER: Final = 100
"""Bytes of a member of an object or a set, its value aside."""

_ELEMENT: Final = 48
"""Bytes that an element of a collection takes, its own content aside."""


@dataclass(frozen=True, slots=True)
class Metered:
    """A builtin that takes the budget before its operands, to count what it does and makes."""

    function: Callable[..., Any]


def counted(function: Callable[..., Any]) -> Metered:
    """`function`, of which only what it makes is counted."""

    def checked(budget: Budget, *operands: Any) -> Any:
        made = function(*operands)
        if type(made) in (str, list, dict, Set) and (size := len(made)) > WORTH_COUNTING:
            budget.make(size if type(made) is str else size * _ELEMENT)
        return made

    return Metered(checked)


def looked_through(function: Callable[..., Any]) -> Metered:
    """`function`, of which the size of its operands is counted, and what it makes."""
    inner = counted(function).function

    def checked(budget: Budget, *operands: Any) -> Any:
        for each in operands:
            if type(each) in (str, list, dict, Set) and (size := len(each)) > WORTH_COUNTING:
                budget.spend(size >> 6 if type(each) is str else size)
        return inner(budget, *operands)

    return Metered(checked)


def joined(budget: Budget, delimiter: str, texts: list[str]) -> str:
    """The texts as one. Raises Inexact for a long one before it is made."""
    length = sum(map(len, texts)) + len(delimiter) * (len(texts) - 1)
    ensure_bounded(length)
    if length > WORTH_COUNTING:
        budget.make(length)
    return delimiter.join(texts)


def ensure_bounded(length: int) -> None:
    """Raises Inexact for a text that is too long."""
    if length > LONGEST:
        raise Inexact("a text of more than a megabyte")


def weighed(value: Any, budget: Budget) -> int:
    """About how long a value is as text. Raises Inexact where that is too long: one value may be in another often."""
    total, waiting = 0, [value]
    while waiting:
        each = waiting.pop()
        inner: Iterable[Any] = ()
        total += 2
        match each:
            case str():
                total += len(each)
            case list() | Set():
                inner = each
                total += 2 * len(each)
            case dict():
                total += 2 * len(each)
                waiting.extend(map(of_key, each))
                inner = each.values()
        ensure_bounded(total)
        waiting.extend(inner)
    budget.spend(total >> 2)
    return total
