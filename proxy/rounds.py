"""Rounds of input (2026-07-28): a call that was answered with questions goes on with the request that answers them.

The call stays open until that one ends, and ends with it. What nobody goes on with is given up after an hour.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from policy.containment import Orders
from policy.vocabulary import Call
from proxy.detached import Detached, Waiting
from proxy.places import Places
from proxy.vocabulary import Delivery, EffectAt, Ending, Key, Outcome

OPEN_SECONDS: Final = 3600.0
"""How long questions wait for their answers (a person gives them) until the call counts as given up."""

MAX_ROUNDS: Final = 10_000
"""Calls whose questions are unanswered, remembered for each sidecar; the oldest is given up first."""

GIVEN_UP: Final = Ending(Outcome.CANCELLED, Delivery.ANSWER, EffectAt.UNKNOWN, "not_continued")


class Rounds:
    """Finds the call that a request goes on with, by its caller, its subject and the state that it brings back."""

    def __init__(self, monotonic: Callable[[], float], places: Places) -> None:
        self._open = Detached(monotonic, places, GIVEN_UP)
        self._keys: OrderedDict[str, Key] = OrderedDict()
        self._latest: OrderedDict[Key, str] = OrderedDict()

    def asked(self, call: Call, result: Mapping[str, Any], waiting: Waiting) -> None:
        """`call` was answered with questions; `waiting` ends it. Of several calls with one state the last counts."""
        asked = result.get("inputRequests")
        key = _key(call, result.get("requestState"), asked if isinstance(asked, Mapping) else {})
        self._keys[call.id] = (call.caller, call.upstream, None, call.id)
        self._open.add(self._keys[call.id], waiting, seconds=OPEN_SECONDS)
        self.keep(call.continues)
        self._latest[key] = call.id
        self._latest.move_to_end(key)
        for remembered in (self._keys, self._latest):
            if len(remembered) > MAX_ROUNDS:
                remembered.popitem(last=False)

    def continued(self, call: Call) -> str | None:
        """The id of the call that `call` goes on with; None if it answers no questions, or nobody's."""
        params = call.params
        if not isinstance(params, Mapping) or not params.keys() & {"inputResponses", "requestState"}:
            return None
        given = params.get("inputResponses")
        key = _key(call, params.get("requestState"), given if isinstance(given, Mapping) else {})
        before = self._latest.get(key)
        return before if self.keep(before) else None

    def keep(self, call: str | None, seconds: float = OPEN_SECONDS) -> bool:
        """Somebody goes on with this call: it, and what went before it, waits as long from now on.

        False if it does not wait any more.
        """
        kept = False
        while call is not None and (key := self._keys.get(call)) is not None and self._open.find(key) is not None:
            waiting = self._open.take(key)
            assert waiting is not None  # noqa: S101  (it was just found)
            self._open.add(key, waiting, seconds=max(seconds, OPEN_SECONDS))
            kept, call = True, None if waiting.call is None else waiting.call.continues
        return kept

    def take(self, call: str | None) -> list[Waiting]:
        """What ends the call of this id, and each that went before it, once; the newest first."""
        taken: list[Waiting] = []
        while call is not None and (key := self._keys.pop(call, None)) is not None:
            if (waiting := self._open.take(key)) is None:
                break
            taken.append(waiting)
            call = None if waiting.call is None else waiting.call.continues
        return taken

    def expire(self) -> None:
        """Give up what nobody went on with in time."""
        self._open.expire()

    def stop(self, orders: Orders) -> int:
        """End every call that a kill hits: nothing of it is under way at its upstream."""
        return len(self._open.stop(orders))

    def end(self) -> None:
        """Give up all of them."""
        self._open.end_all(GIVEN_UP)


def _key(call: Call, state: Any, questions: Mapping[str, Any]) -> Key:
    """Servers that give a state get that very state back; without one the names of the questions have to do."""
    told = [call.method, call.name, state if isinstance(state, str) else sorted(questions)]
    return (call.caller, call.upstream, None, hashlib.sha256(orjson.dumps(told)).hexdigest())
