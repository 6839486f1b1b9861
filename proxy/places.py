"""Places: how many calls may outlive their exchange, as tasks, in rounds of input, or detached from their stream.

Each open call holds a part of its tenant's reserve for its outcome, and when that is given away nobody's next call is
taken. So these calls together, and those of one caller, hold a part of it at most; beyond that the oldest is given up.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from policy.vocabulary import Caller

OUTLIVING_PART: Final = 2
"""One in so many open calls may outlive its exchange: they wait for days; the others for as long as a request takes."""

CALLER_PART: Final = 2
"""One caller may hold one in so many of those: who leaves everything open leaves as much to all the others."""

Place = tuple[object, object]
"""Who remembers the call, and under which key."""

GiveUp = Callable[[], None]


class Places:
    """Who holds which places, the oldest first; shared by all that remember such calls."""

    def __init__(self, open_calls: int) -> None:
        """`open_calls` is for how many calls the reserve of one tenant can hold the outcomes."""
        self._together = max(1, open_calls // OUTLIVING_PART)
        self._each = max(1, self._together // CALLER_PART)
        self._held: dict[str, dict[Caller, OrderedDict[Place, GiveUp]]] = {}

    def take(self, caller: Caller, place: Place, give_up: GiveUp) -> None:
        """One more call of `caller` outlives its exchange; where it is one too many, another one is given up for it."""
        tenants = self._held.setdefault(caller.tenant, {})
        own = tenants.setdefault(caller, OrderedDict())
        own[place] = give_up
        if len(own) > self._each:
            self._give_up(caller)
        elif sum(map(len, tenants.values())) > self._together:
            self._give_up(max(tenants, key=lambda each: len(tenants[each])))

    def leave(self, caller: Caller, place: Place) -> None:
        """The call has ended, or goes on in an exchange; idempotent."""
        tenants = self._held.get(caller.tenant, {})
        if (own := tenants.get(caller)) is not None:
            own.pop(place, None)
            if not own:
                del tenants[caller]

    def _give_up(self, caller: Caller) -> None:
        """The oldest of this caller's: of all callers it is the one who holds most that can spare one."""
        place, give_up = next(iter(self._held[caller.tenant][caller].items()))
        self.leave(caller, place)
        give_up()
