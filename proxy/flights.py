"""What is in flight: entered before containment is checked, so that an order cannot slip between check and sweep."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from policy.containment import Order, Orders
from policy.vocabulary import Call, Caller
from proxy.refusals import Busy


def kill_of(orders: Orders, caller: Caller, upstream: str, calls: Iterable[Call]) -> Order | None:
    """The first kill among `orders` that stops this caller at this upstream altogether, or one of the calls."""
    calls = tuple(calls)
    for order in orders.standing:
        scope = order.scope
        whole = scope.tool is None and scope.covers(caller, upstream)
        if order.kind == "kill" and (whole or any(order.stops(call) for call in calls)):
            return order
    return None


@dataclass(slots=True, eq=False)
class Flight:
    """One exchange or stream under way. `order` is set, and then the task cancelled, when a kill stops it.

    `asked` holds the keys of the ids of its requests, `cancelled` those that the client has cancelled by notification.
    """

    caller: Caller
    upstream: str
    calls: tuple[Call, ...]
    task: asyncio.Task[object]
    session: str | None = None
    asked: frozenset[str] = frozenset()
    order: Order | None = None
    cancelled: set[str] = field(default_factory=set)

    def stopped_by(self, orders: Orders) -> Order | None:
        """The kill among `orders` that applies to this flight, if any; a quarantine lets it end."""
        return kill_of(orders, self.caller, self.upstream, self.calls)


def resume() -> None:
    """Go on in the running task: a kill cancels it only to wake it, and what is left is to record and to answer."""
    if (task := asyncio.current_task()) is not None:
        task.uncancel()


class _Entered:
    """The block in which one flight is under way."""

    __slots__ = ("_flight", "_flights")

    def __init__(self, flights: "Flights", flight: Flight) -> None:
        self._flights, self._flight = flights, flight

    def __enter__(self) -> Flight:
        self._flights.take_off(self._flight)
        return self._flight

    def __exit__(self, *_: object) -> None:
        self._flights.land(self._flight)


class Flights:
    """The set of flights, bounded by `limit`; `sweep` stops those that an order hits."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._flights: set[Flight] = set()
        self._draining = False
        self._landed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._flights)

    def enter(
        self,
        caller: Caller,
        upstream: str,
        session: str | None,
        calls: tuple[Call, ...] = (),
        asked: frozenset[str] = frozenset(),
    ) -> "_Entered":
        """Register the running task for the block of a `with`, which gives its Flight.

        Raises Busy when the bound is reached or the sidecar drains.
        """
        if self._draining:
            raise Busy("draining", "the sidecar is shutting down")
        if len(self._flights) >= self._limit:
            raise Busy("too_many_in_flight", f"{self._limit} calls and streams are under way (limits.in_flight)")
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (a coroutine always runs in a task)
        return _Entered(self, Flight(caller, upstream, calls, task, session, asked))

    def take_off(self, flight: Flight) -> None:
        """It is under way."""
        self._flights.add(flight)

    def land(self, flight: Flight) -> None:
        """It has ended."""
        self._flights.discard(flight)
        self._landed.set()

    def sweep(self, orders: Orders) -> int:
        """Stop every flight that a kill hits; the state must have changed before. Returns how many."""
        stopped = 0
        for flight in tuple(self._flights):
            if flight.order is None and (order := flight.stopped_by(orders)) is not None:
                flight.order = order
                flight.task.cancel()
                stopped += 1
        return stopped

    def cancelled(self, caller: Caller, upstream: str, session: str | None, key: str) -> None:
        """The client has cancelled the request with this id: an end without an answer is then what it asked for.

        A flight that has not asked it keeps nothing: a client may cancel what it likes, as often as it likes.
        """
        for flight in self._flights:
            whose = (flight.caller, flight.upstream, flight.session)
            if key in flight.asked and whose == (caller, upstream, session):
                flight.cancelled.add(key)

    async def drain(self, seconds: float) -> int:
        """Let nobody enter any more and wait for what is under way, at most `seconds`. Returns how many are left."""
        self._draining = True
        try:
            async with asyncio.timeout(seconds):
                while self._flights:
                    self._landed.clear()
                    await self._landed.wait()
        except TimeoutError:
            pass
        return len(self._flights)

    @property
    def draining(self) -> bool:
        """True once `drain` was called."""
        return self._draining
