"""Approvals: what is asked of a human, how it goes on, and what an answer is worth. Pure.

    waiting --grant--> granted --spend--> spent
            --reject--> rejected          --expire--> expired
            --expire--> expired
            --cancel--> cancelled

An approval is for one call: of one caller, at one upstream, with the same params, the same definition of the tool and
the same policy. It is spent by that call, once. An answer counts by its signature, and for no other approval.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct, structs

from evidence.canonical import canonical
from policy.obligations import Unmet
from policy.vocabulary import Call, Decision

DEFAULT_SECONDS: Final = 3600
LONGEST_SECONDS: Final = 7 * 24 * 3600
"""How long an approval waits for its answer, and how long it can be spent, all in all."""

MAX_APPROVERS: Final = 64

_TERMS: Final = frozenset({"expires", "approvers", "steps"})
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


class Terms(Struct, frozen=True):
    """How policy wants to have it approved: within so many seconds, by one of these (anybody if it names none)."""

    seconds: int = DEFAULT_SECONDS
    approvers: tuple[str, ...] = ()


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


class Answer(Struct, frozen=True):
    """What somebody answered to one approval, and how that somebody was verified."""

    id: str
    binding: str
    event: Event
    approver: str
    authn_method: str
    at: int


def terms_of(decision: Decision) -> Terms:
    """What `obligations.approval` of a decision says: `{"expires": seconds, "approvers": [name…]}`. Raises Unmet."""
    others = decision.obligations.keys() - {"approval"}
    if others:
        raise Unmet(sorted(others)[0])
    value = decision.obligations.get("approval", {})
    if not isinstance(value, Mapping) or not value.keys() <= _TERMS or value.get("steps", 1) != 1:
        raise Unmet("approval")
    seconds, approvers = value.get("expires", DEFAULT_SECONDS), value.get("approvers", [])
    if type(seconds) is not int or not 1 <= seconds <= LONGEST_SECONDS:
        raise Unmet("approval")
    named = isinstance(approvers, list) and all(isinstance(one, str) for one in approvers)
    if not named or len(approvers) > MAX_APPROVERS:
        raise Unmet("approval")
    return Terms(seconds, tuple(approvers))


def bound(call: Call, decision: Decision) -> bytes:
    """What an approval is for, in canonical form: another caller, call, definition or policy is another approval."""
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
