"""A target and what was measured for it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target and what was measured for it."""

    what: str
    limit: str
    value: float
    met: bool


def at_least(what: str, value: float, limit: float) -> Verdict:
    """The value must not be smaller."""
    return Verdict(what, f">= {limit:g}", value, value >= limit)


def at_most(what: str, value: float, limit: float) -> Verdict:
    """The value must not be larger."""
    return Verdict(what, f"<= {limit:g}", value, value <= limit)


def below(what: str, value: float, limit: float) -> Verdict:
    """The value must be smaller."""
    return Verdict(what, f"< {limit:g}", value, value < limit)
