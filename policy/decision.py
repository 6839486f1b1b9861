"""The contract with policy, both ways: the document that is asked about, and what its answer permits.

Pure: values in, values out. This module is the only maker of a Permit.

    CannotDecide (policy.engine)   no answer that counts; the call is refused
    |-- Undecided                  the rule has no value for this input
    |-- BadDecision                the value is not exactly a decision
    |   `-- BadException           it goes by an exception that it cannot go by
    `-- Unaskable                  the call cannot be put into a document

    NotPermitted                   a decision that does not let the call pass
    |-- Denied                     effect "deny"
    |-- ApprovalNeeded             effect "require_approval"
    |-- ApprovalRejected           a human was asked, and said no
    |-- ObligationUnmet            "allow", on a condition that this sidecar cannot keep
    `-- LimitReached               "allow", but so many calls have been allowed already
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, assert_never

import orjson

from evidence.canonical import Spelled
from evidence.clock import Instant
from policy.approval import Asked
from policy.engine import UNDEFINED, Answer, CannotDecide, Policy
from policy.exceptions import unfit
from policy.obligations import Durability, Obligations, Recording, Unmet, most_reticent, read_obligations, strictest
from policy.vocabulary import (
    Call,
    Caller,
    Clearance,
    Decision,
    Definition,
    Effect,
    Listed,
    Permit,
    SessionView,
    SidecarView,
)

VERSION: Final = 1
"""The version of the input document."""

_EFFECTS: Final[Mapping[str, Effect]] = {
    "allow": "allow",
    "deny": "deny",
    "require_approval": "require_approval",
}
_MEMBERS: Final = frozenset({"effect", "reason", "message", "rules", "obligations", "shadow", "exception"})
_REASON: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_PLAIN: Final = orjson.OPT_PASSTHROUGH_DATACLASS


class Undecided(CannotDecide):
    """The entry point is undefined for this input."""

    code = "policy_undefined"


class BadDecision(CannotDecide):
    """The entry point has a value that is not exactly a decision."""

    code = "policy_malformed"


class BadException(BadDecision):
    """A decision that names an exception which is not in force, is not about the call, or could not have been meant."""

    code = "exception_unfit"


class Unaskable(CannotDecide):
    """A value of the call has no JSON text (a lone surrogate, a cycle)."""

    code = "input_unfit"


class NotPermitted(Exception):
    """Policy answered, and the answer does not let the call pass."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(f"{decision.effect}: {decision.reason}")
        self.decision = decision
        self.detail = ""
        """What an operator may want to know besides."""

    @property
    def code(self) -> str:
        """The reason code of the refusal."""
        return self.decision.reason


class Denied(NotPermitted):
    """Effect "deny"."""


class ApprovalNeeded(NotPermitted):
    """Effect "require_approval".

    `asked` is what waits, if anything does; `approval` its id, where whoever made the call can do something with it;
    `question` the result that asks the client's user to help, where that is how the call is answered.
    """

    asked: Asked | None = None
    approval: str | None = None
    question: Mapping[str, Any] | None = None


class ApprovalRejected(NotPermitted):
    """Somebody has been asked, and has said no."""

    def __init__(self, decision: Decision, approval: str) -> None:
        super().__init__(decision)
        self.approval = approval

    @property
    def code(self) -> str:
        """Always `approval_rejected`."""
        return "approval_rejected"


class ObligationUnmet(NotPermitted):
    """Allowed under an obligation that this sidecar does not keep; `name` says which."""

    def __init__(self, decision: Decision, name: str) -> None:
        super().__init__(decision)
        self.name = name

    @property
    def code(self) -> str:
        """Always `obligation_unmet`: the reason of the decision speaks of an allowance."""
        return "obligation_unmet"


class LimitReached(NotPermitted):
    """Allowed within a limit that is reached; `key` says which."""

    def __init__(self, decision: Decision, key: str) -> None:
        super().__init__(decision)
        self.key = key

    @property
    def code(self) -> str:
        """Always `limit_reached`: the reason of the decision speaks of an allowance."""
        return "limit_reached"


def input_values(
    call: Call,
    *,
    session: SessionView,
    sidecar: SidecarView,
    now: Instant,
    approval: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The input (version 1) for `agentgate/decision`."""
    return _document(call, session, sidecar, now, approval)


def listing_values(
    call: Call,
    items: Sequence[Listed],
    *,
    session: SessionView,
    sidecar: SidecarView,
    now: Instant,
) -> dict[str, Any]:
    """The input for `agentgate/listing`: `call` is the list request, `items` what the upstream listed."""
    document = _document(call, session, sidecar, now, None)
    document["items"] = [{"name": item.name, "definition": item.definition} for item in items]
    return document


def input_text(values: Mapping[str, Any]) -> bytes:
    """Input as UTF-8 JSON text, escaped only where JSON must be. Raises Unaskable."""
    try:
        return orjson.dumps(values, default=_plain, option=_PLAIN)
    except TypeError as error:
        raise Unaskable(str(error)) from error


def read_decision(answer: Answer, *, engine: str, decision_id: str) -> Decision:
    """The decision in `answer`, if it is exactly one. Raises Undecided or BadDecision.

    `effect` and `reason` must be there; `message`, `rules`, `obligations`, `shadow` and `exception` may
    be; nothing else may, since a misspelt obligation would otherwise be one that nobody keeps.
    """
    value, policy = answer.value, answer.policy
    if value is UNDEFINED:
        raise Undecided("agentgate/decision is undefined for this input")
    if not isinstance(value, dict) or not value.keys() <= _MEMBERS:
        raise BadDecision("a decision is an object with no other members than " + ", ".join(sorted(_MEMBERS)))
    return Decision(
        id=decision_id,
        effect=_effect(value.get("effect")),
        reason=_reason(value.get("reason")),
        message=_typed(value, "message", str, ""),
        rules=_rules(value.get("rules", [])),
        obligations=_typed(value, "obligations", dict, {}),
        engine=engine,
        versions={
            "policy": policy.revision,
            "data": policy.data_revision,
            "exceptions": policy.exceptions_revision,
            "pins": policy.pins_revision,
        },
        signed=policy.signed,
        shadow=_typed(value, "shadow", dict, None),
        exception=_typed(value, "exception", str, None),
    )


def require_fit(decision: Decision, call: Call, policy: Policy, now: Instant) -> None:
    """Raise BadException unless the exception that a decision names, if it names one, lets it go by that.

    It must be one of those that were verified for `policy`, in force at `now`, about this very call, and not for what
    no exception is for (see `exceptions.unfit`); and only an allowance, or a wish for an approval, goes by one.
    """
    if decision.exception is None:
        return
    if decision.effect == "deny":
        raise BadException("a denial that names an exception")
    problem = unfit(policy.exceptions.get(decision.exception), call, now.unix_ns // 1_000_000_000)
    if problem is not None:
        raise BadException(problem)


def permit(call: Call, clearance: Clearance, decision: Decision) -> Permit:
    """Proof that `call` may pass.

    Raises Denied, ApprovalNeeded or ObligationUnmet; ValueError for the clearance of another call.
    """
    if clearance.call != call.id:
        raise ValueError("the clearance belongs to another call")
    match decision.effect:
        case "allow":
            try:
                return Permit(call, clearance, decision, read_obligations(decision.obligations))
            except Unmet as unmet:
                raise ObligationUnmet(decision, unmet.name) from unmet
        case "deny":
            raise Denied(decision)
        case "require_approval":
            raise ApprovalNeeded(decision)
        case _ as never:
            assert_never(never)


def judge_result(decision: Decision) -> Obligations:
    """What a decision on a result obliges to: to redact and to label, for nothing else can be kept any more.

    Raises Denied or ObligationUnmet.
    """
    if decision.effect == "deny":
        raise Denied(decision)
    try:
        found = read_obligations(decision.obligations)
    except Unmet as unmet:
        raise ObligationUnmet(decision, unmet.name) from unmet
    if decision.effect != "allow" or found != Obligations(labels=found.labels, result=found.result):
        raise ObligationUnmet(decision, "of a result: redact.result and label only")
    return found


def durability(decision: Decision) -> Durability | None:
    """The strictest durability that a permitted decision obliges to; None when it says nothing."""
    asked = decision.obligations.get("durability")
    return None if asked is None else strictest(asked)


def recording(decision: Decision) -> Recording | None:
    """The most reticent recording that a decision obliges to; None when it says nothing."""
    return most_reticent(decision.obligations.get("record"))


def hidden(answer: Answer) -> frozenset[str] | None:
    """The names that a listing hides; None (hide everything) if the answer is not exactly `{"hide": [name…]}`."""
    value = answer.value
    if not isinstance(value, dict) or value.keys() != {"hide"}:
        return None
    names = value["hide"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return frozenset(names)


def _document(
    call: Call, session: SessionView, sidecar: SidecarView, now: Instant, approval: Mapping[str, Any] | None
) -> dict[str, Any]:
    return {
        "version": VERSION,
        "caller": _caller(call.caller),
        "session": {
            "id": session.id,
            "calls": session.calls,
            "denials": session.denials,
            "labels": session.labels,
            "recent": session.recent,
        },
        "call": {
            "direction": call.direction,
            "transport": call.transport,
            "era": call.era,
            "protocol_version": call.protocol_version,
            "method": call.method,
            "upstream": call.upstream,
            "name": call.name,
            "params": call.params,
            "arguments": call.arguments,
            "definition": _definition(call.definition),
        },
        "approval": approval,
        "sidecar": {"id": sidecar.id, "stale_seconds": sidecar.stale_seconds, "isolation": sidecar.isolation},
        "time": {"rfc3339": now.rfc3339(), "unix_ns": now.unix_ns},
    }


def _caller(caller: Caller) -> dict[str, Any]:
    return {
        "tenant": caller.tenant,
        "agent": caller.agent,
        "workload": caller.workload,
        "user": caller.user,
        "authn_method": caller.authn_method,
    }


def _definition(definition: Definition | None) -> dict[str, Any] | None:
    if definition is None:
        return None
    return {
        "digest": definition.digest,
        "pinned": definition.pinned,
        "annotations": definition.annotations,
        "findings": definition.findings,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Spelled):
        return orjson.Fragment(value.spelling)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON text")


def _effect(value: Any) -> Effect:
    effect = _EFFECTS.get(value) if isinstance(value, str) else None
    if effect is None:
        raise BadDecision("effect is not one of allow, deny, require_approval")
    return effect


def _reason(value: Any) -> str:
    if not isinstance(value, str) or _REASON.fullmatch(value) is None:
        raise BadDecision("reason is not a code: lower-case letters, digits and _, at most 64")
    return value


def _rules(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(rule, str) for rule in value):
        raise BadDecision("rules is not a list of strings")
    return tuple(value)


def _typed(value: Mapping[str, Any], member: str, kind: type, absent: Any) -> Any:
    found = value.get(member, absent)
    if found is not absent and not isinstance(found, kind):
        raise BadDecision(f"{member} is not of type {kind.__name__}")
    return found
