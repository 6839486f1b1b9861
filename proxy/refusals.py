"""Why a message is refused, and how that is said: one table maps each reason to the wire.

What the steps raise (each leaf has a row in the table; a test holds it):

    Malformed            wire         two readers could read it differently      400 / 413 / 403
    NumberNotExact       here         an argument changes in an IEEE double      tool result / error
    Contained            containment  an order applies                           -31404
    Denied               decision     policy says no                             -31403
    ApprovalNeeded       decision     a human must agree first                   -31409
    ApprovalRejected     decision     a human was asked, and said no             -31403
    ObligationUnmet      decision     policy asks for what cannot be given       -31503
    LimitReached         decision     so many calls have been allowed already    -31403
    CannotDecide         engine       no answer of policy                        -31503
    NotRecorded          evidence     the intent cannot be made durable          -31503
    Busy                 here         too much in flight, or draining            -31503
    NoSuchSession        here         not this caller's session                  404
    NoSuchTask           here         not this caller's task                     -32602
    NoSuchApproval       here         not this call's question of ours           -32602
    UpstreamDown         vocabulary   not reachable, or broke off                -32603
    BadAnswer            here         the upstream broke the protocol            -32603

A denial never is 401, 403, 4xx or 5xx: those kill the session of common clients.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from evidence.journal import NotRecorded
from policy.containment import Contained
from policy.decision import ApprovalNeeded, ApprovalRejected, Denied, LimitReached, ObligationUnmet
from policy.engine import CannotDecide
from policy.vocabulary import Decision
from proxy.going_on import log_defect
from proxy.vocabulary import Reply, UpstreamDown
from proxy.wire.message import Envelope, Message, MessageId, MessageKind, error_answer, result_answer
from proxy.wire.rules import RULES, Malformed, Rule

JSON: Final = (("Content-Type", "application/json"),)
DATA_KEY: Final = "agentgate/decision"
"""Where `_meta` of a refused tool result carries what `data` carries in an error."""

DENIED: Final = -31403
CONTAINED: Final = -31404
APPROVAL_NEEDED: Final = -31409
CANNOT_DECIDE: Final = -31503
INTERNAL: Final = -32603
INVALID_REQUEST: Final = -32600
INVALID_PARAMS: Final = -32602


class NumberNotExact(Exception):
    """A call holds numbers that change when they go through an IEEE double.

    What was decided would not be what is executed.
    """

    def __init__(self, spellings: tuple[str, ...]) -> None:
        super().__init__(", ".join(spellings))
        self.spellings = spellings


class Busy(Exception):
    """A bound of the sidecar is reached (`code` names it), or it is draining; `what` says which."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code
        self.what = what


class NoSuchSession(Exception):
    """The session id is unknown, or belongs to another caller; the two look alike on purpose."""


class NoSuchTask(Exception):
    """The id of a task is another caller's, or nobody's; the two look alike on purpose."""


class NoSuchApproval(Exception):
    """A request comes back with a state that the sidecar has not sealed for it, or without the answer."""


class BadAnswer(Exception):
    """The upstream's answer is not one that this exchange can have.

    `code` is a reason code, `what` is for the operator.
    """

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code
        self.what = what


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason in the form that the wire and evidence take.

    `text` goes to the agent: it never tells how to get around the refusal. `detail` goes to the
    operator (evidence, sealed). `status` is the HTTP status of the whole answer. `question` is the result that
    asks the client's user to help, in the place of what the agent is told.
    """

    code: str
    rpc: int
    text: str
    detail: str = ""
    status: int = 200
    rule: str | None = None
    decision: Decision | None = None
    order: int | None = None
    approval: str | None = None
    question: Mapping[str, Any] | None = None


def explain(error: Exception) -> Refusal:
    """The refusal for what a step raised; anything unforeseen is `internal_error`, and still a refusal."""
    for kind in type(error).__mro__:
        if row := _TABLE.get(kind):
            return row(error)
    log_defect(error, ", the call is refused")
    return Refusal("internal_error", INTERNAL, "AgentGate failed inside and refused the call.", repr(error))


def _malformed(error: Malformed) -> Refusal:
    row = RULES[error.rule]
    text = f"{row.meaning} {error.what}".rstrip()
    return Refusal(str(error.rule), error.code, text, row.remedy, status=error.status, rule=str(error.rule))


def _number(error: NumberNotExact) -> Refusal:
    rule = Rule.NUMBER_NOT_EXACT
    row = RULES[rule]
    return Refusal(str(rule), row.code, f"{row.meaning} {row.remedy}", str(error), rule=str(rule))


def _contained(error: Contained) -> Refusal:
    text = "An operator has stopped this agent or tool."
    return Refusal("contained", CONTAINED, text, error.order.reason, order=error.order.number)


def _denied(error: Denied) -> Refusal:
    decision = error.decision
    text = decision.message or "Policy does not allow this."
    return Refusal(decision.reason, DENIED, text, error.detail, decision=decision)


def _approval(error: ApprovalNeeded) -> Refusal:
    decision = error.decision
    text = decision.message or "A human must approve this."
    if error.approval is not None:
        text += f" Ask for approval {error.approval}, then repeat the identical call."
    return Refusal(
        decision.reason,
        APPROVAL_NEEDED,
        text,
        error.detail,
        decision=decision,
        approval=error.approval,
        question=error.question,
    )


def _rejected(error: ApprovalRejected) -> Refusal:
    text = "A human was asked to approve this, and did not."
    return Refusal("approval_rejected", DENIED, text, decision=error.decision, approval=error.approval)


def _obligation(error: ObligationUnmet) -> Refusal:
    text = "Policy asks for something that this sidecar cannot do."
    return Refusal("obligation_unmet", CANNOT_DECIDE, text, f"obligation {error.name}", decision=error.decision)


def _limit(error: LimitReached) -> Refusal:
    text = "So many calls are allowed in this time, and no more; try again later."
    return Refusal("limit_reached", DENIED, text, f"limit {error.key}", decision=error.decision)


def _undecided(error: CannotDecide) -> Refusal:
    return Refusal(error.code, CANNOT_DECIDE, "Policy gave no answer, so the call is refused.", error.what)


def _unrecorded(error: NotRecorded) -> Refusal:
    return Refusal(error.code, CANNOT_DECIDE, "The call could not be recorded, so it is refused.", error.what)


def _busy(error: Busy) -> Refusal:
    return Refusal(error.code, CANNOT_DECIDE, "AgentGate cannot take this now; try again later.", error.what)


def _session(_: NoSuchSession) -> Refusal:
    return Refusal("session_not_found", INVALID_REQUEST, "Session not found", status=404)


def _task(_: NoSuchTask) -> Refusal:
    return Refusal("task_not_found", INVALID_PARAMS, "Task not found.")


def _approval_unknown(_: NoSuchApproval) -> Refusal:
    text = "This answers no question about an approval of this call."
    return Refusal("approval_unknown", INVALID_PARAMS, text)


def _down(error: UpstreamDown) -> Refusal:
    return Refusal(error.code, INTERNAL, f"The tool server {error.upstream} does not answer.", error.what)


def _bad_answer(error: BadAnswer) -> Refusal:
    return Refusal(
        error.code, INTERNAL, "The tool server's answer breaks the protocol and was not delivered.", error.what
    )


_TABLE: Final[Mapping[type, Callable[[Any], Refusal]]] = {
    Malformed: _malformed,
    NumberNotExact: _number,
    Contained: _contained,
    Denied: _denied,
    ApprovalNeeded: _approval,
    ApprovalRejected: _rejected,
    ObligationUnmet: _obligation,
    LimitReached: _limit,
    CannotDecide: _undecided,
    NotRecorded: _unrecorded,
    Busy: _busy,
    NoSuchSession: _session,
    NoSuchTask: _task,
    NoSuchApproval: _approval_unknown,
    UpstreamDown: _down,
    BadAnswer: _bad_answer,
}


def data_of(refusal: Refusal, reference: str) -> dict[str, Any]:
    """What a program learns of a refusal: the same members in `_meta` of a result and in `data` of an error."""
    data: dict[str, Any] = {"code": refusal.code, "reference": reference}
    if refusal.rule is not None:
        data["rule"] = refusal.rule
    if refusal.approval is not None:
        data["approval"] = refusal.approval
    if refusal.decision is not None:
        data["effect"] = refusal.decision.effect
        data["decision"] = refusal.decision.id
        data["rules"] = list(refusal.decision.rules)
    return data


def message_answer(message: Message, refusal: Refusal, reference: str) -> bytes | None:
    """The answer to one refused message: a tool result, an error, or None where nothing is answered (notifications)."""
    if message.kind is not MessageKind.REQUEST or message.id is None:
        return None
    if refusal.question is not None:
        return result_answer(message.id, refusal.question)
    data = data_of(refusal, reference)
    if message.method == "tools/call" and refusal.status == 200:
        return result_answer(message.id, _tool_result(refusal, reference, data))
    return error_answer(message.id, refusal.rpc, _sentence(refusal, reference), data)


def _tool_result(refusal: Refusal, reference: str, data: dict[str, Any]) -> dict[str, Any]:
    text = _sentence(refusal, reference)
    return {
        "resultType": "complete",
        "isError": True,
        "content": [{"type": "text", "text": text}],
        "_meta": {DATA_KEY: data},
    }


def _sentence(refusal: Refusal, reference: str) -> str:
    if refusal.status == 404:
        return refusal.text
    return f"AgentGate: {refusal.text} (reason: {refusal.code}; ask your operator, reference {reference})"


def envelope_reply(envelope: Envelope, refusal: Refusal, reference: str) -> Reply:
    """The whole HTTP answer to a refused envelope: an array for a batch, 202 where there is nothing to answer."""
    answers = [found for message in envelope.messages if (found := message_answer(message, refusal, reference))]
    if refusal.status != 200 and not answers:
        return strict_reply(None, refusal, reference)
    if not answers:
        return Reply(202, (), b"")
    body = b"[" + b",".join(answers) + b"]" if envelope.batch else answers[0]
    return Reply(refusal.status, JSON, body)


def strict_reply(message_id: MessageId | None, refusal: Refusal, reference: str) -> Reply:
    """The answer to what could not be read, or may not be on this leg: an error, its id only if unambiguous."""
    return Reply(
        refusal.status,
        JSON,
        error_answer(message_id, refusal.rpc, _sentence(refusal, reference), data_of(refusal, reference)),
    )


def leg_reply(refusal: Refusal, reference: str) -> Reply:
    """The answer to a GET or DELETE that is refused: 503 with our JSON body unless the refusal names a status."""
    status = 503 if refusal.status == 200 else refusal.status
    body = error_answer(None, refusal.rpc, _sentence(refusal, reference), data_of(refusal, reference))
    return Reply(status, JSON, body)
