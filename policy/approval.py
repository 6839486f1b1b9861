"""Approvals: what is asked of a human, how it goes on, and what an answer is worth. Pure.

    waiting --grant--> granted --spend--> spent
            --reject--> rejected          --expire--> expired
            --expire--> expired
            --cancel--> cancelled

An approval is for one call: of one caller, at one upstream, with the same params, the same definition of the tool, the
same policy, and the same wish of it. It is spent by that call, once. An answer counts by its signature, and for no
other approval. Where policy wants several steps, so many different people have to grant it; until the last of them it
waits.
"""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct, structs

from evidence.canonical import canonical
from policy.obligations import Unmet, read_obligations
from policy.vocabulary import Call, Decision

DEFAULT_SECONDS: Final = 3600
LONGEST_SECONDS: Final = 7 * 24 * 3600
"""How long an approval waits for its answer, and how long it can be spent, all in all."""

MAX_APPROVERS: Final = 64
MAX_STEPS: Final = 8

CLIENT: Final = "client_attested"
"""How an answer is verified that the agent's own client gave: not at all."""

_TERMS: Final = frozenset({"expires", "approvers", "steps", CLIENT})
_DOMAIN: Final = b"agentgate approval v1\0"


class State(StrEnum):
    """Where an approval stands."""

    WAITING = "waiting"
    GRANTED = "granted"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SPENT = "spent"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What can happen to one."""

    GRANT = "grant"
    REJECT = "reject"
    EXPIRE = "expire"
    SPEND = "spend"
    CANCEL = "cancel"


TURNS: Final[dict[tuple[State, Event], State]] = {
    (State.WAITING, Event.GRANT): State.GRANTED,
    (State.WAITING, Event.REJECT): State.REJECTED,
    (State.WAITING, Event.EXPIRE): State.EXPIRED,
    (State.WAITING, Event.CANCEL): State.CANCELLED,
    (State.GRANTED, Event.SPEND): State.SPENT,
    (State.GRANTED, Event.EXPIRE): State.EXPIRED,
}
"""What may follow what; a pair that is not here changes nothing and is refused."""


class NoTurn(ValueError):
    """An approval that this cannot happen to any more."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"the approval is {state}: {event} comes too late")
        self.state = state
        self.event = event


def turn(state: State, event: Event) -> State:
    """The state after an event. Raises NoTurn."""
    after = TURNS.get((state, event))
    if after is None:
        raise NoTurn(state, event)
    return after


class SameApprover(ValueError):
    """Somebody grants an approval for the second time, which needs as many people as it has steps."""

    def __init__(self, approver: str) -> None:
        super().__init__(f"{approver} has approved it already, and it takes somebody else as well")


class Terms(Struct, frozen=True):
    """How policy wants to have it approved: within so many seconds, by so many of these (anybody if it names none).

    With `client_attested` the word of the agent's own client is enough.
    """

    seconds: int = DEFAULT_SECONDS
    approvers: tuple[str, ...] = ()
    steps: int = 1
    client_attested: bool = False


class Asked(Struct, frozen=True):
    """One approval as it was asked for; times are seconds since 1970. `shown` is what of its params is shown."""

    id: str
    binding: str
    owner: str
    tenant: str
    agent: str
    upstream: str
    method: str
    name: str
    shown: str
    reason: str
    asked_at: int
    expires_at: int
    approvers: tuple[str, ...] = ()
    steps: int = 1
    client_attested: bool = False


class Answer(Struct, frozen=True):
    """What somebody answered to one approval, and how that somebody was verified."""

    id: str
    binding: str
    event: Event
    approver: str
    authn_method: str
    at: int


def terms_of(decision: Decision) -> Terms:
    """What `obligations.approval` of a decision says. Raises Unmet; for another obligation that nobody can keep, too.

    `{"expires": seconds, "approvers": [name…], "steps": number, "client_attested": true}`, each if it is given. The
    client's word is one person's, whoever that is: it goes with neither names nor further steps.
    """
    read_obligations(beside_approval(decision))
    value = decision.obligations.get("approval", {})
    if not isinstance(value, Mapping) or not value.keys() <= _TERMS:
        raise Unmet("approval")
    seconds, steps = value.get("expires", DEFAULT_SECONDS), value.get("steps", 1)
    approvers, attested = value.get("approvers", []), value.get(CLIENT, False)
    if not _within(seconds, LONGEST_SECONDS) or not _within(steps, MAX_STEPS) or not _names(approvers):
        raise Unmet("approval")
    enough = not approvers or len(set(approvers)) >= steps
    if not enough or not isinstance(attested, bool) or (attested and (approvers or steps > 1)):
        raise Unmet("approval")
    return Terms(seconds, tuple(approvers), steps, attested)


def beside_approval(decision: Decision) -> dict[str, Any]:
    """The other obligations of a wish for an approval: a human is asked only about what can be kept afterwards."""
    return {name: value for name, value in decision.obligations.items() if name != "approval"}


def _within(value: Any, most: int) -> bool:
    return type(value) is int and 1 <= value <= most


def _names(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= MAX_APPROVERS and all(isinstance(one, str) for one in value)


def after(asked: Asked, state: State, event: Event, approver: str, granted_by: Sequence[str]) -> State:
    """The state after an answer of `approver`; `granted_by` are those who have granted it before.

    Raises NoTurn, SameApprover.
    """
    following = turn(state, event)
    if event is not Event.GRANT:
        return following
    if approver in granted_by:
        raise SameApprover(approver)
    return following if len(granted_by) + 1 >= asked.steps else state


def bound(call: Call, decision: Decision, terms: Terms) -> bytes:
    """What an approval is for, in canonical form: another caller, call, definition or policy is another approval.

    So is another reason, and another circle of those who may agree: what somebody agreed to while policy asked for less
    does not count when it asks for more (a label, the time).
    """
    caller = call.caller
    return canonical(
        {
            "caller": [caller.tenant, caller.agent, caller.workload, caller.user],
            "upstream": call.upstream,
            "method": call.method,
            "name": call.name,
            "params": _without_meta(call.params),
            "definition": None if call.definition is None else call.definition.digest,
            "policy": decision.versions["policy"],
            "reason": decision.reason,
            "terms": [sorted(set(terms.approvers)), terms.steps, terms.client_attested],
        }
    )


def seal(answer: Answer, key: Ed25519PrivateKey) -> str:
    """An answer with its signature, as one line of JSON."""
    signature = key.sign(_DOMAIN + canonical(structs.asdict(answer)))
    return json.dumps({**structs.asdict(answer), "signature": signature.hex()}, sort_keys=True)


def unseal(text: str, key: Ed25519PublicKey) -> Answer:
    """A signed answer. Raises ValueError for one that is none, or that another key has signed."""
    try:
        members = json.loads(text)
        signature = bytes.fromhex(members.pop("signature"))
        answer = Answer(**members)
        answer = structs.replace(answer, event=Event(answer.event))
        key.verify(signature, _DOMAIN + canonical(structs.asdict(answer)))
    except (InvalidSignature, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError("not a signed answer") from error
    return answer


def _without_meta(params: Any) -> Any:
    """Params without `_meta`: progress tokens and trace ids are others when the identical call is repeated."""
    if not isinstance(params, Mapping):
        return params
    return {name: value for name, value in params.items() if name != "_meta"}
