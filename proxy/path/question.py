"""Question: a request of the server (sampling, elicitation, roots) reaches the client only if policy allows it."""

from collections.abc import Mapping
from typing import Any, Final

from policy.containment import clear
from policy.decision import permit
from policy.vocabulary import Call
from proxy.gate import Gate
from proxy.path.contain import passages
from proxy.path.decide import ask
from proxy.path.lease import lend
from proxy.path.parse import Parsed, require_exact, server_call
from proxy.path.record import Recording
from proxy.refusals import BadAnswer, Refusal
from proxy.vocabulary import Delivery, EffectAt, Ending, Exchange, Outcome, UpstreamDown
from proxy.wire.message import Message, MessageKind, error_answer, read_client, result_answer

METHOD_NOT_FOUND: Final = -32601
USER_REJECTED: Final = -1

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
        gate.questions.asked((exchange.upstream, exchange.session, message.id.key), message.method or "")


async def _admit(gate: Gate, record: Recording, call: Call) -> None:
    clearance = clear(gate.orders.current, call)
    await record.intend([permit(call, clearance, await ask(gate, call, record))])


async def refuse_question(
    gate: Gate, exchange: Exchange, record: Recording, message: Message, call: Call | None, refusal: Refusal
) -> None:
    """Record that the request is not delivered, and answer the upstream on the client's behalf.

    The answer has the id of the request and the session of the client.
    """
    if call is not None:
        await record.refused_call(call, refusal, refusal.code)
    if message.id is None:
        return
    raw = _refusal_answer(message)
    answer = Exchange(
        exchange.caller,
        exchange.upstream,
        exchange.transport,
        exchange.era,
        exchange.session,
        read_client(raw, limit=len(raw)),
        exchange.headers,
    )
    leg = gate.upstreams[exchange.upstream].leg()
    try:
        tickets = passages(gate.orders.current, answer, [Parsed(answer.envelope.messages[0], None)])
        await leg.send(answer, lend(gate, answer, tickets))
    except UpstreamDown:
        return
    finally:
        await leg.close()


def _refusal_answer(message: Message) -> bytes:
    assert message.id is not None  # noqa: S101  (the caller has looked)
    if message.method == "elicitation/create":
        return result_answer(message.id, {"action": "decline"})
    if message.method == "sampling/createMessage":
        return error_answer(message.id, USER_REJECTED, "User rejected sampling request", None)
    return error_answer(message.id, METHOD_NOT_FOUND, "Method not found", None)


async def admit_inputs(gate: Gate, exchange: Exchange, record: Recording, message: Message) -> None:
    """Decide the requests of the server that travel inside an `input_required` result.

    One refusal refuses the result.
    """
    result: Any = message.result
    if not isinstance(result, Mapping) or result.get("resultType") != "input_required":
        return
    requests = result.get("inputRequests")
    if requests is None:
        return
    if message.kind is not MessageKind.RESULT or not isinstance(requests, Mapping):
        raise BadAnswer("malformed_input_requests", "inputRequests is not an object")
    require_exact(message)
    for request in requests.values():
        await _admit_input(gate, exchange, record, request)


async def _admit_input(gate: Gate, exchange: Exchange, record: Recording, request: Any) -> None:
    if not isinstance(request, Mapping) or not isinstance(request.get("method"), str):
        raise BadAnswer("malformed_input_requests", "an input request without a method")
    call = server_call(exchange, request["method"], request.get("params"), gate)
    if call is not None:
        await _admit(gate, record, call)
        await record.ended(call, DELIVERED)
