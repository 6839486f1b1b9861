"""Record: the outermost wrapper.

Whatever happens to an exchange, each call leaves a refusal, or one intent and one outcome.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from msgspec import structs

from evidence.record import Entry, Kind
from policy.obligations import Pointer
from policy.vocabulary import Call, Permit
from proxy.detached import Waiting
from proxy.gate import Gate
from proxy.path.approve import Consent, spend
from proxy.path.bodies import (
    brief,
    caller_body,
    decision_body,
    erasure_unit,
    outcome_body,
    request_body,
    session_body,
    without_content,
)
from proxy.path.keeping import durability_of, in_plain, retention
from proxy.redacting import NOTHING
from proxy.refusals import Refusal
from proxy.vocabulary import NO_MESSAGE, Delivery, EffectAt, Ending, Exchange, Outcome
from proxy.wire.message import Message

BATCH_REFUSED: Final = "batch_refused"
"""The reason of the calls that fall with another one of their batch."""

CLIENT_GONE: Final = Refusal("client_gone", 0, "The client went away before the call was forwarded.")

CUT_OFF: Final = Ending(Outcome.CANCELLED, Delivery.NOTHING, EffectAt.UNKNOWN, "client_gone")

HEARD_AT_ONCE: Final = 1_000
"""Notifications of one stream that one notice tells of."""


class Recording:
    """The records of one exchange.

    `exchange` is set anew where the client comes back to what it asked before, `calls` by parse, `culprit` while one
    call is being judged, so that a refusal of a batch knows whom to blame. `reference` is what the agent is told
    to give to its operator.
    """

    __slots__ = (
        "_asked", "_consents", "_gate", "_heard", "_hearing", "_journal", "_permits", "_redacting", "_refused", "calls",
        "culprit", "exchange", "open",
    )  # fmt: skip

    def __init__(self, gate: Gate, exchange: Exchange, *, hearing: "Recording | None" = None) -> None:
        """`hearing` counts the server's notifications for this one: that of the whole stream, for one frame of it."""
        self._gate = gate
        self.exchange = exchange
        self._journal = gate.journals[exchange.caller.tenant]
        self._redacting = gate.redacting
        self._asked: dict[str, bytes] = {}
        self._consents: dict[str, Consent] = {}
        self._permits: dict[str, Permit] = {}
        self._refused: set[str] = set()
        self._heard: dict[str, int] = {}
        self._hearing = self if hearing is None else hearing
        self.calls: tuple[Call, ...] = ()
        self.culprit: Call | None = None
        self.open: dict[str, Call] = {}

    def asked(self, call: Call, document: bytes) -> None:
        """Remember the exact document that policy is asked with: it is what the record commits to."""
        self._asked[call.id] = document

    def agreed(self, consent: Consent) -> None:
        """Remember the approval that a call is decided with: its intent spends it."""
        self._consents[consent.call] = consent

    async def intend(self, permits: Sequence[Permit]) -> None:
        """Make the intents durable, and spend their approvals with them: all of them, or none.

        When this returns, they survive what their durability class says. Raises ApprovalNeeded where an approval is
        not to be had any more (then nothing has changed), NotRecorded.
        """
        consents = [self._consents[one.call.id] for one in permits if one.call.id in self._consents]
        texts = [self._secrets(one.call, one.decision.message) for one in permits]
        kept = [
            await self._redacting.redacted(one.call, one.decision, secrets)
            for one, secrets in zip(permits, texts, strict=True)
        ]
        spent = await spend(self._gate, consents)
        began = time.perf_counter()
        written = [self._journal.append(entry) for entry in spent]
        for permit, secrets, redacted in zip(permits, texts, kept, strict=True):
            written.append(self._journal.append(self._intent(permit, secrets, redacted)))
            self.open[permit.call.id] = permit.call
            self._permits[permit.call.id] = permit
        for future in written:
            await future
        self._gate.metrics.appended(time.perf_counter() - began)

    def _intent(self, permit: Permit, secrets: Mapping[str, bytes], redacted: Mapping[str, bytes]) -> Entry:
        call, decision = permit.call, permit.decision
        body = {
            **self._subject(call),
            "decision": decision_body(decision),
            "orders": permit.clearance.orders_number,
        }
        if call.continues is not None:
            body["continues"] = call.continues
        self._asked.pop(call.id, None)
        return Entry(
            Kind.INTENT,
            body,
            call=call.id,
            secrets=secrets,
            plain=in_plain(decision),
            redacted=redacted,
            unit=self._unit(call.session),
            retention=retention(decision, Kind.INTENT),
            durability=durability_of(decision, self._gate.durability),
        )

    def _secrets(self, call: Call, message: str = "") -> dict[str, bytes]:
        secrets: dict[str, bytes] = {}
        if (document := self._asked.get(call.id)) is not None:
            secrets["input"] = document
        elif call.direction == "client":
            secrets["message"] = self.exchange.envelope.raw
        if message:
            secrets["decision_message"] = message.encode()
        return secrets

    def _subject(self, call: Call) -> dict[str, Any]:
        return {
            "caller": caller_body(self._journal, call.caller),
            "session": session_body(self._journal, call.session),
            "request": request_body(call),
        }

    def _unit(self, session: str | None) -> str:
        return erasure_unit(self._journal, session, self.exchange.caller, self.exchange.upstream)

    async def ended(self, call: Call, ending: Ending) -> None:
        """Record the outcome of `call`, durable when this returns; only the first ending of a call counts."""
        if self.open.pop(call.id, None) is None:
            return
        try:
            redacted = await self._redacting.redacted(call, self._permits[call.id].decision, ending.texts)
        except BaseException:
            # What has ended is recorded, and without its text where nobody waits for that any more.
            self._end(call, ending, NOTHING).add_done_callback(self._look)
            raise
        await self._end(call, ending, redacted)

    def ended_now(self, call: Call, ending: Ending) -> asyncio.Future[int] | None:
        """As `ended`, where nobody must wait; a failure is counted. The outcome is on its way when this returns."""
        if self.open.pop(call.id, None) is None:
            return None
        written = self._end(call, ending)
        written.add_done_callback(self._look)
        return written

    def cut_off(self) -> None:
        """Nobody goes on with what is still open here: its client has gone, or it could not be recorded."""
        for call in tuple(self.open.values()):
            self.ended_now(call, CUT_OFF)

    def _end(self, call: Call, ending: Ending, redacted: Mapping[str, bytes] | None = None) -> asyncio.Future[int]:
        written = self._journal.append(self._outcome(call, ending, redacted))
        self._gate.metrics.ended(call.upstream, call.method, str(ending.outcome))
        continues = self.decided(call).continues
        if call.direction == "server":
            # A stream may bring any number of them, and nothing comes late for one.
            del self._permits[call.id]
        # All are taken before one is ended: it would end those before it in turn, and rounds have no number.
        for before in self._gate.rounds.take(continues):
            _ = before.end(Ending(ending.outcome, ending.delivery, ending.effect, "continued"))
        return written

    def _unwaited(self, entry: Entry) -> None:
        """Append where nobody can wait for it any more; a failure is counted, and the journal declares the loss."""
        self._journal.append(entry).add_done_callback(self._look)

    def _look(self, written: asyncio.Future[int]) -> None:
        if not written.cancelled() and written.exception() is not None:
            self._gate.metrics.lost_outcome()

    def _outcome(self, call: Call, ending: Ending, redacted: Mapping[str, bytes] | None = None) -> Entry:
        permit = self._permits[call.id]
        if redacted is None:
            redacted = self._redacting.redacted_now(call, permit.decision, ending.texts)
        answer = ending.answer
        plain = in_plain(permit.decision) and (answer is None or len(answer) <= self._gate.bounds.sealed_bytes)
        return Entry(
            Kind.OUTCOME,
            outcome_body(ending),
            call=call.id,
            secrets=ending.texts,
            plain=plain,
            redacted=redacted,
            unit=self._unit(call.session),
            retention=retention(permit.decision, Kind.INTENT),
            durability=durability_of(permit.decision, self._gate.durability),
        )

    def detached(self, call: Call, reason: str) -> None:
        """The call goes on without a stream: it stays open, and its answer may come elsewhere."""
        self._unwaited(Entry(Kind.NOTICE, {"event": "detached", "reason": reason}, call=call.id))

    async def interim(self, call: Call, event: str) -> None:
        """The call goes on after the answer to its request, which does not end it; durable when this returns."""
        await self._journal.append(Entry(Kind.NOTICE, {"event": event}, call=call.id))

    def redacts(self, call: Call | None) -> tuple[Pointer, ...]:
        """What of the answer to a permitted call does not go to the client."""
        permit = None if call is None else self._permits.get(call.id)
        return () if permit is None else permit.obligations.result

    def decided(self, call: Call) -> Call:
        """An open call as it was decided: with its definition, and with the call that it goes on with."""
        return self._permits[call.id].call

    def apart(self, call: Call, exchange: Exchange, request: Message, *, own: bool = False) -> Waiting:
        """What ends an open call that goes on beyond this exchange; its records hold on to nothing of its content.

        `exchange`, `request` and `own` are as in Waiting.
        """
        left = Recording(self._gate, structs.replace(self.exchange, envelope=NO_MESSAGE))
        left.open[call.id] = self.open.pop(call.id)
        permit = self._permits[call.id]
        bare = without_content(permit.call)
        left._permits[call.id] = structs.replace(permit, call=bare)
        ends, late = partial(left.ended_now, bare), partial(left.late, bare)
        return Waiting(exchange, request, bare, ends, late, own=own, redact=permit.obligations.result)

    def late(self, call: Call, ending: Ending) -> asyncio.Future[int] | None:
        """Record the answer that turned up after the outcome of `call` knew of none.

        An ending without an answer adds nothing.
        """
        if ending.answer is None:
            return None
        entry = structs.replace(self._outcome(call, ending), kind=Kind.LATE)
        written = self._journal.append(entry)
        written.add_done_callback(self._look)
        return written

    async def late_before_restart(self, call: str, chain: str, ending: Ending) -> None:
        """As `late`, for a call whose outcome is there: the process before this one left it open, or a kill ended it.

        Where another chain holds it, that cannot be said there; a notice says it here. How much of its result may be
        kept is not known any more: its commitment, and nothing of the text.
        """
        if chain != self._journal.chain.name:
            await self._journal.append(Entry(Kind.NOTICE, {**self._context("late_elsewhere"), "continues": call}))
            return
        unit = self._unit(self.exchange.session)
        await self._journal.append(
            Entry(Kind.LATE, outcome_body(ending), call=call, secrets=ending.texts, plain=False, unit=unit)
        )

    def reference(self) -> str:
        """A new reference, for what could not be recorded."""
        return self._gate.new_id()

    async def refused(self, refusal: Refusal) -> str:
        """Record why nothing was forwarded, for each call without an intent; durable when this returns.

        Returns the reference for the agent.
        """
        culprit = self.culprit or (self.calls[0] if self.calls else None)
        if culprit is None:
            return await self._refused_message(refusal)
        if culprit.id not in self._permits:
            self._gate.sessions.count(culprit.caller, denied=True)
        await self.refused_together(self.calls, culprit, refusal)
        return culprit.id

    async def refused_together(self, calls: Sequence[Call], culprit: Call, refusal: Refusal) -> None:
        """Record that none of `calls` goes on, because of one of them; all are on their way before anybody waits."""
        kept = {
            call.id: await self._redacting.redacted(call, refusal.decision, self._unforwarded(call, refusal))
            for call in self._undecided(calls)
        }
        written = [
            self._refused_call(call, refusal, refusal.code, kept[call.id])
            if call.id == culprit.id
            else self._refused_call(call, refusal, BATCH_REFUSED, kept[call.id])
            for call in self._undecided(calls)
        ]
        for future in written:
            await future

    def abandoned(self) -> None:
        """The client went away before anything was forwarded."""
        for call in self._undecided(self.calls):
            self._refused_call(call, CLIENT_GONE, CLIENT_GONE.code).add_done_callback(self._look)

    def _undecided(self, calls: Sequence[Call]) -> list[Call]:
        """Those that have no record yet: neither an intent nor a refusal."""
        return [call for call in calls if call.id not in self._permits and call.id not in self._refused]

    def _refused_call(
        self, call: Call, refusal: Refusal, code: str, redacted: Mapping[str, bytes] = NOTHING
    ) -> asyncio.Future[int]:
        if call.direction == "client":
            self._refused.add(call.id)
        self._gate.metrics.refused(call.upstream, code)
        return self._journal.append(self._refusal(call, refusal, code, redacted))

    def _unforwarded(self, call: Call, refusal: Refusal) -> dict[str, bytes]:
        secrets = self._secrets(call, refusal.decision.message if refusal.decision else "")
        if refusal.detail:
            secrets["detail"] = refusal.detail.encode()
        return secrets

    def _refusal(self, call: Call, refusal: Refusal, code: str, redacted: Mapping[str, bytes]) -> Entry:
        body: dict[str, Any] = {
            **self._subject(call),
            "decision": decision_body(refusal.decision) if refusal.decision else None,
            "refusal": {"code": code, "rule": refusal.rule, "order": refusal.order},
        }
        secrets = self._unforwarded(call, refusal)
        self._asked.pop(call.id, None)
        plain = refusal.decision is None or in_plain(refusal.decision)
        plain = plain and len(self.exchange.envelope.raw) <= self._gate.bounds.sealed_bytes
        return Entry(
            Kind.REFUSAL,
            body,
            call=call.id,
            secrets=secrets,
            plain=plain,
            redacted=redacted,
            unit=self._unit(call.session),
            retention=retention(refusal.decision, Kind.REFUSAL),
        )

    async def _refused_message(self, refusal: Refusal) -> str:
        reference = self._gate.new_id()
        await self.notice("refused", refusal=refusal, reference=reference)
        self._gate.metrics.refused(self.exchange.upstream, refusal.code)
        return reference

    async def noted(self, event: str, message: Message) -> None:
        """Note a message of the upstream that this exchange did not ask for."""
        await self._journal.append(Entry(Kind.NOTICE, {**self._context(event), "messages": [brief(message)]}))

    async def withheld(self, message: Message, refusal: Refusal) -> str:
        """Note a message of the upstream that is held back, and why. Returns the reference for the agent."""
        reference = self._gate.new_id()
        body = {**self._context("withheld"), "messages": [brief(message)], "reference": reference}
        body["refusal"] = {"code": refusal.code, "rule": refusal.rule, "order": refusal.order}
        await self._journal.append(Entry(Kind.NOTICE, body))
        return reference

    def heard(self, method: str) -> None:
        """A notification of the server reached the client, or an event did not; they are noted together, by count."""
        if self._hearing is not self:
            self._hearing.heard(method)
            return
        self._heard[method] = self._heard.get(method, 0) + 1
        if sum(self._heard.values()) >= HEARD_AT_ONCE:
            self.note_heard()

    def note_heard(self) -> None:
        """Note what was heard since the last time, where nobody waits for it."""
        if self._heard:
            self._unwaited(Entry(Kind.NOTICE, {**self._context("notifications"), "counts": self._heard}))
            self._heard = {}

    async def notice(self, event: str, refusal: Refusal | None = None, reference: str | None = None) -> None:
        """One notice for the messages of this exchange that are no calls (lists, lifecycle, notifications)."""
        body = self._context(event)
        body["messages"] = [brief(message) for message in self.exchange.envelope.messages]
        if refusal is not None:
            body["refusal"] = {"code": refusal.code, "rule": refusal.rule, "order": refusal.order}
        if reference is not None:
            body["reference"] = reference
        await self._journal.append(Entry(Kind.NOTICE, body))

    def _context(self, event: str) -> dict[str, Any]:
        return {
            "event": event,
            "caller": caller_body(self._journal, self.exchange.caller),
            "session": session_body(self._journal, self.exchange.session),
            "upstream": self.exchange.upstream,
            "transport": self.exchange.transport,
            "era": self.exchange.era,
        }
