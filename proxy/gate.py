"""What every path through one sidecar shares, assembled once in `app` or `stdio`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from evidence.clock import Clock
from evidence.journal import Journal
from evidence.random_pool import RandomPool
from evidence.record import Durability
from policy.containment import Orders
from policy.engine import Engine
from policy.pins import Pinning
from policy.vocabulary import SidecarView
from proxy.answered import Answered
from proxy.approvals import Approvals
from proxy.definitions import Definitions
from proxy.detached import DRAINED, Detached, Waiting
from proxy.flights import Flights
from proxy.going_on import whatever_fails
from proxy.memory import Memory
from proxy.metrics import Metrics
from proxy.questions import OwnQuestions, Questions
from proxy.redacting import Redacting
from proxy.rounds import Rounds
from proxy.sessions import Sessions
from proxy.tasks import Tasks
from proxy.vocabulary import Headers, UpstreamLeg


class Ids:
    """Names of calls, decisions and references: 32 random hex digits each."""

    def __init__(self) -> None:
        self._random = RandomPool()

    def __call__(self) -> str:
        """A name that nobody can guess."""
        return self._random(16).hex()


@dataclass(slots=True)
class OrderBook:
    """The orders in force now; they change while calls are in flight, and before these are swept."""

    current: Orders


class Upstream(Protocol):
    """One MCP server of the configuration."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        ...

    @property
    def added_headers(self) -> Headers:
        """What configuration adds to each request (secret)."""
        ...

    @property
    def passthrough_auth(self) -> bool:
        """True if the client's own Authorization goes there, and what answers it comes back."""
        ...

    def leg(self) -> UpstreamLeg:
        """A leg for one exchange."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits that the path itself keeps (bytes, counts, seconds that a client may take to send a body)."""

    message_bytes: int = 4 << 20
    answer_bytes: int = 32 << 20
    sealed_bytes: int = 256 << 10
    depth: int = 64
    body_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Gate:
    """The shared parts; none of them knows the path."""

    engine: Engine
    orders: OrderBook
    journals: Mapping[str, Journal]
    upstreams: Mapping[str, Upstream]
    sessions: Sessions
    definitions: Definitions
    flights: Flights
    open_streams: Flights
    detached: Detached
    questions: Questions
    asking: OwnQuestions
    tasks: Tasks
    rounds: Rounds
    memory: Memory
    approvals: Approvals
    clock: Clock
    sidecar: SidecarView
    metrics: Metrics
    redacting: Redacting
    durability: Durability = "process"
    answered: Answered = field(default_factory=Answered)
    bounds: Bounds = field(default_factory=Bounds)
    new_id: Callable[[], str] = field(default_factory=Ids)

    def pinning(self, upstream: str) -> Pinning | None:
        """The pinned definitions of an upstream; None if it has none."""
        policy = self.engine.active
        return None if policy is None else policy.pins.get(upstream)

    def expire(self) -> None:
        """End what is open beyond its exchange and has waited for too long."""
        for part in (self.detached.expire, self.tasks.expire, self.rounds.expire):
            whatever_fails("giving up calls", part, None)

    def end(self) -> None:
        """The process ends: whatever is open beyond its exchange gets its outcome."""
        for part in (partial(self.detached.end_all, DRAINED), self.tasks.end, self.rounds.end):
            whatever_fails("ending calls", part, None)

    def obey(self, orders: Orders) -> tuple[int, list[Waiting]]:
        """Put orders in force, and only then stop what they hit; first what is under way.

        Returns how many exchanges and streams were stopped, and the detached calls that their upstreams are still
        to be told of. Nothing is raised: what fails keeps nothing else from being stopped.
        """
        self.orders.current = orders
        stopped = 0
        for count in (self.flights.sweep, self.open_streams.sweep, self.rounds.stop):
            stopped += whatever_fails("obeying an order", partial(count, orders), 0)
        detached: list[Waiting] = []
        for stop in (self.detached.stop, self.tasks.stop):
            detached += whatever_fails("obeying an order", partial(stop, orders), [])
        return stopped + len(detached), detached
