"""A purge that is killed with -9 at a place that can be named: `python -m tests.central.erasure.dying URL STATE PLACE`.

PLACE is `look:N`, the Nth look at the clock (one for each record that is drafted, and one before a transaction ends);
`commit:N`, when everything of the Nth transaction has been done but its commit; `copy:N`, between a commit and the copy
of central's chain in the state folder; or `never`.
"""

import os
import signal
import sys
from pathlib import Path

from sqlalchemy import event

from central.erasure.copying import Copy
from central.erasure.deeds import Deeds
from central.erasure.purging import Purge
from central.erasure.retention import Rule
from central.ledger.ledger import Ledger
from evidence.clock import Instant
from tests.central.erasure.office import ASKED, DAY, Watch


class _Death:
    """Counts, and kills this process at the count that was asked for."""

    def __init__(self, place: str) -> None:
        self._kind, _, count = place.partition(":")
        self._left = int(count or 0)

    def at(self, kind: str) -> None:
        if kind == self._kind:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class _DyingWatch(Watch):
    def __init__(self, unix_us: int, death: _Death) -> None:
        super().__init__(unix_us)
        self._death = death

    def now(self) -> Instant:
        self._death.at("look")
        return super().now()


def main(url: str, state: str, place: str) -> None:
    """Purge everything that is older than a day, twenty days after it came."""
    death = _Death(place)
    now = Watch().unix_us + 20 * DAY
    watch = _DyingWatch(now, death)
    ledger = Ledger.open(url, clock=watch)
    event.listen(ledger.store.engine, "commit", lambda _connection: death.at("commit"))
    settle, settled = Copy.settle, [0]

    def dying_settle(copy: Copy) -> int:
        settled[0] += 1
        if settled[0] % 2 == 1 and settled[0] > 1:  # one before the purge, then one before and one after each deed
            death.at("copy")
        return settle(copy)

    Copy.settle = dying_settle  # type: ignore[method-assign, assignment]
    Purge(ledger.store, [Rule(days=1)], now, ASKED).run(Deeds(ledger, Path(state), watch))
    ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
