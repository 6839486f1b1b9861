"""Transcripts: what goes in and what must happen, in one order, as lines of text.

    allow / deny NAME / approval NAME / hide NAME / engine KIND / orders KIND / definitions unknown    (set-up)
    >> MESSAGE [by=bob|stranger] [era=] [session=]  the client sends; `two tenants` has set up the stranger's
    << 200 json MESSAGE | stream | event MESSAGE [id=] | comment | end | down | broken | hang     the upstream does
    !! kill | quarantine | gone | client breaks | later SECONDS | taken TASK        something happens just then
    !!! …                                           the same, once the exchange is over
    upstream MESSAGE, cancel ID                     what the upstream was given
    client STATUS MESSAGE, begin, send, end         what the client was given
    record ...                                      what is on disk by then

MESSAGE is a name of `tests.path.messages`: the bytes must be the very same; what the sidecar made itself is
shown by its meaning. A transcript is compared as a whole, so each row also fixes the order of things.
"""

import asyncio
import json
import shlex
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evidence.journal import Limits
from evidence.record import Entry, Kind
from evidence.verify import verify_paths
from policy.containment import Scope
from policy.decision import BadDecision
from policy.engine import UNDEFINED, CannotDecide, EngineFailed, EngineTimeout, EngineUnavailable, EntryPoint
from proxy.detached import Waiting
from proxy.gate import Gate
from proxy.pipeline import carry
from proxy.reading import read_answer
from proxy.refusals import DATA_KEY, BadAnswer
from proxy.task_file import Begun
from proxy.vocabulary import Arrival, ClientGone, Exchange, Frame, Headers, Lease, Reply, UpstreamDown
from proxy.wire.message import Message, read_client
from tests.path.messages import MESSAGES, SCHEMAS
from tests.path.stage import (
    OTHER_TENANT,
    ROOM,
    Ask,
    Chronicle,
    HandClock,
    OrdersInHand,
    Rules,
    ScriptedEngine,
    ScriptedUpstream,
    callers,
    make_gate,
    open_journal,
    stranger,
)

LIMIT = 1 << 20
ERA = "2026-07-28"
JSON: Headers = (("Content-Type", "application/json"),)
SSE: Headers = (("Content-Type", "text/event-stream"),)
_NAMES = {raw: name for name, raw in MESSAGES.items()}
_ENGINE_FAILURES: Mapping[str, CannotDecide] = {
    "timeout": EngineTimeout("50 ms"),
    "unavailable": EngineUnavailable("nobody there"),
    "failed": EngineFailed("revision"),
    "malformed": BadDecision("effect"),
}
_ENGINE_VALUES: Mapping[str, Any] = {
    "undefined": UNDEFINED,
    "unkept": {"effect": "allow", "reason": "granted", "obligations": {"redact": []}},
}


def told(raw: bytes) -> str:
    """Bytes by their name if they are the very ones, else by what they say."""
    if raw in _NAMES:
        return _NAMES[raw]
    if raw.startswith((b"event:", b"id:", b"data:", b":")):
        return _told_event(raw)
    return _told_document(raw)


def _told_event(raw: bytes) -> str:
    data = b"\n".join(line[6:] for line in raw.splitlines() if line.startswith(b"data: "))
    return told(data) if data else raw.decode().strip()


def _told_document(raw: bytes) -> str:
    try:
        value = json.loads(raw)
    except ValueError:
        return raw.decode()
    values = value if isinstance(value, list) else [value]
    text = ", ".join(_told_value(each, raw) for each in values)
    return f"[{text}]" if isinstance(value, list) else text


def _told_value(value: Any, raw: bytes) -> str:
    if not isinstance(value, dict):
        return raw.decode()
    named = _NAMES.get(json.dumps(value, separators=(",", ":")).encode())
    if named:
        return named
    if "error" in value:
        return f"{value['id']} error {value['error']['code']} {value['error'].get('data', {}).get('code', '')}".rstrip()
    meta = value.get("result", {}).get("_meta", {})
    if DATA_KEY in meta and "code" in meta[DATA_KEY]:
        assert value["result"]["isError"] is True
        assert value["result"]["resultType"] == "complete"
        return f"{value['id']} isError {meta[DATA_KEY]['code']}"
    return raw.decode()


class _Dead(Exception):
    """The transcript asked for something that its runner does not know."""


@dataclass(slots=True)
class Play:
    """One transcript while it is played: the lines that must come, and those that came."""

    expected: Sequence[str]
    chronicle: Chronicle
    orders: OrdersInHand
    clock: HandClock
    moments: dict[str, str]
    log: list[str] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    gate: Gate | None = None
    broken: bool = False
    legs: int = 0

    def note(self, line: str) -> None:
        """Something happened; what is on disk by now comes before it."""
        self.log += self.chronicle.more()
        self.log.append(line)
        self.happen()

    def next(self, mark: str) -> str | None:
        """Take the next line of the script if it begins with `mark`."""
        self.log += self.chronicle.more()
        at = len(self.log)
        if at < len(self.expected) and self.expected[at].startswith(mark):
            self.log.append(self.expected[at])
            return self.expected[at].removeprefix(mark).strip()
        return None

    def happen(self, mark: str = "!! ") -> bool:
        """Do what the script wants to happen just now; whether there was anything."""
        happened = False
        while (what := self.next(mark)) is not None:
            self._do(*shlex.split(what))
            happened = True
        return happened

    def _do(self, what: str, *rest: str) -> None:
        assert self.gate is not None
        match what:
            case "kill" | "quarantine":
                orders = self.orders.give("kill" if what == "kill" else "quarantine", _scope(rest))
                _, stopped = self.gate.obey(orders)
                self.log += [f"tell {waiting.request.method}" for waiting in stopped if waiting.own]
            case "gone":
                assert self.task is not None
                self.task.cancel()
            case "breaks":
                self.broken = True
            case "taken":
                self._take(rest[0])
            case "later":
                self.clock.move(float(rest[0]))
                self.gate.expire()
            case _:
                raise _Dead(what)

    def _take(self, task: str) -> None:
        """Another call, of bob's, is answered with this task."""
        assert self.gate is not None
        _, bob = callers()
        name = self.gate.journals[bob.tenant].pseudonym("task", f"files\n{task}")
        exchange = Exchange(bob, "files", "http", ERA, None, read_client(MESSAGES["CALL"], limit=LIMIT))
        begun = Begun(name, "bob", "c", "chain", int(self.clock.unix_seconds()) + 60)
        self.gate.tasks.begin(begun, bob, "files", Waiting(exchange, exchange.envelope.messages[0], None))

    def at(self, moment: str) -> None:
        """A moment inside of the path: do what the set-up wants there, once."""
        if (what := self.moments.pop(moment, None)) is not None:
            self._do(*shlex.split(what))

    def asked(self, ask: Ask) -> Ask:
        """The same answers, and a moment before each."""

        def answer(entry: EntryPoint, document: Mapping[str, Any]) -> Any:
            self.at("asking")
            return ask(entry, document)

        return answer

    def looked(self) -> None:
        """Somebody looks at the orders; after an intent, that is the last look before sending."""
        self.log += self.chronicle.more()
        if self.chronicle.intents:
            self.at("sending")

    def written(self, entry: Entry) -> None:
        """An entry is on its way to the disk."""
        match entry.kind:
            case Kind.INTENT:
                self.at("intending")
            case Kind.REFUSAL:
                self.at("refusing")
            case Kind.OUTCOME:
                self.at("ending")
            case Kind.NOTICE:
                self.at("noting")
                self.at(f"noting:{entry.body.get('event')}")


def _scope(words: Sequence[str]) -> Scope:
    return Scope(**dict(word.split("=", 1) for word in words))


class Ear:
    """A client leg that hears everything, in order."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._begun = False

    @property
    def begun(self) -> bool:
        return self._begun

    async def answer(self, reply: Reply) -> None:
        self._begun = True
        await self._hear(f"client {reply.status} {told(reply.body)}".rstrip())

    async def ask(self, raw: bytes) -> None:
        self._begun = True
        await self._hear(f"client is asked {raw.decode()}")

    async def keep_alive(self) -> None:
        """Nothing is held so long."""

    def hold(self) -> None:
        return

    async def begin(self, status: int, headers: Headers) -> None:
        self._begun = True
        await self._hear(f"client begins {status}")

    async def send(self, raw: bytes) -> None:
        await self._hear(f"client hears {told(raw)}")

    async def end(self) -> None:
        await self._hear("client ends")

    async def _hear(self, line: str) -> None:
        if self._play.broken:
            raise ClientGone
        self._play.note(line)
        await asyncio.sleep(0)


class Voice:
    """An upstream leg that says what the script says next."""

    def __init__(self, play: Play) -> None:
        self._play = play
        play.legs += 1
        self._closed = False

    async def send(self, exchange: Exchange, lease: Lease) -> Arrival:
        assert len(lease.tickets) == len(exchange.envelope.messages)
        self._play.at("connecting")
        lease.still()
        self._play.note(f"upstream {told(exchange.envelope.raw)}")
        await asyncio.sleep(0)
        return await self._arrival(exchange)

    async def _arrival(self, exchange: Exchange) -> Arrival:
        said = self._play.next("<< ") or "nothing"
        self._play.happen()
        match shlex.split(said):
            case ["down"]:
                raise UpstreamDown("files", "refused", written=False)
            case ["broken"]:
                raise UpstreamDown("files", "reset", written=True)
            case ["too_large"]:
                raise BadAnswer("too_large", "more than the limit")
            case ["hang"]:
                await asyncio.Event().wait()
            case ["stream", *words]:
                return Arrival(200, (*SSE, *_session(words)), "text/event-stream", None, self._frames())
            case [status, kind, name, *words]:
                body = MESSAGES.get(name, name.encode())
                content = {"json": "application/json", "html": "text/html", "sse": "text/event-stream"}[kind]
                return Arrival(int(status), (("Content-Type", content), *_session(words)), content, body)
            case [status]:
                return Arrival(int(status), (), "", b"")
        raise UpstreamDown("files", said, written=True)

    async def _frames(self) -> AsyncIterator[Frame]:
        while (said := self._play.next("<< ")) is not None:
            self._play.happen()
            await asyncio.sleep(0)
            match shlex.split(said):
                case ["event", name, *words]:
                    yield await _frame(name, dict(word.split("=") for word in words).get("id"))
                case ["comment"]:
                    yield Frame(b": ping\n\n", None)
                case ["hang"]:
                    await asyncio.Event().wait()
                case ["malformed"]:
                    raise BadAnswer("malformed_answer", "not_json")
                case _:
                    return

    async def cancel(self, exchange: Exchange, messages: Sequence[Message], reason: str) -> None:
        ids = " ".join(message.id.text for message in messages if message.id)
        self._play.note(f"cancel {ids}".rstrip())

    async def tell(self, exchange: Exchange) -> None:
        await asyncio.sleep(0.001)
        self._play.note(f"tell {exchange.envelope.messages[0].method}")

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._play.legs -= 1


def _session(words: Sequence[str]) -> Headers:
    return tuple(("Mcp-Session-Id", word.removeprefix("session=")) for word in words if word.startswith("session="))


async def _frame(name: str, id: str | None) -> Frame:
    data = MESSAGES[name]
    head = b"" if id is None else b"id: %b\n" % id.encode()
    return Frame(head + b"data: " + data + b"\n\n", await read_answer(data, limit=LIMIT), event_id=id)


@dataclass(slots=True)
class _SetUp:
    rules: Rules = field(default_factory=Rules)
    hides_nothing: bool = True
    known: bool = True
    sole_caller: bool = False
    two_tenants: bool = False
    in_flight: int = 64
    moments: dict[str, str] = field(default_factory=dict)
    limits: Limits = ROOM
    failing: set[Kind] = field(default_factory=set)

    def read(self, line: str) -> bool:
        """Take one line of set-up; False if the play begins."""
        match line.split():
            case ["deny", *names]:
                self.rules.denied |= set(names)
            case ["approval", *names]:
                self.rules.approval |= set(names)
            case ["hide", *names]:
                self.rules.hidden |= set(names)
                self.hides_nothing = False
            case ["engine", kind]:
                self._break(kind)
            case ["sole" | "definitions" | "two" as what, _]:
                self.sole_caller, self.two_tenants = self.sole_caller or what == "sole", what == "two"
                self.known = self.known and what != "definitions"
            case ["in_flight", number]:
                self.in_flight = int(number)
            case ["before" | "while", moment, *what]:
                self.moments[moment] = " ".join(what)
            case ["spool", "full"]:
                self.limits = replace(ROOM, min_free_bytes=1 << 60)
            case ["spool", "fails", *kinds]:
                self.failing = {Kind(kind) for kind in kinds}
            case _:
                return False
        return True

    def _break(self, kind: str) -> None:
        self.rules.failure = _ENGINE_FAILURES.get(kind)
        self.rules.value = _ENGINE_VALUES.get(kind)
        self.hides_nothing = False


async def perform(text: str, root: Path, *, first_id: int = 1) -> tuple[list[str], list[str]]:
    """Play a transcript on a new sidecar under `root`; returns the lines that came and those that had to."""
    lines = [" ".join(line.split()) for line in text.strip().splitlines() if line.strip()]
    set_up = _SetUp()
    while lines and set_up.read(lines[0]):
        lines.pop(0)
    clock, orders = HandClock(), OrdersInHand()
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(open_journal(root, clock, set_up.limits))
        play = Play(lines, Chronicle(root / "evidence"), orders, clock, set_up.moments)
        engine = ScriptedEngine(play.asked(set_up.rules.ask), hides_nothing=set_up.hides_nothing)
        upstreams = {"files": ScriptedUpstream("files", lambda: Voice(play))}
        play.gate = gate = make_gate(
            journal,
            engine=engine,
            orders=orders,
            upstreams=upstreams,
            clock=clock,
            in_flight=set_up.in_flight,
            sole_caller=set_up.sole_caller,
            first_id=first_id,
        )
        if set_up.two_tenants:
            other = await stack.enter_async_context(open_journal(root, clock, tenant=OTHER_TENANT))
            play.gate = gate = replace(gate, journals={**gate.journals, OTHER_TENANT: other})
        orders.when, journal.watch, journal.failing = play.looked, play.written, set_up.failing
        for caller in (*callers(), stranger()) if set_up.known else ():
            gate.definitions.learn(caller, "files", SCHEMAS)
        assert all("intent" not in line for line in play.chronicle.more()[-1:]), "recovery left a call open"
        await _play(play, gate)
        gate.tasks.close()
        open_calls = sum(each.open_calls for each in gate.journals.values())
    _verify(root, open_calls)
    assert play.legs == 0, "a leg was not closed"
    assert len(gate.flights) == 0, "a flight never landed"
    return play.log, lines


async def _play(play: Play, gate: Gate) -> None:
    play.happen()
    while (sent := play.next(">> ")) is not None:
        name, *words = shlex.split(sent)
        options = dict(word.split("=") for word in words)
        alice, bob = callers()
        exchange = Exchange(
            caller={"alice": alice, "bob": bob, "stranger": stranger()}[options.get("by", "alice")],
            upstream="files",
            transport="http",
            era=options.get("era", ERA),
            session=options.get("session"),
            envelope=read_client(MESSAGES[name], limit=LIMIT),
        )
        play.task = asyncio.get_running_loop().create_task(carry(exchange, Ear(play), gate))
        await asyncio.wait([play.task])
        if not play.task.cancelled():
            play.task.result()
        play.task = None
        await asyncio.sleep(0.001)
        play.happen()
        if play.happen("!!! "):
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.001)
    play.log += play.chronicle.more()


def _verify(root: Path, open_calls: int) -> None:
    """Every call has an intent and an outcome, or a refusal; what is still open is known to be."""
    report = verify_paths([root / "evidence"])
    assert report.ok, report.error
    assert report.total("intents") == report.total("outcomes") + open_calls
