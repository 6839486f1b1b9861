"""What central counts about itself, in Prometheus' text form. No label is chosen by whoever calls."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


class CentralMetrics:
    """The counters of one process, in a registry of their own."""

    def __init__(self, version: str) -> None:
        self._registry = CollectorRegistry()
        self._answers = Counter(
            "agentgate_central_answers", "Answers, by route and status.", ["route", "status"], registry=self._registry
        )
        self._bytes = Counter(
            "agentgate_central_batch_bytes", "Bytes of batches taken, packed.", registry=self._registry
        )
        self._size = Gauge("agentgate_central_log_size", "Leaves of the published log.", registry=self._registry)
        build = Gauge("agentgate_central_build_info", "The version that runs.", ["version"], registry=self._registry)
        build.labels(version).set(1)

    def answered(self, resource: object, status: int) -> None:
        """One more answer; `resource` is aiohttp's for the route, None for a path that has none."""
        route = getattr(resource, "canonical", "other")
        self._answers.labels(route, str(status)).inc()

    def received(self, size: int) -> None:
        """A batch of so many bytes was taken."""
        self._bytes.inc(size)

    def log_size(self, leaves: int) -> None:
        """The published log has so many leaves."""
        self._size.set(leaves)

    def exposed(self) -> bytes:
        """All of them."""
        return generate_latest(self._registry)
