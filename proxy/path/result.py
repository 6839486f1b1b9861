"""Result: where the policy has a rule `agentgate/result`, it decides each answer to a call before the client gets it.

It may deny delivery, redact, and label. It is asked with what the call was decided on, and the answer: `result` (null
for an error) and `error` (null for a result). No value is a refusal: a policy that has the rule decides every answer.
"""

import time
from collections.abc import Mapping

from msgspec import structs

from policy.decision import input_values, judge_result, read_decision, require_fit
from policy.engine import EntryPoint
from policy.methods import LIST_ITEMS
from policy.obligations import Obligations
from policy.vocabulary import Call, Decision
from proxy.gate import Gate
from proxy.path.put import put
from proxy.path.remember import leave_labels, view_of
from proxy.wire.message import Message


def asks(gate: Gate, call: Call) -> bool:
    """Whether the answer to `call` is decided."""
    policy = gate.engine.active
    return policy is not None and policy.has_result and call.direction == "client" and call.method not in LIST_ITEMS


async def decide_result(gate: Gate, call: Call, message: Message) -> tuple[Decision, Obligations]:
    """The decision that lets the answer go on. Raises CannotDecide, Denied, ObligationUnmet."""
    now = gate.clock.now()
    values = input_values(call, session=await view_of(gate, call), sidecar=gate.sidecar, now=now)
    began = time.perf_counter()
    answer = await put(gate, EntryPoint.RESULT, {**values, "result": message.result, "error": message.error})
    gate.metrics.decided(time.perf_counter() - began)
    decision = read_decision(answer, engine=gate.engine.name, decision_id=gate.new_id())
    require_fit(decision, call, answer.policy, now)
    obligations = judge_result(decision)
    if obligations.labels:
        await leave_labels(gate, call, obligations.labels)
    return decision, obligations


def asked_again(call: Call, request: Message) -> Call:
    """A call whose content was let go while it waited, with what its request still has."""
    arguments = request.params.get("arguments") if isinstance(request.params, Mapping) else None
    return structs.replace(call, params=request.params, arguments=arguments)
