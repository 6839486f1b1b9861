"""What the sidecar counts about itself, in Prometheus' text form.

Every label is bounded: an upstream or a method that configuration and the protocol do not know is `other`, and so is
the hundred-and-first code of a refusal. Nothing that an agent or a tool chooses becomes a label.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from policy.methods import CLIENT_METHODS, SERVER_METHODS

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

_OTHER: Final = "other"
_MAX_CODES: Final = 100
_METHODS: Final = frozenset(CLIENT_METHODS) | frozenset(SERVER_METHODS)
_DECISION_SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_APPEND_SECONDS: Final = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0)


class Level(StrEnum):
    """What rises and falls; read when somebody asks for the metrics, so that the path pays nothing for it."""

    IN_FLIGHT = "in_flight"
    OPEN_STREAMS = "open_streams"
    OPEN_CALLS = "open_calls"
    EVIDENCE_BYTES = "evidence_bytes"
    FREE_BYTES = "evidence_free_bytes"
    POLICY_AGE = "policy_age_seconds"
    UNSHIPPED = "unshipped_records"


_LEVELS: Final = {
    Level.IN_FLIGHT: "Exchanges on their way now.",
    Level.OPEN_STREAMS: "Streams held open for clients now.",
    Level.OPEN_CALLS: "Calls with an intent and no outcome yet.",
    Level.EVIDENCE_BYTES: "Bytes of evidence on disk, over all chains in use.",
    Level.FREE_BYTES: "Bytes free where evidence is written.",
    Level.UNSHIPPED: "Records that central has given no receipt for yet.",
    Level.POLICY_AGE: "Seconds since the policy's server last said what it has.",
}


class _Times(Collector):
    """A histogram that costs the path half a microsecond: only the event loop observes, so nothing is locked."""

    def __init__(self, name: str, meaning: str, bounds: tuple[float, ...]) -> None:
        self._name, self._meaning, self._bounds = name, meaning, bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """One more."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What a scrape sees: for each bound, how many were at most that long."""
        bounds = (*map(str, self._bounds), "+Inf")
        buckets = list(zip(bounds, accumulate(self._counts), strict=True))
        yield HistogramMetricFamily(self._name, self._meaning, buckets=buckets, sum_value=self._sum)


class Metrics:
    """The counters of one process, in a registry of their own."""

    def __init__(self, upstreams: Iterable[str], version: str = "") -> None:
        self._registry = CollectorRegistry()
        self._upstreams = frozenset(upstreams)
        self._codes: set[str] = set()
        self._children: dict[tuple[str, ...], Counter] = {}
        self._ended = self._counter("calls", "Calls by how they ended.", "upstream", "method", "outcome")
        self._refused = self._counter("refusals", "Messages refused, by code.", "upstream", "code")
        self._activations = self._counter("policy_activations", "Policies that were to become active.", "result")
        self._asked = self._counter("policy_questions", "Questions to the policy's server, by what came.", "result")
        self._parser = self._counter("parser_refusals", "Requests that the HTTP parser refused, with no record.")
        self._lost = self._counter("lost_outcomes", "Outcomes that evidence could not take.")
        self._decision = self._times("decision_seconds", "Time from question to decision.", _DECISION_SECONDS)
        self._append = self._times("append_seconds", "Time until evidence is durable.", _APPEND_SECONDS)
        build = Gauge("agentgate_build_info", "The version that runs.", ["version"], registry=self._registry)
        build.labels(version).set(1)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"agentgate_{name}", meaning, labels, registry=self._registry)

    def _times(self, name: str, meaning: str, bounds: tuple[float, ...]) -> "_Times":
        times = _Times(f"agentgate_{name}", meaning, bounds)
        self._registry.register(times)
        return times

    def ended(self, upstream: str, method: str, outcome: str) -> None:
        """One call has its outcome (one of the six of `proxy.vocabulary.Outcome`)."""
        self._child(self._ended, "calls", self._upstream(upstream), method if method in _METHODS else _OTHER, outcome)

    def refused(self, upstream: str, code: str) -> None:
        """One message was refused; `upstream` is empty where no route was found."""
        self._child(self._refused, "refusals", self._upstream(upstream), self._code(code))

    def parser_refused(self) -> None:
        """The HTTP parser answered 400 before anything of ours saw the request."""
        self._parser.inc()

    def lost_outcome(self) -> None:
        """Evidence could not take the outcome of a call that had been forwarded."""
        self._lost.inc()

    def decided(self, seconds: float) -> None:
        """Policy answered, or failed to, in this time."""
        self._decision.observe(seconds)

    def appended(self, seconds: float) -> None:
        """A record became durable in this time."""
        self._append.observe(seconds)

    def policy_activated(self) -> None:
        """A new policy became active."""
        self._child(self._activations, "activations", "activated")

    def policy_refused(self) -> None:
        """A new policy did not become active; the old one stays."""
        self._child(self._activations, "activations", "refused")

    def policy_asked(self, result: str) -> None:
        """The server of the policy was asked: `changed`, `unchanged` or `failed`."""
        self._child(self._asked, "asked", result)

    def reads(self, level: Level, read: Callable[[], float]) -> None:
        """Have `read` asked for `level` at each scrape; at most once for each level."""
        Gauge(f"agentgate_{level}", _LEVELS[level], registry=self._registry).set_function(read)

    def text(self) -> bytes:
        """Everything, in the text form whose media type is CONTENT_TYPE."""
        return generate_latest(self._registry)

    def _upstream(self, name: str) -> str:
        if not name:
            return "none"
        return name if name in self._upstreams else _OTHER

    def _code(self, code: str) -> str:
        if code not in self._codes:
            if len(self._codes) >= _MAX_CODES:
                return _OTHER
            self._codes.add(code)
        return code

    def _child(self, counter: Counter, *labels: str) -> None:
        """Count one; looking a child up in the library costs more than counting does. `labels` begin with a family."""
        child = self._children.get(labels)
        if child is None:
            child = self._children[labels] = counter.labels(*labels[1:])
        child.inc()
