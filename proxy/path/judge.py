"""Judge: what an upstream sends back is paired with what was asked, and decided where policy must.

Nothing passes unread.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field, structs

from policy.containment import NO_TOOL, Contained, mark_of
from policy.methods import LIST_ITEMS, Treatment, treatment
from policy.obligations import Pointer
from policy.vocabulary import Call, Decision
from proxy.detached import KILLED, Waiting
from proxy.flights import kill_of
from proxy.gate import Gate
from proxy.path.about import TASK_METHODS, TASK_NOTES, asked_for_task, stopped_task
from proxy.path.filter import filter_list
from proxy.path.outlive import go_on, go_on_late, look, look_at_answer
from proxy.path.parse import Parsed, server_call
from proxy.path.question import DELIVERED, NOT_DELIVERED, admit_inputs, admit_question, refuse_question, takes_an_id
from proxy.path.record import Recording
from proxy.path.redact import redacted
from proxy.path.result import asked_again, asks, decide_result
from proxy.reading import read_answer
from proxy.refusals import BadAnswer, explain, message_answer
from proxy.vocabulary import Arrival, Delivery, EffectAt, Ending, Exchange, Frame, Outcome
from proxy.wire.message import Envelope, Message, MessageKind
from proxy.wire.splice import drop_members
from proxy.wire.sse import event_bytes

ANSWERED: Final = Delivery.ANSWER

BAD_REQUEST: Final = 400
"""From this HTTP status on, an error may name no request of ours: real servers answer so where they read none."""

OUR_NAMES: Final = "agentgate/"

UNREAD_EVENT: Final = "unread_event"
"""Under what name events that are not delivered are counted, among the notifications of a stream."""


class Verdict(Struct):
    """What may go to the client (None: nothing), and which calls ended with it."""

    raw: bytes | None
    endings: list[tuple[Call, Ending]] = field(default_factory=list)


class Judge:
    """Judges everything that comes back in one exchange: each request is answered once, by its own id."""

    def __init__(self, gate: Gate, exchange: Exchange, record: Recording, parsed: Sequence[Parsed]) -> None:
        self._gate = gate
        self._exchange = exchange
        self._record = record
        self._parsed = parsed
        self._undelivered: list[Parsed] = []
        self._replayable = False
        self._waiting: dict[str, Parsed] = {
            item.message.id.key: item
            for item in parsed
            if item.message.kind is MessageKind.REQUEST and item.message.id is not None
        }

    @property
    def waiting(self) -> Mapping[str, Parsed]:
        """Requests that have no answer yet, by the key of their id."""
        return self._waiting

    def undelivered(self) -> Sequence[Parsed]:
        """Requests whose answer has not come, or has not gone to the client yet."""
        return (*self._undelivered, *self._waiting.values())

    def delivered(self) -> None:
        """What was judged so far is given to the client now: an answer that may have gone out is not replaced."""
        self._undelivered.clear()

    async def whole(self, arrival: Arrival) -> Verdict:
        """Judge a whole body. Raises BadAnswer for one that this exchange cannot have."""
        body = arrival.body or b""
        succeeded = 200 <= arrival.status < 300
        envelope = await self._read(arrival, body, succeeded=succeeded)
        if envelope is None:
            self._require_answer(succeeded=succeeded)
            endings = list(self._without_answer(arrival.status, succeeded=succeeded, body=body))
            return Verdict(b"" if succeeded or self._is_decided() else body, endings)
        verdict = await self._answers(envelope, arrival.status)
        if succeeded and self._waiting:
            raise BadAnswer("no_answer", "the answer leaves requests unanswered")
        verdict.endings += self._without_answer(arrival.status, succeeded=succeeded)
        return verdict

    async def _read(self, arrival: Arrival, body: bytes, *, succeeded: bool) -> Envelope | None:
        if not body or arrival.content_type != "application/json":
            return None
        try:
            return await read_answer(body, limit=self._gate.bounds.answer_bytes)
        except BadAnswer:
            if succeeded and self._waiting:
                raise
            return None

    def _require_answer(self, *, succeeded: bool) -> None:
        if succeeded and self._waiting:
            raise BadAnswer("no_answer", "a successful status without a JSON-RPC answer")

    async def _answers(self, envelope: Envelope, status: int) -> Verdict:
        pieces: list[bytes] = []
        endings: list[tuple[Call, Ending]] = []
        for message in envelope.messages:
            if message.kind not in (MessageKind.RESULT, MessageKind.ERROR):
                raise BadAnswer("request_in_answer", "the body holds a request or notification of the server")
            if (item := self._pair(message)) is not None:
                pieces.append(await self._answer(item, message, status, endings))
            elif status >= BAD_REQUEST and message.kind is MessageKind.ERROR:
                pieces.append(await self._unpaired(message, status, endings))
            else:
                raise BadAnswer("unexpected_answer", "an answer to an id that was not asked, or a second one")
        return Verdict(_joined(envelope, pieces), endings)

    async def _unpaired(self, message: Message, status: int, endings: list[tuple[Call, Ending]]) -> bytes:
        """What the client gets for an error that names no request of ours: clients take it for what they wait for."""
        if not self._is_decided():
            await admit_inputs(self._gate, self._exchange, self._record, message)
            return message.raw
        if len(self._waiting) != 1:
            raise BadAnswer("unexpected_answer", "an error to no request, where policy decides each answer")
        item = self._waiting.popitem()[1]
        self._undelivered.append(item)
        return await self._answer(item, message, status, endings)

    def _is_decided(self) -> bool:
        """Whether policy decides, or redacts, the answer to a call that is still open: no text passes unjudged then."""
        calls = [item.call for item in self._parsed if item.call is not None and item.call.id in self._record.open]
        return any(asks(self._gate, call) or self._record.redacts(call) for call in calls)

    def _pair(self, message: Message) -> Parsed | None:
        found: Parsed | None = None
        if message.id is not None:
            found = self._waiting.pop(message.id.key, None)
        elif message.kind is MessageKind.ERROR and len(self._waiting) == 1:
            found = self._waiting.popitem()[1]
        if found is not None:
            self._undelivered.append(found)
        return found

    async def _answer(self, item: Parsed, message: Message, status: int, endings: list[tuple[Call, Ending]]) -> bytes:
        raw, ending = await self._admitted(item.message, item.call, message, status)
        if item.call is not None and ending is not None:
            endings.append((item.call, ending))
        return raw

    async def _admitted(
        self, request: Message, call: Call | None, message: Message, status: int | None, waiting: Waiting | None = None
    ) -> tuple[bytes, Ending | None]:
        """What the client gets for an answer to `request`, and how `call` ended by it (None: it goes on).

        `waiting` is the request if it was open without a stream.
        """
        decision: Decision | None = None
        try:
            if call is not None and call.method in TASK_METHODS:
                await look_at_answer(self._gate, self._exchange, self._record, call, message)
            await admit_inputs(self._gate, self._exchange, self._record, message)
            hidden, decision = await self._hidden(request, call, message, waiting)
            raw = await self._passing(request, message, hidden)
            goes_on = await self._goes_on(call, message, waiting)
        except Exception as error:  # noqa: BLE001  (every reason is mapped by `explain`; the result stays back)
            refusal = explain(error)
            reference = await self._record.withheld(message, refusal) if call is None else call.id
            ending = structs.replace(_withheld(refusal.code, status, message.raw), decision=refusal.decision)
            return message_answer(request, refusal, reference) or b"", ending
        if self._replayable:
            tool = NO_TOOL if call is None else mark_of(call)
            self._gate.answered.remember(self._exchange.key(message.id), request, message.raw, hidden, tool)
        return raw, None if goes_on else ending_of(message, status, decision)

    async def _hidden(
        self, request: Message, call: Call | None, message: Message, waiting: Waiting | None
    ) -> tuple[tuple[Pointer, ...], Decision | None]:
        """What of the answer does not go to the client, by the decision on the call and by that on the answer."""
        hidden = self._record.redacts(call) if waiting is None else waiting.redact
        if call is None or not asks(self._gate, call):
            return hidden, None
        decided = self._record.decided(call) if waiting is None else asked_again(call, request)
        decision, obligations = await decide_result(self._gate, decided, message)
        return (*hidden, *obligations.result), decision

    async def _goes_on(self, call: Call | None, message: Message, waiting: Waiting | None) -> bool:
        if waiting is not None:
            return await go_on_late(self._gate, self._record, waiting, message)
        return call is not None and await go_on(self._gate, self._exchange, self._record, call, message)

    async def _passing(self, request: Message, message: Message, hidden: Sequence[Pointer]) -> bytes:
        """A list without what policy hides, every other answer without our names and without what is redacted."""
        if request.method in LIST_ITEMS:
            return await filter_list(self._gate, self._exchange, request, message)
        return await redacted(message, _without_our_names(message), hidden)

    def _without_answer(self, status: int, *, succeeded: bool, body: bytes = b"") -> Iterator[tuple[Call, Ending]]:
        """Calls that get no JSON-RPC answer.

        Notifications, the client's own answers, and all when HTTP itself failed.
        """
        for item in self._parsed:
            if item.call is None or item.call.id not in self._record.open:
                continue
            if succeeded and item.message.kind is not MessageKind.REQUEST:
                yield item.call, Ending(Outcome.COMPLETED, Delivery.ANSWER, EffectAt.UNKNOWN, "accepted", status)
            elif not succeeded:
                yield (
                    item.call,
                    Ending(Outcome.FAILED, Delivery.ANSWER, EffectAt.UNKNOWN, "http_status", status, body or None),
                )

    async def frame(self, frame: Frame, status: int) -> Verdict:
        """Judge one frame of a stream; what may not pass is dropped and noted."""
        if frame.envelope is None:
            if frame.replaced:
                self._record.heard(UNREAD_EVENT)
            return Verdict(frame.raw)
        self._replayable = frame.event_id is not None and not self._exchange.modern
        endings: list[tuple[Call, Ending]] = []
        judged = [await self._streamed(message, status, endings) for message in frame.envelope.messages]
        pieces = [piece for piece in judged if piece is not None]
        return Verdict(_carried(frame, pieces), endings)

    async def _streamed(self, message: Message, status: int, endings: list[tuple[Call, Ending]]) -> bytes | None:
        match message.kind:
            case MessageKind.NOTIFICATION if treatment(message.method or "", "server") is not Treatment.DECIDE:
                return await self._notification(message)
            case MessageKind.REQUEST | MessageKind.NOTIFICATION:
                return await self._question(message, endings)
            case _:
                item = self._pair(message)
                return await (self._late(message) if item is None else self._answer(item, message, status, endings))

    async def _late(self, message: Message) -> bytes | None:
        """An answer that this exchange did not ask for: a detached request waits for it, it is sent again, or neither.

        What policy hides is cut out of a list that is sent again as it was the first time.
        """
        key, orders = self._exchange.key(message.id), self._gate.orders
        if (waiting := self._gate.detached.take(key)) is not None:
            try:
                answer, ending = await self._admitted(waiting.request, waiting.call, message, None, waiting)
            except BaseException:
                # The stream is gone; the answer comes again on the next one that resumes it.
                if waiting.killed_by(orders.current):
                    waiting.end(KILLED)
                else:
                    self._gate.detached.put_back(key, waiting)
                raise
            # While the answer was looked at its request was nowhere where a kill could find it.
            raw, ending = (None, ending and KILLED) if waiting.killed_by(orders.current) else (answer, ending)
            if ending is not None and (written := waiting.end(ending)) is not None:
                await written
            return raw
        if (replayed := self._gate.answered.again(key, message.raw)) is not None:
            order = orders.current.against_task(self._exchange.caller, self._exchange.upstream, replayed.tool)
            if order is not None:
                await self._record.withheld(message, explain(Contained(order)))
                return None
            await self._record.noted("replayed", message)
            return await self._passing(replayed.request, message, replayed.redact)
        await self._record.noted("unexpected_answer", message)
        return None

    async def _notification(self, message: Message) -> bytes | None:
        """Pass a server's notification, unless it asks for what policy denies; a changed list is forgotten.

        Where a kill stands there may be no stream that could have ended with it: on a pipe a killed agent still reads.
        """
        tells = message.method in TASK_NOTES
        stopped = stopped_task(self._gate, self._exchange, message)
        killed = kill_of(self._gate.orders.current, self._exchange.caller, self._exchange.upstream, ())
        if killed is not None or (stopped is not None and not tells):
            self._record.heard("contained")
            return None
        try:
            if stopped is None:
                await admit_inputs(self._gate, self._exchange, self._record, message)
            if tells:
                await look(self._gate, self._exchange, self._record, message)
            if (order := stopped_task(self._gate, self._exchange, message)) is not None:
                raise Contained(order)  # noqa: TRY301  (as all that keeps it back)
        except Exception as error:  # noqa: BLE001  (every reason is mapped by `explain`; the notification stays back)
            await self._record.withheld(message, explain(error))
            return None
        if message.method == "notifications/tools/list_changed":
            self._gate.definitions.forget(self._exchange.caller, self._exchange.upstream)
        self._record.heard(message.method or "")
        hidden = [pointer for item in self._parsed for pointer in self._record.redacts(item.call)]
        return await redacted(message, message.raw, hidden)

    async def _question(self, message: Message, endings: list[tuple[Call, Ending]]) -> bytes | None:
        if self._exchange.modern and message.kind is MessageKind.REQUEST:
            await self._record.noted("request_in_modern", message)
            return None
        if takes_an_id(self._gate, self._exchange, message):
            await self._record.noted("question_id_in_use", message)
            return None
        call = server_call(self._exchange, message.method or "", message.params, self._gate)
        call = asked_for_task(self._gate, self._exchange, call, message)
        try:
            await admit_question(self._gate, self._exchange, self._record, message, call)
        except Exception as error:  # noqa: BLE001  (every reason is mapped by `explain`; the request stays back)
            await refuse_question(self._gate, self._exchange, self._record, message, call, explain(error))
            return None
        if call is None:
            return message.raw
        if (order := self._gate.orders.current.against(call)) is not None:
            # It came while the intent was written, and this stream may go on: a kill of one tool ends none.
            endings.append((call, structs.replace(NOT_DELIVERED, reason=Contained.code)))
            await refuse_question(self._gate, self._exchange, self._record, message, None, explain(Contained(order)))
            return None
        endings.append((call, DELIVERED))
        return message.raw


def _without_our_names(message: Message) -> bytes:
    """The answer without `_meta` members of our namespace: no tool server speaks for the sidecar."""
    meta = message.result.get("_meta") if isinstance(message.result, dict) else None
    if not isinstance(meta, dict) or not any(name.startswith(OUR_NAMES) for name in meta):
        return message.raw
    return drop_members(message.raw, ("result", "_meta"), OUR_NAMES)


def ending_of(message: Message, status: int | None, decision: Decision | None = None) -> Ending:
    """How a call ended by the answer to it, which policy may have decided."""
    if message.kind is MessageKind.ERROR:
        return Ending(Outcome.FAILED, ANSWERED, EffectAt.UNKNOWN, "rpc_error", status, message.raw, decision)
    result: Any = message.result
    if isinstance(result, dict) and result.get("isError") is True:
        return Ending(Outcome.FAILED, ANSWERED, EffectAt.UNKNOWN, "tool_error", status, message.raw, decision)
    kind = result.get("resultType", "complete") if isinstance(result, dict) else "complete"
    reason = kind if kind in ("input_required", "task") else "ok"
    effect = EffectAt.DONE if reason == "ok" else EffectAt.UNKNOWN
    return Ending(Outcome.COMPLETED, ANSWERED, effect, reason, status, message.raw, decision)


def _withheld(code: str, status: int | None, raw: bytes) -> Ending:
    return Ending(Outcome.FAILED, Delivery.OWN_ERROR, EffectAt.UNKNOWN, code, status, raw)


def _joined(envelope: Envelope, pieces: Sequence[bytes]) -> bytes:
    """The original bytes if every piece is the original one, else the pieces in the envelope's own form."""
    if all(piece is message.raw for piece, message in zip(pieces, envelope.messages, strict=True)):
        return envelope.raw
    return b"[" + b",".join(pieces) + b"]" if envelope.batch else pieces[0]


def _carried(frame: Frame, pieces: Sequence[bytes]) -> bytes | None:
    """The frame's own bytes if nothing was changed, else the pieces in a new frame of the same kind.

    None if none is left.
    """
    envelope = frame.envelope
    if envelope is None or not pieces:
        return None
    if len(pieces) == len(envelope.messages) and _joined(envelope, pieces) is envelope.raw:
        return frame.raw
    data = b"[" + b",".join(pieces) + b"]" if envelope.batch else pieces[0]
    if frame.carrier == "line":
        return data + b"\n"
    return event_bytes(data, event=frame.event, id=frame.event_id, retry=frame.retry)
