"""Time as an argument: the two clocks that every record carries."""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Protocol

from msgspec import Struct

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(Struct, frozen=True):
    """One moment on two clocks.

    `unix_ns` is the wall clock (nanoseconds since 1970, UTC), which an operator can set back;
    `boot_us` is the time since boot (microseconds, suspend included), which nobody can.
    """

    unix_ns: int
    boot_us: int

    def rfc3339(self) -> str:
        """UTC with microseconds and `+00:00`: regopy does not parse `Z`."""
        seconds, nanos = divmod(self.unix_ns, 1_000_000_000)
        return f"{_to_the_second(seconds)}.{nanos // 1000:06d}+00:00"


# Many moments fall into one second, and strftime costs more than a hash.
@lru_cache(maxsize=8)
def _to_the_second(unix_seconds: int) -> str:
    return f"{datetime.fromtimestamp(unix_seconds, UTC):%Y-%m-%dT%H:%M:%S}"


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


def micros(at: str) -> int | None:
    """Microseconds since 1970; None for a text that is no time with its zone."""
    try:
        moment = datetime.fromisoformat(at)
        since = moment - _EPOCH
    except (ValueError, TypeError, OverflowError):
        return None
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
