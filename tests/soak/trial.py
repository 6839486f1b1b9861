"""The words of an endurance run: a plan says how long, a trial tries, a result says what was promised and found."""

import time
from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Final

QUICK_MINUTES: Final = 0.3
"""The short form: shows that every trial runs and finds, not that anything lasts."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that must hold, the value that was found for it, and whether it was kept."""

    what: str
    must: str
    found: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One curve: `points` are (seconds, value); what is marked in it is a second on the same axis."""

    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What a trial did, in words and numbers, the promises that it looked at, and its curves."""

    did: str
    promises: tuple[Promise, ...]
    panels: tuple[Panel, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether all of them were."""
        return all(promise.kept for promise in self.promises)


@dataclass(frozen=True, slots=True)
class Bound:
    """So many rounds, or so many seconds, whichever is over first."""

    goal: int
    seconds: float

    def rounds(self) -> Iterator[int]:
        """The number of each round, from 0; at least one."""
        begun = time.monotonic()
        for number in range(self.goal):
            yield number
            if time.monotonic() - begun >= self.seconds:
                return

    def of(self, done: int) -> str:
        """How many were done, and of how many where the time was over first."""
        return f"{done:,}" if done >= self.goal else f"{done:,} of {self.goal:,}, for {self.seconds:.0f} s"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long the whole run may take, in minutes, and what of it one trial may have."""

    minutes: float

    def seconds(self, share: float) -> float:
        """A share (0 to 1) of the time."""
        return self.minutes * 60 * share

    def bound(self, goal: int, share: float) -> Bound:
        """A number of rounds, as far as a share of the time carries."""
        return Bound(goal, self.seconds(share))

    def scaled(self, full: int, least: int) -> int:
        """A number that the short form makes smaller, for what takes room and not time."""
        return full if self.minutes > QUICK_MINUTES else least


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that is tried: `run` has a folder of its own."""

    name: str
    title: str
    run: Callable[[Path, Plan, Say], Result]


def at_most(what: str, value: float, limit: float) -> Promise:
    """A number that must not be larger."""
    return Promise(what, f"<= {limit:g}", f"{value:,.2f}".rstrip("0").rstrip("."), value <= limit)


def at_least(what: str, value: float, limit: float) -> Promise:
    """A number that must not be smaller."""
    return Promise(what, f">= {limit:g}", f"{value:,.2f}".rstrip("0").rstrip("."), value >= limit)


def equals(what: str, value: object, expected: object) -> Promise:
    """A value that must be exactly this one."""
    return Promise(what, str(expected), str(value), value == expected)


def nothing(what: str, found: Sized) -> Promise:
    """A collection that must be empty."""
    return Promise(what, "0", f"{len(found):,}", not found)
