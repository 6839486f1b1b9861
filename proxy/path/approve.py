"""Approve: a call that policy wants a human to agree to waits as an approval, and passes once when it is repeated.

asked   the first call: refused, with the approval's id, or held while its client asks (`elicit`); a human is asked
again   the identical call while it waits: refused, the same approval
spent   the identical call after it was granted: contained and decided again, with `input.approval`
"""

from typing import Any, Final

import orjson

from evidence.record import Entry, Kind
from policy.approval import Asked, State, bound, terms_of
from policy.approval_store import Approval, TooMany
from policy.containment import clear
from policy.decision import ApprovalNeeded, ApprovalRejected, ObligationUnmet
from policy.obligations import Unmet
from policy.vocabulary import Call, Caller, Clearance, Decision
from proxy.approvals import SHOWN_CHARACTERS, Granted
from proxy.gate import Gate
from proxy.path.bodies import owner_text
from proxy.refusals import Busy

_ANSWERABLE: Final = "answers given on this machine do not count: set approvals.same_user, or separate the agent"


async def approved(gate: Gate, call: Call, needed: ApprovalNeeded) -> tuple[Clearance, dict[str, Any]]:
    """What the call is decided again with, if somebody has granted exactly this one; the approval is spent.

    Raises ApprovalNeeded or ApprovalRejected, Contained, Busy for a caller with too many waiting, CannotDecide.
    """
    now = unix_seconds(gate)
    wanted = _wanted(gate, call, needed.decision, now)
    if not gate.approvals.answerable and not wanted.client_attested:
        needed.detail = _ANSWERABLE
        raise needed
    try:
        approval, fresh = await gate.approvals.stand(wanted, now)
    except TooMany as error:
        raise Busy("too_many_approvals", "the caller has too many approvals waiting") from error
    needed.asked = approval.asked
    needed.approval = approval.asked.id if gate.approvals.answerable else None
    if fresh:
        await gate.journals[call.caller.tenant].append(_entry(approval, call.id))
    if approval.state is State.REJECTED:
        raise ApprovalRejected(needed.decision, approval.asked.id)
    if approval.state is not State.GRANTED:
        raise needed
    # The answer is recorded before it is used, however soon that is.
    await note_news(gate)
    granted = await gate.approvals.spend(approval, now)
    if granted is None:
        raise needed
    await gate.journals[call.caller.tenant].append(_spent(granted, call.id))
    return clear(gate.orders.current, call), granted.told()


def owner_of(gate: Gate, caller: Caller) -> str:
    """Whose approvals they are: a pseudonym of the verified caller."""
    return gate.journals[caller.tenant].pseudonym("memory", owner_text(caller))


def unix_seconds(gate: Gate) -> int:
    """Now, in whole seconds since 1970: the time of approvals."""
    return gate.clock.now().unix_ns // 1_000_000_000


async def note_news(gate: Gate) -> None:
    """Record what has become of approvals: answered, expired."""
    for approval in await gate.approvals.news(tuple(gate.journals), unix_seconds(gate)):
        await gate.journals[approval.asked.tenant].append(_entry(approval, None))


def _wanted(gate: Gate, call: Call, decision: Decision, now: int) -> Asked:
    try:
        terms = terms_of(decision)
    except Unmet as unmet:
        raise ObligationUnmet(decision, unmet.name) from unmet
    journal = gate.journals[call.caller.tenant]
    shown = orjson.dumps(call.params, default=str).decode()
    return Asked(
        id=gate.new_id(),
        binding=journal.pseudonym("approval", bound(call, decision).decode()),
        owner=owner_of(gate, call.caller),
        tenant=call.caller.tenant,
        agent=call.caller.agent,
        upstream=call.upstream,
        method=call.method,
        name=call.name or "",
        shown=shown if len(shown) <= SHOWN_CHARACTERS else shown[:SHOWN_CHARACTERS] + " ...",
        reason=decision.reason,
        asked_at=now,
        expires_at=now + terms.seconds,
        approvers=terms.approvers,
        steps=terms.steps,
        client_attested=terms.client_attested,
    )


def _entry(approval: Approval, call: str | None) -> Entry:
    asked = approval.asked
    body = {
        "state": str(approval.state) if call is None else "asked",
        "approval": asked.id,
        "upstream": asked.upstream,
        "method": asked.method,
        "reason": asked.reason,
        "expires_at": asked.expires_at,
        "approvers": list(asked.approvers),
        "steps": asked.steps,
        "client_attested": asked.client_attested,
        "answers": list(approval.answers),
    }
    return Entry(Kind.APPROVAL, body, call=call)


def _spent(granted: Granted, call: str) -> Entry:
    told = granted.told()
    body = {
        "state": "spent",
        "approval": granted.id,
        "approvers": told["approvers"],
        "authn_method": told["authn_method"],
        "answers": list(granted.signed),
    }
    return Entry(Kind.APPROVAL, body, call=call)
