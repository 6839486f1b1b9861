"""Decide: policy is asked for each call, and only a well-formed allow becomes a permit."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from policy.decision import ApprovalNeeded, NotPermitted, input_text, input_values, permit, read_decision, require_fit
from policy.engine import EntryPoint
from policy.vocabulary import Call, Clearance, Decision, Definition, Permit, SessionView
from proxy.gate import Gate
from proxy.path.approve import approved
from proxy.path.differing import difference
from proxy.path.learn import fetch_tools
from proxy.path.outlive import continued
from proxy.path.parse import Parsed, require_exact
from proxy.path.put import put
from proxy.path.record import Recording
from proxy.path.remember import owner, past, remember, remember_denied, remembers
from proxy.vocabulary import Exchange


async def decide(
    gate: Gate, exchange: Exchange, record: Recording, parsed: Sequence[Parsed], clearances: Sequence[Clearance]
) -> tuple[Permit, ...]:
    """A permit for each call of the exchange.

    The first that gets none raises (see `refusals`), and none is forwarded.
    """
    permits: list[Permit] = []
    calls = [(item.message, item.call) for item in parsed if item.call is not None]
    for (message, call), clearance in zip(calls, clearances, strict=True):
        record.culprit = call = continued(gate, exchange, call)
        require_exact(message)
        record.culprit = defined = await _defined(gate, exchange, call)
        try:
            permits.append(await permitted(gate, defined, clearance, record))
        except NotPermitted as error:
            error.detail = error.detail or _difference(gate, exchange, defined)
            raise
        gate.sessions.count(call.caller, denied=False)
    record.culprit = None
    return tuple(permits)


async def permitted(gate: Gate, call: Call, clearance: Clearance, record: Recording) -> Permit:
    """Proof that `call` may pass, with what its decision obliges to remember on disk.

    Where policy knows a caller's past, its calls are decided one after the other. Raises CannotDecide, NotPermitted.
    """
    if not remembers(gate):
        given = await _allowed(gate, call, clearance, record, gate.sessions.view(call.caller, call.session))
        if given.obligations.labels or given.obligations.limits:
            await remember(gate, given)
        return given
    async with gate.memory.turn(owner(gate, call.caller)):
        view = await past(gate, call.caller, call.session)
        try:
            given = await _allowed(gate, call, clearance, record, view)
        except NotPermitted:
            await remember_denied(gate, call)
            raise
        await remember(gate, given)
        return given


async def _allowed(gate: Gate, call: Call, clearance: Clearance, record: Recording, view: SessionView) -> Permit:
    """The permit of a call that policy allows, at once or with a human's approval."""
    try:
        return permit(call, clearance, await ask(gate, call, record, view))
    except ApprovalNeeded as needed:
        again, consent = await approved(gate, call, needed)
    record.agreed(consent)
    return permit(call, again, await ask(gate, call, record, view, consent.granted.told()))


async def ask(
    gate: Gate, call: Call, record: Recording, view: SessionView, approval: Mapping[str, Any] | None = None
) -> Decision:
    """The decision of the active policy on `call`, whatever its effect. Raises CannotDecide."""
    now = gate.clock.now()
    values = input_values(call, session=view, sidecar=gate.sidecar, now=now, approval=approval)
    record.asked(call, input_text(values))
    began = time.perf_counter()
    answer = await put(gate, EntryPoint.DECISION, values)
    gate.metrics.decided(time.perf_counter() - began)
    decision = read_decision(answer, engine=gate.engine.name, decision_id=gate.new_id())
    require_fit(decision, call, answer.policy, now)
    return decision


def _difference(gate: Gate, exchange: Exchange, call: Call) -> str:
    """What is another about the tool than was pinned: why it may have been denied."""
    definition = call.definition
    if definition is None or call.name is None or definition.pinned not in ("changed", "renamed"):
        return ""
    return difference(gate, exchange, call.name)


async def _defined(gate: Gate, exchange: Exchange, call: Call) -> Call:
    if call.method != "tools/call" or call.name is None:
        return call
    pinning = gate.pinning(call.upstream)
    definition: Definition | None = gate.definitions.known(call.caller, call.upstream, call.name, pinning)
    if definition is None:
        fetch = lambda: fetch_tools(gate, exchange)  # noqa: E731  (made only when there is something to fetch)
        definition = await gate.definitions.of(call.caller, call.upstream, call.name, fetch, pinning)
    return call if definition is None else structs.replace(call, definition=definition)
