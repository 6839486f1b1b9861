"""Assembly: the parts of one data plane from its configuration, in the order in which a start can fail.

    keys -> orders -> policy (vetted, active) -> journals (recovered) -> gate

The caller adds its upstreams and its listening end; `tending` has the background work of both.
"""

import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from time import monotonic, time
from typing import TYPE_CHECKING, Final

from evidence.clock import Clock, SystemClock
from evidence.journal import Journal
from evidence.keys import Keys, load_or_make
from evidence.room import Limits
from policy.activation import PolicyEvent, PolicySource
from policy.engine import Engine, Policy
from policy.exception_file import ExceptionFile
from policy.following import Following
from policy.keeping import Keeping, given_at
from policy.orders import OrderFile
from policy.peer import trusted_users
from policy.pins import FILE as PINS_FILE
from policy.steady_clock import SteadyClock, read_mark
from policy.vocabulary import SidecarView
from proxy.approvals import Approvals
from proxy.config import Config
from proxy.definitions import Definitions
from proxy.detached import Detached
from proxy.excepting import ExceptionNotes, exception_notes, note_exceptions
from proxy.flights import Flights
from proxy.gate import Bounds, Gate, OrderBook, Upstream
from proxy.isolation import Measured, measure
from proxy.memory import Memory
from proxy.metrics import Level, Metrics
from proxy.noting import append_unwaited, named, note_policy
from proxy.path.identify import Identity, SoleAgent, TokenHolders
from proxy.places import Places
from proxy.questions import OwnQuestions, Questions
from proxy.redacting import Redacting
from proxy.rounds import Rounds
from proxy.sessions import Sessions
from proxy.task_file import TaskFile
from proxy.tasks import Tasks

if TYPE_CHECKING:
    from proxy.uplink import Uplink

GRANTS: Final = "grants.json"

STARTER: Final = "starter"
NOTHING_GRANTED: Final = "nothing is granted yet: agentgate policy allow UPSTREAM TOOL, or start with --policy observe"

LAST_SHIPMENT_SECONDS: Final = 5.0
"""How long a process that ends tries to ship what it wrote last; the rest stays for the next start."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """One data plane, ready to carry messages."""

    config: Config
    gate: Gate
    identity: Identity
    isolation: Measured
    orders: OrderFile
    source: PolicySource
    metrics: Metrics
    clock: SteadyClock
    upstreams: Mapping[str, Upstream] = field(default_factory=dict)
    exceptions: ExceptionNotes = field(default_factory=ExceptionNotes)
    uplink: "Uplink | None" = None

    def problems(self) -> list[str]:
        """What keeps this sidecar from being ready, for /readyz."""
        found = [self.gate.engine.problem(), self.orders.problem(), self.gate.tasks.problem()]
        found += [journal.problem() for journal in self.gate.journals.values()]
        if self.gate.flights.draining:
            found.append("shutting down")
        return [problem for problem in found if problem is not None]

    def notes(self) -> list[str]:
        """What is worth a look but keeps nothing from working, for /readyz."""
        warn = self.config.evidence.warn_bytes
        refused = [f"policy: {problem}; the last good one decides" for problem in self.source.problems]
        served = self.source.served
        if served is not None and served.problem is not None and not refused:
            refused.append(f"policy: {served.server.shown}: {served.problem}; what it gave last decides")
        refused += exception_notes(self.gate.engine.active, self.clock)
        if self.uplink is not None and (problem := self.uplink.problem()) is not None:
            refused.append(f"{problem}; {self.uplink.waiting()} records wait here")
        return refused + [
            f"{journal.chain} has {journal.size_bytes} bytes (evidence.warn_bytes is {warn})"
            for journal in self.gate.journals.values()
            if journal.size_bytes > warn
        ]

    def described(self) -> list[str]:
        """What a person is told at the start: what decides, where evidence goes, how well all of it is separated."""
        policy, evidence = self.gate.engine.active, self.config.evidence
        signed = "signed" if policy is not None and policy.signed else "unsigned"
        lines = [
            f"policy       {policy.name if policy else '-'} ({self.gate.engine.name}, {signed})",
            f"evidence     {evidence.folder} ({evidence.durability})",
            f"isolation    {self.isolation.isolation}: {self.isolation.reason}",
        ]
        lines += [f"note         {note}" for note in self.notes() if note.startswith("policy:")]
        if policy is not None and _opens_nothing(policy):
            lines.append(f"note         {NOTHING_GRANTED}")
        return lines


@asynccontextmanager
async def assembled(
    config: Config, upstreams: Mapping[str, Upstream], release: str, *, page: str | None = None
) -> AsyncIterator[Assembly]:
    """Build the parts, recover evidence, activate the policy; undo all of it at the end.

    `page` is where this process shows how an approval stands, with `{id}` in it, if it does.
    Raises KeyProblem, OrdersProblem, PolicyRefused, CannotDecide, NotRecorded: nothing listens yet then.
    """
    identity = _identity(config)
    keys = load_or_make(config.state, identity.tenants)
    orders = OrderFile.open(config.state)
    isolation = measure(config)
    metrics = Metrics(upstreams, release)
    async with AsyncExitStack() as stack:
        engine = await _engine(config, stack)
        source = _source(config)
        policy, problems = await source.begin(engine)
        clock = SystemClock()
        steady = SteadyClock(clock, read_mark(config.state))
        sidecar = SidecarView(sidecar_id(keys), 0, isolation.isolation)
        uplink = _uplink(config, keys, sidecar, stack)
        limits = Limits(min_free_bytes=config.evidence.min_free_bytes)
        journals = await _journals(config, identity, keys, sidecar, clock, policy, limits, stack)
        places = Places(limits.max_open_calls)
        gate = Gate(
            engine=engine,
            orders=OrderBook(orders.orders),
            journals=journals,
            upstreams=upstreams,
            sessions=Sessions(sole_caller=identity.sole),
            definitions=Definitions(monotonic),
            flights=Flights(config.limits.in_flight),
            open_streams=Flights(config.limits.open_streams),
            detached=Detached(monotonic, places),
            questions=Questions(),
            asking=OwnQuestions(),
            tasks=_tasks(config, places, stack, sole_caller=identity.sole),
            rounds=Rounds(monotonic, places),
            memory=_memory(config, stack),
            approvals=_approvals(config, isolation, page, stack),
            clock=steady,
            sidecar=sidecar,
            metrics=metrics,
            redacting=Redacting(keys.pseudonym, config.evidence.redaction),
            durability=config.evidence.durability,
            bounds=Bounds(config.limits.message_bytes, config.limits.answer_bytes, depth=config.limits.depth),
        )
        stack.callback(gate.end)
        _meter(metrics, gate, source.served)
        if uplink is not None:
            for journal in journals.values():
                uplink.carry(journal)
            metrics.reads(Level.UNSHIPPED, uplink.waiting)
        assembly = Assembly(
            config, gate, identity, isolation, orders, source, metrics, steady, upstreams, uplink=uplink
        )
        if problems:
            note_policy(assembly.metrics, assembly.exceptions, journals)(PolicyEvent(policy, problems))
        note_exceptions(assembly.exceptions, policy, journals, append_unwaited)
        yield assembly


def sidecar_id(keys: Keys) -> str:
    """The sidecar's name in evidence: 16 hex digits of the SHA-256 of its identity's public key."""
    return hashlib.sha256(keys.identity.public_key().public_bytes_raw()).hexdigest()[:16]


def _opens_nothing(policy: Policy) -> bool:
    given = policy.data.get("agentgate", {})
    return policy.name == STARTER and not given.get("grants") and not given.get("trusted_upstreams")


def _identity(config: Config) -> Identity:
    given = config.identity
    if given.tokens is not None:
        return TokenHolders(given.tokens)
    return SoleAgent(given.tenant, given.agent, given.agent_uid)


async def _engine(config: Config, stack: AsyncExitStack) -> Engine:
    """The configured engine; the other one's libraries are not even loaded."""
    given = config.policy
    engine: Engine
    if given.opa_address is not None:
        from policy import opa

        users = trusted_users(os.geteuid(), given.opa_uid)
        budget = given.budget_seconds or opa.BUDGET_SECONDS
        engine = opa.OpaEngine(given.opa_address, budget, users=users, bundle=given.opa_bundle)
    else:
        from policy import embedded

        engine = embedded.EmbeddedEngine(given.budget_seconds or embedded.BUDGET_SECONDS)
    stack.push_async_callback(engine.close)
    return engine


def _source(config: Config) -> PolicySource:
    given = config.policy
    return PolicySource(
        given.spec,
        config.state / GRANTS,
        given.trusted_upstreams,
        trust=given.trust,
        keeping=Keeping(config.state, given.spec),
        pins_path=config.state / PINS_FILE,
        served=None if given.server is None else Following(given.server, given_at(config.state, given.spec)),
        exceptions=ExceptionFile(config.state, given.exceptions),
    )


def _uplink(config: Config, keys: Keys, sidecar: SidecarView, stack: AsyncExitStack) -> "Uplink | None":
    """The way to central, where there is one; what the journals write last, it ships last."""
    if config.central is None:
        return None
    from proxy.uplink import Uplink  # only where it is configured

    uplink = Uplink(config.central, keys, sidecar.id, config.evidence.folder)
    stack.push_async_callback(uplink.finish, LAST_SHIPMENT_SECONDS)
    return uplink


async def _journals(
    config: Config,
    identity: Identity,
    keys: Keys,
    sidecar: SidecarView,
    clock: Clock,
    policy: Policy,
    limits: Limits,
    stack: AsyncExitStack,
) -> dict[str, Journal]:
    journals: dict[str, Journal] = {}
    for tenant in sorted(identity.tenants):
        journals[tenant] = journal = await Journal.open(
            config.evidence.folder,
            sidecar=sidecar.id,
            tenant=tenant,
            keys=keys,
            isolation=sidecar.isolation,
            clock=clock,
            limits=limits,
            start={"policy": named(policy)},
        )
        stack.push_async_callback(journal.close, "stopped")
    return journals


def _tasks(config: Config, places: Places, stack: AsyncExitStack, *, sole_caller: bool) -> Tasks:
    tasks = Tasks(TaskFile(config.state, int(time())), time, monotonic, places, sole_caller=sole_caller)
    stack.callback(tasks.close)
    return tasks


def _memory(config: Config, stack: AsyncExitStack) -> Memory:
    memory = Memory(config.state)
    stack.callback(memory.close)
    return memory


def _approvals(config: Config, isolation: Measured, page: str | None, stack: AsyncExitStack) -> Approvals:
    answerable = isolation.isolation != "none" or config.approvals.same_user
    approvals = Approvals(config.state, answerable=answerable, settings=config.approvals, page=page)
    stack.callback(approvals.close)
    return approvals


def _meter(metrics: Metrics, gate: Gate, served: Following | None) -> None:
    journals = gate.journals.values()
    if served is not None:
        metrics.reads(Level.POLICY_AGE, partial(getattr, served, "age_seconds"))
    metrics.reads(Level.IN_FLIGHT, lambda: len(gate.flights))
    metrics.reads(Level.OPEN_STREAMS, lambda: len(gate.open_streams))
    metrics.reads(Level.OPEN_CALLS, lambda: sum(journal.open_calls for journal in journals))
    metrics.reads(Level.EVIDENCE_BYTES, lambda: sum(journal.size_bytes for journal in journals))
    metrics.reads(Level.FREE_BYTES, lambda: min(journal.free_bytes for journal in journals))
