"""Legacy calls whose stream ended before their answer: open until it turns up elsewhere, or for five minutes.

The answer then arrives on the session's GET stream (resumed by Last-Event-ID) and is paired by
(caller, upstream, session, id). What nobody answers in time becomes `unknown`; an answer that turns up after all is
`late`.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from msgspec import structs

from policy.containment import Orders
from policy.methods import LIST_ITEMS
from policy.obligations import Pointer
from policy.vocabulary import Call
from proxy.flights import kill_of
from proxy.going_on import whatever_fails
from proxy.places import Places
from proxy.vocabulary import NO_MESSAGE, Delivery, EffectAt, Ending, Exchange, Key, Outcome
from proxy.wire.message import Message

OPEN_SECONDS: Final = 300.0
"""How long a detached call waits for its answer."""

MAX_DETACHED: Final = 10_000
MAX_DETACHED_BYTES: Final = 64 << 20
"""Detached calls remembered, and what they may hold together; the oldest is given up first. So for those given up."""

GIVEN_UP: Final = Ending(Outcome.UNKNOWN, Delivery.NOTHING, EffectAt.UNKNOWN, "no_answer_in_time")
DRAINED: Final = Ending(Outcome.UNKNOWN, Delivery.NOTHING, EffectAt.UNKNOWN, "drained")
SESSION_OVER: Final = Ending(Outcome.UNKNOWN, Delivery.NOTHING, EffectAt.UNKNOWN, "session_over")

KILLED: Final = Ending(Outcome.KILLED, Delivery.NOTHING, EffectAt.UNKNOWN, "contained")

MAX_KEPT_BYTES: Final = 4096
"""Of a request for a list that is longer, nothing is kept but that it asked for a later page."""

_TASK: Final = "task"
_CURSOR: Final = "cursor"
_LISTED: Final = (_CURSOR, "_meta")

End = Callable[[Ending], Awaitable[object] | None]
"""Records how a call ended; what it returns is done when that is durable, and None if there is nothing to record."""


def nothing(_: Ending) -> None:
    """The end of a request that is no call: it leaves no outcome."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request without a stream, the exchange that it came in, and its call (without content).

    `end` records the outcome of its call, `late` the answer that turns up after an outcome that knew of none; `over`
    says that the outcome is there already. With `own` the exchange is not the client's: it is the sidecar's request
    that stops the call at its upstream. `redact` names what of the answer does not go to the client.
    """

    exchange: Exchange
    request: Message
    call: Call | None
    end: End = nothing
    late: End = nothing
    own: bool = False
    over: bool = False
    redact: tuple[Pointer, ...] = ()

    def instead(self, own: Exchange) -> "Waiting":
        """The same call, now with the sidecar's request that stops it at its upstream."""
        return replace(self, exchange=own, request=own.envelope.messages[0], own=True)

    def killed_by(self, orders: Orders) -> bool:
        """Whether a kill hits it."""
        calls = () if self.call is None else (self.call,)
        return kill_of(orders, self.exchange.caller, self.exchange.upstream, calls) is not None

    def lapsed(self) -> "Waiting":
        """What is kept once nobody waits any more: enough to deliver an answer, and nothing of the content."""
        exchange = structs.replace(self.exchange, envelope=NO_MESSAGE, headers=())
        request = slim(self.request)
        return Waiting(exchange, request, self.call, self.late, self.late, over=True, redact=self.redact)


def slim(request: Message) -> Message:
    """A request without its bytes; of its params stay a list's cursor and `_meta`, and that a task was asked for."""
    params = _listed(request) if request.method in LIST_ITEMS else _asked(request.params)
    return structs.replace(request, raw=b"", params=params)


def _listed(request: Message) -> Any:
    params = request.params
    if not isinstance(params, Mapping):
        return None
    if len(request.raw) > MAX_KEPT_BYTES:
        return {} if params.get(_CURSOR) is None else {_CURSOR: ""}
    return {name: params[name] for name in _LISTED if name in params}


def _asked(params: Any) -> Any:
    return {_TASK: None} if isinstance(params, Mapping) and _TASK in params else None


def _bytes_of(waiting: Waiting) -> int:
    """What is held because of what the client wrote: a call without content still has its name."""
    call, headers = waiting.call, waiting.exchange.headers
    texts = () if call is None else (call.name or "", call.protocol_version or "")
    read = sum(len(text.encode()) for text in texts)
    return len(waiting.exchange.envelope.raw) + read + sum(len(name) + len(value) for name, value in headers)


class Detached:
    """Finds the call that a late answer belongs to, and ends each call exactly once."""

    def __init__(self, monotonic: Callable[[], float], places: Places, given_up: Ending = GIVEN_UP) -> None:
        """`given_up` is how a call ends that waited for too long, or that had to make room."""
        self._monotonic = monotonic
        self._places = places
        self._given_up = given_up
        self._waiting: OrderedDict[Key, tuple[float, Waiting]] = OrderedDict()
        self._lapsed: OrderedDict[Key, Waiting] = OrderedDict()
        self._bytes = 0
        self._lapsed_bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: Key, waiting: Waiting, *, seconds: float = OPEN_SECONDS) -> None:
        """A request is open without a stream from now on; its `end` is called once, whatever becomes of it."""
        self._end(key, self._given_up)
        self._forget(key)
        self._waiting[key] = (self._monotonic() + seconds, waiting)
        self._bytes += _bytes_of(waiting)
        if waiting.call is not None:
            self._places.take(key[0], (self, key), partial(self._lapse, key))
        while len(self._waiting) > MAX_DETACHED or (self._bytes > MAX_DETACHED_BYTES and len(self._waiting) > 1):
            self._end(next(iter(self._waiting)), self._given_up)

    def take(self, key: Key) -> Waiting | None:
        """What waits for an answer under `key`, or has waited; who takes it calls its `end`."""
        found = self._waiting.pop(key, None)
        if found is None:
            return self._forget(key)
        self._bytes -= _bytes_of(found[1])
        self._places.leave(key[0], (self, key))
        return found[1]

    def put_back(self, key: Key, waiting: Waiting) -> None:
        """What was taken did not get its answer after all."""
        if not waiting.over:
            self.add(key, waiting)
        elif key not in self._waiting:
            self._remember(key, waiting)

    def find(self, key: Key) -> Waiting | None:
        """What waits under `key`, and goes on waiting."""
        found = self._waiting.get(key)
        return None if found is None else found[1]

    def expire(self) -> None:
        """Give up what has waited long enough."""
        now = self._monotonic()
        for key in [key for key, (until, _) in self._waiting.items() if until <= now]:
            self._lapse(key)

    def stop(self, orders: Orders) -> list[Waiting]:
        """End every call that a kill hits; what is returned is still to be cancelled at its upstream.

        What nobody waits for any more is forgotten where it hits that: an answer which turns up after all goes nowhere.
        """
        stopped = []
        for key, (_, waiting) in tuple(self._waiting.items()):
            if waiting.killed_by(orders):
                self._end(key, KILLED)
                stopped.append(waiting)
        for key in [key for key, lapsed in self._lapsed.items() if lapsed.killed_by(orders)]:
            self._forget(key)
        return stopped

    def end_all(self, ending: Ending) -> None:
        """Nobody will be answered any more: the process ends."""
        for key in tuple(self._waiting):
            self._end(key, ending)

    def end_session(self, upstream: str, session: str) -> None:
        """The session is over: nothing of it will be answered."""
        for key in [key for key in self._lapsed if key[1:3] == (upstream, session)]:
            self._forget(key)
        for key in [key for key in self._waiting if key[1:3] == (upstream, session)]:
            self._end(key, SESSION_OVER)

    def _lapse(self, key: Key) -> None:
        # The end of one call may have been that of others, which it went on with.
        if (waiting := self.find(key)) is not None:
            self._end(key, self._given_up)
            self._remember(key, waiting.lapsed())

    def _remember(self, key: Key, lapsed: Waiting) -> None:
        self._forget(key)
        self._lapsed[key] = lapsed
        self._lapsed_bytes += _bytes_of(lapsed)
        while len(self._lapsed) > MAX_DETACHED or self._lapsed_bytes > MAX_DETACHED_BYTES:
            self._forget(next(iter(self._lapsed)))

    def _forget(self, key: Key) -> Waiting | None:
        found = self._lapsed.pop(key, None)
        self._lapsed_bytes -= 0 if found is None else _bytes_of(found)
        return found

    def _end(self, key: Key, ending: Ending) -> None:
        if key in self._waiting and (waiting := self.take(key)) is not None:
            # Whoever ends many has the others to end, and whoever makes room has a call of his own.
            whatever_fails("the end of a call", lambda: waiting.end(ending), None)
