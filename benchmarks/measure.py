"""One row: a subject under a closed loop and under an open loop, and what it used meanwhile."""

from dataclasses import dataclass

from benchmarks.load import Caller, Load
from benchmarks.process import core_busy_microseconds, cpu_microseconds, memory_mb
from benchmarks.subjects import Stage, Subject, Variant


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard (seconds, connections, calls a second, calls); not `thorough` is to show that it runs."""

    warm_seconds: float
    closed_seconds: float
    open_seconds: float
    starts: int
    growth_calls: int
    thorough: bool = True
    connections: int = 16
    open_rate: float = 200.0


FULL = Plan(warm_seconds=1.5, closed_seconds=5, open_seconds=10, starts=5, growth_calls=100_000)
QUICK = Plan(
    warm_seconds=0.2, closed_seconds=1, open_seconds=1, starts=1, growth_calls=400, thorough=False, connections=4
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one subject did. Times in milliseconds, CPU in microseconds, memory in MB (PSS) of all its processes.

    `open_*` counts from the scheduled moment. `others` is the share of the closed loop's time in which the core
    under test worked for anybody else: other programs, and interrupts that belong to nobody.
    """

    name: str
    durability: str | None
    calls_per_second: float
    p50: float
    p99: float
    open_p50: float
    open_p99: float
    cpu_per_call: float | None
    memory: float | None
    others: float | None
    calls: int
    errors: int
    sample: str


def row(variant: Variant, subject: Subject, stage: Stage, plan: Plan) -> Row:
    """Runs one subject that is ready."""
    caller = Caller(subject.target)
    warm = caller.closed_loop(plan.connections, seconds=plan.warm_seconds)
    used, busy = cpu_microseconds(subject.process_ids), core_busy_microseconds(stage.core)
    closed = caller.closed_loop(plan.connections, seconds=plan.closed_seconds)
    used = cpu_microseconds(subject.process_ids) - used
    busy = core_busy_microseconds(stage.core) - busy
    opened = caller.open_loop(plan.connections, rate=plan.open_rate, seconds=plan.open_seconds)
    measured = bool(subject.process_ids)
    return Row(
        name=variant.name,
        durability=variant.durability,
        calls_per_second=closed.rate(),
        p50=closed.milliseconds(0.5),
        p99=closed.milliseconds(0.99),
        open_p50=opened.milliseconds(0.5),
        open_p99=opened.milliseconds(0.99),
        cpu_per_call=used / closed.calls if measured else None,
        memory=memory_mb(subject.process_ids) if measured else None,
        others=max(0.0, busy - used) / (closed.seconds * 1e6) if measured else None,
        calls=sum(load.calls for load in (warm, closed, opened)),
        errors=sum(load.errors for load in (warm, closed, opened)),
        sample=_sample(warm, closed, opened),
    )


def _sample(*loads: Load) -> str:
    return next((load.sample.decode("utf-8", "replace") for load in loads if load.sample), "")


@dataclass(frozen=True, slots=True)
class Growth:
    """Memory (MB, PSS) after a tenth of the calls, and at ten points of the calls that followed."""

    name: str
    calls: int
    samples: tuple[float, ...]
    errors: int
    sample: str

    @property
    def megabytes(self) -> float:
        """The last sample less the first."""
        return self.samples[-1] - self.samples[0]


def growth(variant: Variant, subject: Subject, plan: Plan) -> Growth:
    """Memory over many calls; the first tenth is not counted, in which pools and caches fill."""
    caller, part = Caller(subject.target), plan.growth_calls // 10
    loads, samples = list[Load](), list[float]()
    for _ in range(11):
        loads.append(caller.closed_loop(plan.connections, calls=part))
        samples.append(memory_mb(subject.own))
    errors = sum(load.errors for load in loads)
    return Growth(variant.key, plan.growth_calls, tuple(samples), errors, _sample(*loads))
