"""A condition that was so, or was not: what was compared, where it stands, and which rules lead to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from policy.explaining.trace import Asked, Operand, Place

MOST_CAUSES: Final = 64
"""Of one condition. A loop has as many as it has turns."""

Kind = Literal["missing", "no_key", "differs", "same", "false", "true", "empty", "untyped", "present", "no_collection"]


@dataclass(frozen=True, slots=True)
class Cause:
    """`function` is that of a condition that a builtin decides; `within` are the rules and functions on the way."""

    kind: Kind
    operands: tuple[Operand, ...]
    place: Place | None
    function: str = ""
    within: tuple[Asked, ...] = ()

    @property
    def is_about_input(self) -> bool:
        """Whether a value of the input was looked at."""
        return any(ref.root == "input" for operand in self.operands for ref, _ in operand.refs())


@dataclass(frozen=True, slots=True)
class Why:
    """Causes, the nearest first, and how far they are from being none; false where there are none."""

    distance: int
    causes: tuple[Cause, ...]

    def __bool__(self) -> bool:
        return bool(self.causes)

    @property
    def is_about_input(self) -> bool:
        """Whether one of the causes is."""
        return any(cause.is_about_input for cause in self.causes)

    def further(self, more: int) -> "Why":
        """With more conditions behind them."""
        return Why(self.distance + more, self.causes)

    def inside(self, asked: Asked) -> "Why":
        """As seen by who asked for a rule."""
        return Why(self.distance, inside(asked, self.causes))


NOTHING: Final = Why(0, ())


def inside(asked: Asked, causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Causes that lie in a rule, as seen by who asked for it."""
    return tuple(replace(cause, within=(asked, *cause.within)) for cause in causes)


def one(cause: Cause) -> Why:
    """A single condition."""
    return Why(1, (cause,))


def any_of(whys: Sequence[Why]) -> Why:
    """Where one of several ways would do."""
    ranked = sorted(filter(None, whys), key=lambda why: (why.distance, not why.is_about_input))
    if not ranked:
        return NOTHING
    return Why(ranked[0].distance, tuple(cause for why in ranked for cause in why.causes)[:MOST_CAUSES])


def all_of(whys: Sequence[Why]) -> Why:
    """Where all of several would have to be so."""
    causes = tuple(cause for why in whys for cause in why.causes)
    return Why(sum(why.distance for why in whys), causes[:MOST_CAUSES])
