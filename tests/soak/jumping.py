"""`python -m tests.soak.jumping FLAG…`: `agentgate sidecar` on a machine whose wall clock jumps all the time.

The clock lives here because the product reads no other than the machine's.
"""

import sys
from itertools import cycle
from typing import Final

import agentgate
import evidence.clock
from evidence.clock import Instant, SystemClock

DAY: Final = 86_400
JUMPS: Final = (0, 3_600, -3_600, DAY, -DAY, 365 * DAY, -365 * DAY, 1, -1)
"""Seconds beside the truth, one after the other."""

EVERY_US: Final = 50_000


class JumpingClock:
    """The machine's clocks, but for a wall clock that somebody sets anew twenty times a second."""

    def __init__(self) -> None:
        self._machine = SystemClock()
        self._jumps = cycle(JUMPS)
        self._off, self._until = 0, 0

    def now(self) -> Instant:
        """The present moment, as far as the wall clock knows it."""
        real = self._machine.now()
        if real.boot_us >= self._until:
            self._off, self._until = next(self._jumps) * 1_000_000_000, real.boot_us + EVERY_US
        return Instant(real.unix_ns + self._off, real.boot_us)


if __name__ == "__main__":
    evidence.clock.SystemClock = JumpingClock  # type: ignore[misc,assignment]
    sys.exit(agentgate.main(["sidecar", *sys.argv[1:]]))
