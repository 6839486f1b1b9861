"""A clock for what is to end: setting the machine's clock back does not make it earlier again.

Time goes on from the latest moment that was seen, by the time since boot, which nobody can set, or by the wall clock
where that is later. What was seen is kept in `clock.mark` of the state folder while anything depends on it, so that it
holds over a restart:

    {"version": 1, "unix_ns": 1767225600000001000}
"""

from pathlib import Path
from typing import Final

from evidence.clock import Clock, Instant
from policy.engine import PolicyRefused
from policy.json_file import MISSING, read_json, write_json

MARK: Final = "clock.mark"
KEEP_SECONDS: Final = 10.0
"""How often the mark is written: so much of an end that has come can be lost with the process."""

TOLD_SECONDS: Final = 2
"""A wall clock that is behind by less is no news."""


class SteadyClock:
    """Wraps a clock; `floor_ns` is a moment that has been before. The time since boot is handed on as it is."""

    def __init__(self, clock: Clock, floor_ns: int = 0) -> None:
        """Time goes on from now, or from `floor_ns` where that is later."""
        self._clock = clock
        first = clock.now()
        self._unix_ns, self._boot_us = max(first.unix_ns, floor_ns), first.boot_us
        self._behind_ns = self._unix_ns - first.unix_ns

    def now(self) -> Instant:
        """The present moment, never before one that was told."""
        seen = self._clock.now()
        at_least = self._unix_ns + max(0, seen.boot_us - self._boot_us) * 1000
        if seen.unix_ns >= at_least:
            self._unix_ns, self._boot_us, self._behind_ns = seen.unix_ns, seen.boot_us, 0
            return seen
        self._behind_ns = at_least - seen.unix_ns
        return Instant(at_least, seen.boot_us)

    @property
    def behind_seconds(self) -> int:
        """By how much the wall clock was behind when time was told last."""
        return self._behind_ns // 1_000_000_000


def read_mark(state: Path) -> int:
    """The latest moment that was kept; 0 if none was. Raises PolicyRefused for a file that cannot be read."""
    path = state / MARK
    value = read_json(path)
    if value is MISSING:
        return 0
    kept = value.get("unix_ns") if isinstance(value, dict) and value.get("version") == 1 else None
    if type(kept) is not int or kept < 0:
        raise PolicyRefused((f"{path}: is no mark of a clock; remove it once the machine's clock is right",))
    return kept


def keep_mark(state: Path, unix_ns: int) -> None:
    """Keep a moment, unless a later one is kept; on disk when this returns. Raises OSError, PolicyRefused."""
    if read_mark(state) < unix_ns:
        write_json(state / MARK, {"version": 1, "unix_ns": unix_ns})
