"""The path of one envelope. The order of these lines is the security model (design, section 4).

    resume -> parse -> enter (in flight) -> contain -> decide -> [elicit -> contain and decide again]
    -> commit intent -> lease -> redact
    -> check orders once more -> forward -> judge what comes back -> record the outcome -> release the last byte

Recording is outermost: a refusal, a crash, a kill or a client that goes away leaves a record too.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from msgspec import structs

from evidence.journal import NotRecorded
from policy.containment import Contained
from policy.decision import ApprovalNeeded
from policy.vocabulary import Call, Clearance, Permit
from proxy.demux import STOPPED, cancelled_key
from proxy.detached import DRAINED, Waiting
from proxy.elicitation import declared
from proxy.flights import Flight
from proxy.flights import resume as go_on
from proxy.gate import Gate
from proxy.path.contain import contain, passages
from proxy.path.decide import decide
from proxy.path.elicit import agree
from proxy.path.judge import Judge, Verdict
from proxy.path.lease import lend
from proxy.path.parse import Parsed, parse
from proxy.path.question import decline
from proxy.path.record import CUT_OFF, Recording
from proxy.path.redact import redact_params
from proxy.path.resume import Returned, resume
from proxy.refusals import BadAnswer, Busy, NoSuchSession, Refusal, envelope_reply, explain, message_answer
from proxy.vocabulary import (
    Arrival,
    ClientGone,
    ClientLeg,
    Delivery,
    EffectAt,
    Ending,
    Exchange,
    Outcome,
    Reply,
    Ticket,
    UpstreamDown,
    UpstreamLeg,
)
from proxy.wire.message import Envelope, Message, MessageKind
from proxy.wire.sse import event_bytes

SESSION_HEADER: Final = "mcp-session-id"

TOLD_SECONDS: Final = 0.05
"""How long a killed call's client waits until its upstream has been told: a client that then leaves cuts that off."""


async def carry(exchange: Exchange, client: ClientLeg, gate: Gate) -> None:
    """Take one envelope from the client to its upstream, and what comes back to the client.

    Raises nothing but CancelledError.
    """
    record = Recording(gate, exchange)
    passage = _Passing(exchange, client, gate, record, gate.upstreams[exchange.upstream].leg())
    try:
        await passage.along()
    except asyncio.CancelledError:
        if not passage.killed:
            passage.left()
            raise
        go_on()
        await _still(passage, passage.stopped())
    except ClientGone:
        passage.left()
    except Exception as error:  # noqa: BLE001  (every reason is mapped by `explain`: fail closed)
        await _still(passage, passage.failed(error))
    finally:
        record.note_heard()
        await passage.upstream.close()


async def _still(passage: "_Passing", telling: Coroutine[Any, Any, None]) -> None:
    """What is left to tell a client that may have gone meanwhile; the records are written first."""
    try:
        with suppress(ClientGone):
            await telling
    except asyncio.CancelledError:
        passage.left()
        raise


class _Passing:
    """One envelope on its way; `along` is the path, the other methods are the ways in which it can end early."""

    def __init__(
        self, exchange: Exchange, client: ClientLeg, gate: Gate, record: Recording, upstream: UpstreamLeg
    ) -> None:
        self.exchange = exchange
        self.client = client
        self.gate = gate
        self.record = record
        self.upstream = upstream
        self.parsed: tuple[Parsed, ...] = ()
        self.judge: Judge | None = None
        self.flight: Flight | None = None
        self.sent = False
        self.arrived = False

    @property
    def killed(self) -> bool:
        """True if an order stopped this exchange, and not its client."""
        return self.flight is not None and self.flight.order is not None

    async def along(self) -> None:
        """The path itself."""
        gate, record = self.gate, self.record
        self.exchange, returned = await resume(gate, self.exchange)
        exchange = record.exchange = self.exchange
        if self._answers_us():
            await record.notice("approval_answer")
            await self.client.answer(Reply(202, (), b""))
            return
        self.parsed = parse(exchange, gate)
        record.calls = tuple(item.call for item in self.parsed if item.call is not None)
        whose = (exchange.caller, exchange.upstream, exchange.session)
        with gate.flights.enter(*whose, record.calls, _asked(self.parsed)) as self.flight:
            gate.sessions.check(exchange.upstream, exchange.session, exchange.caller)
            clearances = self._contain()
            permits = await self._permits(clearances, returned)
            await record.intend(permits)
            if len(permits) < len(self.parsed):
                await record.notice("message")
                self._note_cancels()
            lease = lend(gate, exchange, self._tickets(permits), self._contain)
            going = await redact_params(exchange, self.parsed, permits)
            self._contain()
            self.sent = True
            arrival = await self.upstream.send(going, lease)
            self.arrived = True
            await self.deliver(arrival)

    def _answers_us(self) -> bool:
        """Hand the client's answer to a question of ours to whoever waits for it; it goes no further."""
        exchange, message = self.exchange, self.exchange.envelope.messages[0]
        if message.method is not None or message.id is None or exchange.envelope.batch:
            return False
        return self.gate.asking.answered(exchange.key(message.id), message)

    async def _permits(self, clearances: Sequence[Clearance], returned: Returned | None) -> tuple[Permit, ...]:
        """A permit for each call; where a human must agree and the client can help with it, that comes first."""
        gate, exchange, record = self.gate, self.exchange, self.record
        try:
            return await decide(gate, exchange, record, self.parsed, clearances)
        except ApprovalNeeded as needed:
            await agree(gate, exchange, self.client, needed, returned, self._given_up)
        return await decide(gate, exchange, record, self.parsed, self._contain())

    def _contain(self) -> tuple[Clearance, ...]:
        return contain(self.gate.orders.current, self.exchange, self.record.calls)

    def _given_up(self) -> bool:
        """True once the client has cancelled by notification what it asked for."""
        return self.flight is not None and bool(self.flight.cancelled)

    def _tickets(self, permits: Sequence[Ticket]) -> tuple[Ticket, ...]:
        return (*permits, *passages(self.gate.orders.current, self.exchange, self.parsed))

    def _note_cancels(self) -> None:
        exchange = self.exchange
        for message in exchange.envelope.messages:
            if (key := cancelled_key(message)) is not None:
                self.gate.flights.cancelled(exchange.caller, exchange.upstream, exchange.session, key)

    async def deliver(self, arrival: Arrival) -> None:
        """Judge what comes back; each outcome is recorded before the bytes that bring it are released."""
        self.judge = judge = Judge(self.gate, self.exchange, self.record, self.parsed)
        self._follow_session(arrival)
        if arrival.frames is None:
            verdict = await judge.whole(arrival)
            await self._settle(verdict)
            await self._answer(Reply(arrival.status, arrival.headers, verdict.raw or b""), judge)
            return
        if not self.client.begun:
            await self.client.begin(arrival.status, arrival.headers)
        resumable = False
        async for frame in arrival.frames:
            resumable = resumable or frame.event_id is not None
            verdict = await judge.frame(frame, arrival.status)
            await self._settle(verdict)
            judge.delivered()
            if verdict.raw is not None:
                await self.client.send(verdict.raw)
        await self._stream_ended(judge, resumable=resumable)
        await self.client.end()

    async def _answer(self, reply: Reply, judge: Judge) -> None:
        """Give the client the whole answer: as the last event where a stream was begun to ask it something."""
        if not self.client.begun:
            await self.client.answer(reply)
            return
        if judge.waiting:
            raise BadAnswer("no_answer", f"HTTP status {reply.status} without a JSON-RPC answer")
        await self.client.send(event_bytes(reply.body))
        await self.client.end()

    async def _settle(self, verdict: Verdict) -> None:
        for call, ending in verdict.endings:
            await self.record.ended(call, ending)

    def _follow_session(self, arrival: Arrival) -> None:
        sessions, upstream = self.gate.sessions, self.exchange.upstream
        given = [value for name, value in arrival.headers if name.lower() == SESSION_HEADER]
        for session in given:
            sessions.bind(upstream, session, self.exchange.caller)
        if any(message.method == "initialize" for message in self.exchange.envelope.messages):
            self._note_forms(given[0] if given else self.exchange.session)
        if arrival.status == 404 and self.exchange.session is not None:
            sessions.end(upstream, self.exchange.session)

    def _note_forms(self, session: str | None) -> None:
        """Remember in which forms the client can ask its user, for as long as its session lasts."""
        exchange = self.exchange
        params = exchange.envelope.messages[0].params
        if isinstance(params, dict) and (session is not None or exchange.transport == "stdio"):
            forms = declared(params.get("capabilities"))
            self.gate.sessions.declare(exchange.caller, exchange.upstream, session, forms)

    async def _stream_ended(self, judge: Judge, *, resumable: bool) -> None:
        """The upstream ended its stream. What is unanswered may still come (legacy, event ids), or never will."""
        cancelled = self.flight.cancelled if self.flight is not None else set()
        for call in self._beside_requests(judge):
            await self.record.ended(call, _ACCEPTED)
        for key, item in tuple(judge.waiting.items()):
            if key not in cancelled and resumable and not self.exchange.modern:
                self._detach(item, "upstream_closed")
            elif item.call is not None:
                await self.record.ended(item.call, _end_without_answer(item.call, cancelled=key in cancelled))

    def _beside_requests(self, judge: Judge) -> list[Call]:
        """Open calls that no message answers: notifications, and the client's own answers."""
        awaited = {item.call.id for item in judge.waiting.values() if item.call is not None}
        return [call for id, call in self.record.open.items() if id not in awaited]

    def _detach(self, item: Parsed, reason: str) -> None:
        call, record, message = item.call, self.record, item.message
        waiting = Waiting(self.exchange, message, None)
        if call is not None:
            record.detached(call, reason)
            waiting = record.apart(call, self.exchange, message)
        if message.id is not None:
            self.gate.detached.add(self.exchange.key(message.id), waiting)

    def left(self) -> None:
        """The client has gone: a cancel in the modern era, and only a lost stream in the legacy one."""
        draining = self.gate.flights.draining
        self.record.abandoned()
        for item in self.parsed:
            call = item.call
            if call is None or call.id not in self.record.open:
                continue
            if not self.sent:
                self._end_now(call, _GONE_BEFORE)
            elif self.exchange.modern or draining or item.message.id is None:
                self._end_now(call, DRAINED if draining else CUT_OFF)
            else:
                self._detach(item, "client_gone")
        for call in tuple(self.record.open.values()):
            if call.direction == "server":
                self._end_now(call, CUT_OFF)

    def _end_now(self, call: Call, ending: Ending) -> None:
        _ = self.record.ended_now(call, ending)

    async def stopped(self) -> None:
        """A kill stopped this exchange.

        Tell the upstream, record, and tell the client as far as it can still be told.
        """
        order = None if self.flight is None else self.flight.order
        assert order is not None  # noqa: S101  (`killed` has looked)
        refusal = explain(Contained(order))
        effect = EffectAt.UNKNOWN if self.sent else EffectAt.NONE
        written = self._end_open(Ending(Outcome.KILLED, self._delivery(), effect, refusal.code))
        async with asyncio.TaskGroup() as tasks:
            # Neither waits long for the other: an upstream that takes its time, a client that reads no more.
            if self.sent:
                telling = tasks.create_task(self.upstream.cancel(self.exchange, self._unanswered(), STOPPED))
                await asyncio.wait((telling,), timeout=TOLD_SECONDS)
            await _settled(written)
            with suppress(ClientGone):
                await self._refuse(refusal)

    async def failed(self, error: Exception) -> None:
        """A step raised: record why, and answer in the shape of the era."""
        refusal = explain(error)
        if isinstance(error, Contained) and not self.arrived:
            self.sent = False
        if isinstance(error, NotRecorded) and self.arrived:
            refusal = replace(refusal, code="outcome_unrecorded", text=_DONE_UNRECORDED)
        await _settled(self._end_open(self._failure(error, refusal.code)))
        try:
            await self._refuse(refusal)
        finally:
            if not self.sent:
                await decline(self.gate, self.exchange, self.parsed)

    def _end_open(self, ending: Ending) -> list[asyncio.Future[int]]:
        """End every open call; the outcomes are on their way before anybody waits, so that none can be cut off."""
        ended = (self.record.ended_now(call, ending) for call in tuple(self.record.open.values()))
        return [written for written in ended if written is not None]

    def _failure(self, error: Exception, code: str) -> Ending:
        """`not_sent` only where it is certain that the upstream has nothing of the call."""
        if isinstance(error, UpstreamDown):
            written = error.written
        else:
            written = self.arrived or (self.sent and not isinstance(error, Busy | NoSuchSession))
        if written:
            return Ending(Outcome.FAILED, self._delivery(), EffectAt.UNKNOWN, code)
        return Ending(Outcome.NOT_SENT, self._delivery(), EffectAt.NONE, code)

    async def _refuse(self, refusal: Refusal) -> None:
        """Record what has no record yet, then answer whatever is unanswered."""
        try:
            reference = await self.record.refused(refusal)
        except NotRecorded as unrecorded:
            refusal, reference = explain(unrecorded), self.gate.new_id()
        if not self.client.begun:
            await self.client.answer(envelope_reply(self._rest(), refusal, reference))
            return
        for message in self._unanswered():
            if (answer := message_answer(message, refusal, reference)) is not None:
                await self.client.send(event_bytes(answer))
        await self.client.end()

    def _rest(self) -> Envelope:
        """The envelope without what has been answered already: on a pipe each answer goes out by itself."""
        envelope = self.exchange.envelope
        return envelope if self.judge is None else structs.replace(envelope, messages=tuple(self._unanswered()))

    def _unanswered(self) -> list[Message]:
        if self.judge is not None:
            return [item.message for item in self.judge.undelivered()]
        return [item.message for item in self.parsed if item.message.id is not None]

    def _delivery(self) -> Delivery:
        return Delivery.PARTIAL if self.client.begun else Delivery.OWN_ERROR


def _asked(parsed: Sequence[Parsed]) -> frozenset[str]:
    """The keys of the ids that are to be answered."""
    return frozenset(
        item.message.id.key
        for item in parsed
        if item.message.kind is MessageKind.REQUEST and item.message.id is not None
    )


def _end_without_answer(call: Call, *, cancelled: bool) -> Ending:
    if cancelled:
        return _CANCELLED_BY_CLIENT
    return _SUBSCRIPTION_OVER if call.method == "subscriptions/listen" else _UNANSWERED


async def _settled(written: Sequence[asyncio.Future[int]]) -> None:
    """Wait until each outcome is durable, or known not to be; a loss is counted where it is noticed."""
    for future in written:
        with suppress(NotRecorded):
            await future


_GONE_BEFORE: Final = Ending(Outcome.NOT_SENT, Delivery.NOTHING, EffectAt.NONE, "client_gone")
_ACCEPTED: Final = Ending(Outcome.COMPLETED, Delivery.ANSWER, EffectAt.UNKNOWN, "accepted")
_DONE_UNRECORDED: Final = "The call reached the tool server, but its outcome could not be recorded and is withheld."
_CANCELLED_BY_CLIENT: Final = Ending(Outcome.CANCELLED, Delivery.NOTHING, EffectAt.UNKNOWN, "client_cancelled")
_UNANSWERED: Final = Ending(Outcome.FAILED, Delivery.NOTHING, EffectAt.UNKNOWN, "no_answer")
_SUBSCRIPTION_OVER: Final = Ending(Outcome.COMPLETED, Delivery.ANSWER, EffectAt.NONE, "stream_ended")
