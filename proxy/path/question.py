"""Question: a request of the server (sampling, elicitation, roots) reaches the client only if policy allows it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import structs

from policy.containment import Contained, clear
from policy.decision import ApprovalNeeded, ObligationUnmet
from policy.vocabulary import Call, Permit
from proxy.elicitation import METHOD
from proxy.gate import Gate
from proxy.path.contain import passages
from proxy.path.decide import permitted
from proxy.path.lease import lend
from proxy.path.parse import Parsed, require_exact, server_call
from proxy.path.record import Recording
from proxy.refusals import BadAnswer, Busy, NoSuchSession, Refusal, explain
from proxy.vocabulary import Delivery, EffectAt, Ending, Exchange, Outcome, UpstreamDown
from proxy.wire.json_text import fold
from proxy.wire.message import Message, MessageId, error_answer, read_client, result_answer

METHOD_NOT_FOUND: Final = -32601
USER_REJECTED: Final = -1

NOT_DELIVERED: Final = Ending(Outcome.NOT_SENT, Delivery.NOTHING, EffectAt.NONE, "spool_failed")
DELIVERED: Final = Ending(Outcome.COMPLETED, Delivery.ANSWER, EffectAt.UNKNOWN, "delivered")


async def admit_question(
    gate: Gate, exchange: Exchange, record: Recording, message: Message, call: Call | None
) -> None:
    """Let a legacy request of the server through, its intent durable; `call` is None where policy decides nothing.

    Raises what `refusals` maps: then it must not be delivered.
    """
    if call is not None:
        require_exact(message)
        await _admit(gate, record, call)
    if message.id is not None:
        task_tool = None if call is None else call.task_tool
        gate.questions.asked(exchange.key(message.id), message.method or "", task_tool)


def takes_an_id(gate: Gate, exchange: Exchange, message: Message) -> bool:
    """Whether a question has the id of another one that the client has not answered yet.

    The answer to the one would be decided as the answer to the other. The same question may come again: a stream that
    is resumed brings it.
    """
    return message.id is not None and gate.questions.differs(exchange.key(message.id), message.method or "")


async def _admit(gate: Gate, record: Recording, call: Call) -> None:
    await _intend(record, [await _permitted(gate, record, call)])


async def _intend(record: Recording, permits: Sequence[Permit]) -> None:
    """All or none are to be delivered: where one cannot be recorded, those that are in the chain end at once."""
    try:
        await record.intend(permits)
    except Exception as error:
        ending = structs.replace(NOT_DELIVERED, reason=explain(error).code)
        for each in permits:
            record.ended_now(each.call, ending)
        raise


async def _permitted(gate: Gate, record: Recording, call: Call) -> Permit:
    given = await permitted(gate, call, clear(gate.orders.current, call), record)
    if given.obligations.params or given.obligations.result:
        raise ObligationUnmet(given.decision, "redact")
    return given


async def refuse_question(
    gate: Gate, exchange: Exchange, record: Recording, message: Message, call: Call | None, refusal: Refusal
) -> None:
    """Record that the request is not delivered, and answer the upstream on the client's behalf.

    The answer has the id of the request and the session of the client; that it does not arrive changes nothing.
    """
    if call is not None:
        await record.refused_together([call], call, refusal)
    if message.id is not None:
        await _answer_for_client(gate, exchange, _refusal_answer(message.id, message.method or ""))


async def decline(gate: Gate, exchange: Exchange, parsed: Sequence[Parsed]) -> None:
    """Answer the upstream where the client's own answer was refused: it is told what a refused question is told."""
    for item in parsed:
        if item.call is not None and item.message.method is None and item.message.id is not None:
            await _answer_for_client(gate, exchange, _refusal_answer(item.message.id, item.call.method))


async def _answer_for_client(gate: Gate, exchange: Exchange, raw: bytes) -> None:
    answer = structs.replace(exchange, envelope=read_client(raw, limit=len(raw)))
    leg = gate.upstreams[exchange.upstream].leg()
    try:
        tickets = passages(gate.orders.current, answer, [Parsed(answer.envelope.messages[0], None)])
        await leg.send(answer, lend(gate, answer, tickets))
    except (UpstreamDown, BadAnswer, Busy, NoSuchSession, Contained):
        # For a caller that is contained nothing goes out, not even this.
        return
    finally:
        await leg.close()


def _refusal_answer(id: MessageId, method: str) -> bytes:
    if method == METHOD:
        return result_answer(id, {"action": "decline"})
    if method == "sampling/createMessage":
        return error_answer(id, USER_REJECTED, "User rejected sampling request", None)
    return error_answer(id, METHOD_NOT_FOUND, "Method not found", None)


async def admit_inputs(gate: Gate, exchange: Exchange, record: Recording, message: Message) -> None:
    """Decide the requests of the server that travel inside a message, whatever its type says.

    A result or a notification has them in `inputRequests` (2026-07-28), an error in `data.elicitations` (2025-11-25,
    Elicitation, URL Elicitation Required Error).
    All or none: when this returns, each has its intent and outcome; when it raises, each has a refusal, and the
    message must not be delivered.
    """
    requests = [*_inside(message), *_in_error(message)]
    if not requests:
        return
    require_exact(message)
    calls = [call for each in requests if (call := _input_call(gate, exchange, each)) is not None]
    permits: list[Permit] = []
    for call in calls:
        try:
            permits.append(await _permitted(gate, record, call))
        except Exception as error:
            await record.refused_together(calls, call, explain(error))
            raise
    try:
        await _intend(record, permits)
    except ApprovalNeeded as gone:
        await record.refused_together(calls, calls[0], explain(gone))
        raise
    for call in calls:
        await record.ended(call, DELIVERED)


def _inside(message: Message) -> Sequence[Any]:
    holder = message.params if message.result is None else message.result
    requests = holder.get("inputRequests") if isinstance(holder, Mapping) else None
    if requests is None:
        return ()
    if not isinstance(requests, Mapping):
        raise BadAnswer("malformed_input_requests", "inputRequests is not an object")
    return tuple(requests.values())


def _in_error(message: Message) -> Iterator[Mapping[str, Any]]:
    """The questions that an error asks, whatever its code: whoever opens them may look at no more than their name."""
    for data in _members(message.error, "data"):
        for elicitations in _members(data, "elicitations"):
            if not isinstance(elicitations, list) or not all(isinstance(each, Mapping) for each in elicitations):
                raise BadAnswer("malformed_input_requests", "elicitations is not an array of objects")
            yield from ({"method": METHOD, "params": each} for each in elicitations)


def _members(holder: Any, name: str) -> Iterator[Any]:
    """The member of that name, and every look-alike that a reader who ignores case would take for it."""
    if isinstance(holder, Mapping):
        yield from (value for key, value in holder.items() if value is not None and fold(key) == name)


def _input_call(gate: Gate, exchange: Exchange, request: Any) -> Call | None:
    if not isinstance(request, Mapping) or not isinstance(request.get("method"), str):
        raise BadAnswer("malformed_input_requests", "an input request without a method")
    return server_call(exchange, request["method"], request.get("params"), gate)
