"""Looks for chains that were not heard of for long, and has central state that they are abandoned.

It is no judgement on the sidecar: one that comes back goes on in its chain, and the statement holds up to the record
that it names. Replicas may all look: what one of them has stated, the others find stated.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from central.abandonment.finding import Silent, find, is_any
from central.abandonment.stating import entries
from central.erasure.deeds import Deeds
from central.ledger.ledger import Ledger
from evidence.clock import Clock
from evidence.record import Entry

LOOKS_SECONDS: Final = 60.0

GRACE_SECONDS: Final = 3_600.0
"""How long central has to be up before it calls a chain abandoned: while it was down nobody could be heard."""

_US: Final = 1_000_000


class Abandoning:
    """The watch on one ledger. `say` is told of each chain that was stated."""

    def __init__(
        self, ledger: Ledger, state: Path, clock: Clock, *, after_seconds: float, say: Callable[[str], object]
    ) -> None:
        self._ledger, self._state, self._clock, self._say = ledger, state, clock, say
        self._after_us = int(after_seconds * _US)

    def look_at_all(self) -> None:
        """Look until nothing is left to state. Blocks; raises what `look` does."""
        while self.look():
            pass

    def look(self) -> int:
        """State what is to be stated, so many chains at once; gives how many there were.

        Blocks. Raises LedgerUnavailable, ErasureProblem, KeyProblem, OSError.
        """
        before = self._clock.now().unix_ns // 1_000 - self._after_us
        with self._ledger.store.reading() as connection:
            if not is_any(connection, before):
                return 0
        stated: list[Silent] = []

        def choose(connection: Connection) -> Mapping[str, Sequence[Entry]]:
            stated.extend(find(connection, before))
            told = defaultdict[str, list[Entry]](list)
            for silent in stated:
                told[silent.tenant] += entries(silent)
            return told

        Deeds(self._ledger, self._state, self._clock).state(choose)
        for silent in stated:
            self._say(_told(silent))
        return len(stated)


def _told(silent: Silent) -> str:
    count = len(silent.open_calls) + silent.unnamed
    what = f"chain {silent.chain[:16]} of {silent.sidecar} is abandoned at record {silent.position.seq}"
    return f"{what}: the effect of {count} open calls is unknown" if count else what
