"""A sidecar without sockets: real journal, real path, and at its ends scripted parts that write one common log."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from evidence.clock import Instant
from evidence.journal import Journal, Limits, SpoolFailed
from evidence.keys import load_or_make
from evidence.record import Entry, Kind, Record
from evidence.tailing import FolderTail
from policy.containment import Order, OrderKind, Orders, Scope
from policy.engine import Answer, CannotDecide, Engine, EngineUnavailable, EntryPoint, Policy
from policy.reads import Reads
from policy.vocabulary import Caller, SidecarView
from proxy.approvals import Approvals
from proxy.definitions import Definitions
from proxy.detached import Detached
from proxy.flights import Flights
from proxy.gate import Bounds, Gate, OrderBook, Upstream
from proxy.memory import Memory
from proxy.metrics import Metrics
from proxy.path.identify import Credentials, Holder, TokenHolders
from proxy.places import Places
from proxy.questions import OwnQuestions, Questions
from proxy.redacting import Redacting, RedactionConfig
from proxy.rounds import Rounds
from proxy.sessions import Sessions
from proxy.task_file import TaskFile
from proxy.tasks import Tasks
from proxy.vocabulary import Headers, UpstreamLeg

REVISION = "sha256:test"
TENANT, OTHER_TENANT = "acme", "beta"
ROOM = Limits(min_free_bytes=0, reserve_bytes=256 * 1024, head_seconds=30.0)


@dataclass(slots=True)
class HandClock:
    """A clock that stands until it is moved; `seconds` is what the detached calls wait by."""

    instant: Instant = field(default_factory=lambda: Instant(1_790_000_000_000_000_000, 5_000_000))

    def now(self) -> Instant:
        return self.instant

    def seconds(self) -> float:
        return self.instant.boot_us / 1e6

    def unix_seconds(self) -> float:
        return self.instant.unix_ns / 1e9

    def move(self, seconds: float) -> None:
        self.instant = Instant(self.instant.unix_ns + int(seconds * 1e9), self.instant.boot_us + int(seconds * 1e6))


def policy(*, hides_nothing: bool) -> Policy:
    """What stands for a loaded policy; the scripted engine does not read it."""
    return Policy("script", {}, {}, REVISION, REVISION, None, signed=False, hides_nothing=hides_nothing,
                  has_result=False)  # fmt: skip


Ask = Callable[[EntryPoint, Mapping[str, Any]], Any]


class ScriptedEngine:
    """An engine whose answers are given by a function; an exception that it returns is raised."""

    name = "scripted"

    def __init__(self, ask: Ask, *, hides_nothing: bool = True) -> None:
        self._ask = ask
        self.reads = Reads()
        self.hold: asyncio.Event | None = None
        self.active: Policy | None = policy(hides_nothing=hides_nothing)

    async def activate(self, policy: Policy) -> None:
        self.active = policy

    async def ask(self, entry: EntryPoint, document: bytes) -> Answer:
        await (self.hold.wait() if self.hold else asyncio.sleep(0))
        if (asked := self.active) is None:
            raise EngineUnavailable("no policy is active")
        value = self._ask(entry, json.loads(document))
        if isinstance(value, Exception):
            raise value
        return Answer(value, asked)

    def problem(self) -> str | None:
        return None

    async def close(self) -> None:
        return


@dataclass(slots=True)
class Rules:
    """Which tools and methods are allowed, refused, or break the engine; the rest is allowed."""

    denied: set[str] = field(default_factory=set)
    approval: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    failure: CannotDecide | None = None
    value: Any = None

    def ask(self, entry: EntryPoint, document: Mapping[str, Any]) -> Any:
        if self.failure is not None:
            return self.failure
        if self.value is not None:
            return self.value
        if entry is EntryPoint.LISTING:
            return {"hide": sorted(self.hidden & {item["name"] for item in document["items"]})}
        call = document["call"]
        return self._decision({call["name"], call["method"], f"{call['direction']}:{call['method']}"})

    def _decision(self, subjects: set[str | None]) -> Mapping[str, Any]:
        if subjects & self.denied:
            return {"effect": "deny", "reason": "not_granted", "message": "Nobody has granted this."}
        if subjects & self.approval:
            return {"effect": "require_approval", "reason": "approval_required"}
        return {"effect": "allow", "reason": "granted", "rules": ["grants"]}


class OrdersInHand(OrderBook):
    """An order book that a test turns; `when` is asked before each reading."""

    def __init__(self) -> None:
        self.when: Callable[[], None] = lambda: None
        self._orders = Orders()

    @property
    def current(self) -> Orders:
        self.when()
        return self._orders

    @current.setter
    def current(self, orders: Orders) -> None:
        self._orders = orders

    def give(self, kind: OrderKind, scope: Scope | None = None) -> Orders:
        """One more order, which alone stands from now on."""
        number = self._orders.number + 1
        order = Order(number, kind, scope or Scope(), "stop it", "ops", "2026-09-21T00:00:00.000000+00:00")
        self._orders = Orders(number, (order,))
        return self._orders


@dataclass(slots=True)
class ScriptedUpstream:
    """An upstream whose legs are made by a function."""

    name: str
    legs: Callable[[], UpstreamLeg]
    added_headers: Headers = (("X-Api-Key", "canary-secret"),)
    passthrough_auth: bool = False

    def leg(self) -> UpstreamLeg:
        return self.legs()


ALICE_TOKEN, BOB_TOKEN = "alice-token", "bob-token"


def identity() -> TokenHolders:
    """Two callers of one tenant, told apart by their tokens."""
    holders = {ALICE_TOKEN: Holder(TENANT, "alice", "alice@example.org"), BOB_TOKEN: Holder(TENANT, "bob")}
    return TokenHolders({hashlib.sha256(token.encode()).hexdigest(): who for token, who in holders.items()})


def callers() -> tuple[Caller, Caller]:
    """Alice and Bob, from the only maker of callers."""
    known = identity()
    alice, bob = (known.identify(Credentials(f"Bearer {token}")) for token in (ALICE_TOKEN, BOB_TOKEN))
    return alice, bob


def stranger() -> Caller:
    """A caller of another tenant, whose agent is called alice as well."""
    known = TokenHolders({hashlib.sha256(b"x").hexdigest(): Holder(OTHER_TENANT, "alice", "alice@example.org")})
    return known.identify(Credentials("Bearer x"))


def counted_ids(first: int = 1) -> Callable[[], str]:
    """Ids that are the same in each run: 32 hex digits, from `first` upwards."""
    numbers = count(first)
    return lambda: f"{next(numbers):032x}"


class WatchedJournal(Journal):
    """A journal that tells of each entry, and that can refuse to promise what `failing` names.

    As in the real one, an intent that failed is not in the chain and an outcome that failed is owed.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.watch: Callable[[Entry], None] = lambda _: None
        self.failing: set[Kind] = set()
        self._never: set[str | None] = set()

    def append(self, entry: Entry) -> asyncio.Future[int]:
        failing = entry.kind in self.failing
        if failing and entry.kind is Kind.INTENT:
            self._never.add(entry.call)
        if entry.call in self._never or (failing and entry.kind is not Kind.OUTCOME):
            return _failed()
        written = super().append(entry)
        self.watch(entry)
        return _failed() if failing else written


def _failed() -> asyncio.Future[int]:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    future.set_exception(SpoolFailed("the disk is gone"))
    future.exception()
    return future


@asynccontextmanager
async def open_journal(
    root: Path, clock: HandClock, limits: Limits = ROOM, tenant: str = TENANT
) -> AsyncIterator[WatchedJournal]:
    """A journal on `root`/evidence, closed in the end."""
    journal = await WatchedJournal.open(
        root / "evidence",
        sidecar="gate-1",
        tenant=tenant,
        keys=load_or_make(root / "state", [tenant]),
        isolation="none",
        clock=clock,
        limits=limits,
    )
    assert isinstance(journal, WatchedJournal)
    try:
        yield journal
    finally:
        journal.failing = set()
        await journal.close("test")


def make_gate(
    journal: Journal,
    *,
    engine: Engine,
    orders: OrdersInHand,
    upstreams: Mapping[str, Upstream],
    clock: HandClock,
    in_flight: int = 64,
    sole_caller: bool = False,
    first_id: int = 1,
    limits: Limits = ROOM,
) -> Gate:
    """The parts of one sidecar around a journal, which has these limits."""
    places = Places(limits.max_open_calls)
    return Gate(
        engine=engine,
        orders=orders,
        journals={TENANT: journal},
        upstreams=upstreams,
        sessions=Sessions(sole_caller=sole_caller),
        definitions=Definitions(clock.seconds),
        flights=Flights(in_flight),
        open_streams=Flights(in_flight),
        detached=Detached(clock.seconds, places),
        questions=Questions(),
        asking=OwnQuestions(),
        tasks=Tasks(
            TaskFile(journal.chain.parent.parent, 0), clock.unix_seconds, clock.seconds, places, sole_caller=sole_caller
        ),
        rounds=Rounds(clock.seconds, places),
        memory=Memory(journal.chain.parent.parent),
        approvals=Approvals(journal.chain.parent.parent, answerable=False),
        clock=clock,
        sidecar=SidecarView("gate-1", 0, "none"),
        redacting=Redacting(b"k" * 32, RedactionConfig()),
        metrics=Metrics(upstreams),
        bounds=Bounds(message_bytes=1 << 20, answer_bytes=1 << 20),
        new_id=counted_ids(first_id),
    )


class Chronicle:
    """The records that are on disk, read as they come, each as one line of a transcript."""

    def __init__(self, evidence: Path) -> None:
        self._tail = FolderTail(evidence)
        self._subjects: dict[str, str] = {}
        self.intents = 0

    def more(self) -> list[str]:
        """What came since the last time; the sidecar's own records (start, close) are left out."""
        return [line for found in self._tail.more() if (line := self._line(found.record))]

    def _line(self, record: Record) -> str | None:
        body, call = record.body, record.header.call or ""
        request = body.get("request", {})
        match record.header.kind:
            case Kind.INTENT:
                self.intents += 1
                self._subjects[call] = request["name"] or request["method"]
                asker = "" if request["direction"] == "client" else "server's "
                reason = body["decision"]["reason"] + (" continues" if "continues" in body else "")
                return f"record intent {asker}{request['method']} {self._subjects[call]} {reason}"
            case Kind.OUTCOME:
                ending = " ".join(body[member] for member in ("outcome", "delivery", "effect", "reason"))
                return f"record outcome {self._subjects.get(call, '?')} {ending}"
            case Kind.REFUSAL:
                return f"record refusal {request['name'] or request['method']} {body['refusal']['code']}"
            case Kind.NOTICE:
                return f"record notice {_notice(body)}"
            case Kind.LATE:
                return f"record late {self._subjects.get(call, '?')}"
        return None


def _notice(body: Mapping[str, Any]) -> str:
    methods = [brief["method"] or brief["kind"] for brief in body.get("messages", ())]
    methods += [f"{method}={count}" for method, count in body.get("counts", {}).items()]
    code = body["refusal"]["code"] if body.get("refusal") else body.get("reason")
    return " ".join(filter(None, [body["event"], *methods, code]))
