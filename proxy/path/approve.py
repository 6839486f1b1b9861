"""Approve: a call that policy wants a human to agree to waits as an approval, and passes once when it is repeated.

asked   the first call: refused, with the approval's id, or held while its client asks (`elicit`); a human is asked
again   the identical call while it waits: refused, the same approval
agreed  the identical call after it was granted: contained and decided again, with `input.approval`; the obligations of
        that decision hold
spent   with its intent (`record`): what is refused after all, by policy or a limit, spends nothing
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from evidence.record import Entry, Kind
from policy.approval import Asked, State, beside_approval, bound, terms_of
from policy.approval_store import Approval, TooMany, Unspendable
from policy.containment import clear
from policy.decision import ApprovalNeeded, ApprovalRejected, ObligationUnmet
from policy.obligations import Unmet, read_obligations
from policy.vocabulary import Call, Caller, Clearance, Decision
from proxy.approval_params import shown_params
from proxy.approvals import Granted
from proxy.gate import Gate
from proxy.path.bodies import owner_text
from proxy.refusals import Busy

_ANSWERABLE: Final = "answers given on this machine do not count: set approvals.same_user, or separate the agent"


class Consent(Struct, frozen=True):
    """A granted approval that a call is decided again with: `needed` is what it was asked for, `call` the call's id."""

    call: str
    needed: ApprovalNeeded
    granted: Granted


async def approved(gate: Gate, call: Call, needed: ApprovalNeeded) -> tuple[Clearance, Consent]:
    """What the call is decided again with, if somebody has granted exactly this one. Nothing is spent yet.

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
    granted = await gate.approvals.granted(approval)
    if granted is None:
        raise needed
    return clear(gate.orders.current, call), Consent(call.id, needed, granted)


async def spend(gate: Gate, consents: Sequence[Consent]) -> list[Entry]:
    """Spend the approvals of calls that are about to pass, all or none; the records of it.

    Raises ApprovalNeeded for one that another call has spent meanwhile, or that is over, CannotDecide.
    """
    if not consents:
        return []
    try:
        await gate.approvals.spend([one.granted for one in consents], unix_seconds(gate))
    except Unspendable as gone:
        needed = next(one.needed for one in consents if one.granted.id == gone.id)
        needed.approval, needed.detail = None, "its approval is over, or was spent by another call, meanwhile"
        raise needed from None
    return [_spent(one.granted, one.call) for one in consents]


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
        hidden = read_obligations(beside_approval(decision)).params
    except Unmet as unmet:
        raise ObligationUnmet(decision, unmet.name) from unmet
    journal = gate.journals[call.caller.tenant]
    return Asked(
        id=gate.new_id(),
        binding=journal.pseudonym("approval", bound(call, decision, terms).decode()),
        owner=owner_of(gate, call.caller),
        tenant=call.caller.tenant,
        agent=call.caller.agent,
        upstream=call.upstream,
        method=call.method,
        name=call.name or "",
        shown=shown_params(call.params, hidden),
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
