"""Time as an argument: the two clocks that every record carries."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on two clocks.

    `unix_ns` is the wall clock (nanoseconds since 1970, UTC), which an operator can set back;
    `boot_us` is the time since boot (microseconds, suspend included), which nobody can.
    """

    unix_ns: int
    boot_us: int

    def rfc3339(self) -> str:
        """UTC with microseconds and `+00:00`: regopy does not parse `Z`."""
        seconds, nanos = divmod(self.unix_ns, 1_000_000_000)
        moment = datetime.fromtimestamp(seconds, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanos // 1000:06d}+00:00"


class Clock(Protocol):
    """Tells the time; a test hands in one that it moves itself."""

    def now(self) -> Instant:
        """The present moment on both clocks."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> Instant:
        """Read both clocks, wall first."""
        return Instant(time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000)
