"""Every leaf of the refusals has a row, and each row its shape on the wire, for a tool, another request, a batch."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from evidence.journal import NoRoom, NotRecorded, SpoolFailed
from policy.containment import Contained, Order, Scope
from policy.decision import (
    ApprovalNeeded,
    ApprovalRejected,
    BadDecision,
    BadException,
    Denied,
    LimitReached,
    NotPermitted,
    ObligationUnmet,
    Unaskable,
    Undecided,
)
from policy.embedded import Inexact
from policy.engine import CannotDecide, EngineFailed, EngineTimeout, EngineUnavailable, PolicyMoved
from policy.vocabulary import Decision
from proxy import refusals
from proxy.approvals import ApprovalsFailed
from proxy.memory import MemoryFailed
from proxy.refusals import (
    BadAnswer,
    Busy,
    NoSuchApproval,
    NoSuchSession,
    NoSuchTask,
    NumberNotExact,
    Refusal,
    data_of,
    envelope_reply,
    explain,
    leg_reply,
    message_answer,
)
from proxy.vocabulary import UpstreamDown
from proxy.wire.message import read_client
from proxy.wire.rules import RULES, Malformed, Rule
from tests.path.messages import MESSAGES, batch, call, notification, request

REFERENCE = "r" * 32
SECRET = "what only the operator may read"


def decision(effect: Any, message: str = "") -> Decision:
    """A decision as policy gives it."""
    return Decision("d1", effect, "some_reason", message, ("rule",), {}, "scripted", {"policy": "p"}, signed=False)


ORDER = Order(7, "kill", Scope(), SECRET, "ops", "2026-09-21T00:00:00.000000+00:00")
LEAVES = [
    pytest.param(Malformed(Rule.TOO_LARGE), "too_large", -32600, 413, id="malformed"),
    pytest.param(NumberNotExact(("1e400",)), "number_not_exact", -32600, 200, id="number"),
    pytest.param(Contained(ORDER), "contained", -31404, 200, id="contained"),
    pytest.param(Denied(decision("deny")), "some_reason", -31403, 200, id="denied"),
    pytest.param(ApprovalNeeded(decision("require_approval")), "some_reason", -31409, 200, id="approval"),
    pytest.param(ApprovalRejected(decision("require_approval"), "id"), "approval_rejected", -31403, 200, id="rejected"),
    pytest.param(ObligationUnmet(decision("allow"), SECRET), "obligation_unmet", -31503, 200, id="obligation"),
    pytest.param(LimitReached(decision("allow"), SECRET), "limit_reached", -31403, 200, id="limit"),
    pytest.param(ApprovalsFailed(SECRET), "approvals_failed", -31503, 200, id="approvals"),
    pytest.param(MemoryFailed(SECRET), "memory_failed", -31503, 200, id="memory"),
    pytest.param(CannotDecide(SECRET), "engine_failed", -31503, 200, id="cannot-decide"),
    pytest.param(EngineTimeout(SECRET), "engine_timeout", -31503, 200, id="timeout"),
    pytest.param(EngineUnavailable(SECRET), "engine_unavailable", -31503, 200, id="unavailable"),
    pytest.param(EngineFailed(SECRET), "engine_failed", -31503, 200, id="failed"),
    pytest.param(PolicyMoved(SECRET), "engine_failed", -31503, 200, id="moved"),
    pytest.param(Inexact(SECRET), "engine_inexact", -31503, 200, id="inexact"),
    pytest.param(Undecided(SECRET), "policy_undefined", -31503, 200, id="undefined"),
    pytest.param(BadDecision(SECRET), "policy_malformed", -31503, 200, id="malformed-decision"),
    pytest.param(BadException(SECRET), "exception_unfit", -31503, 200, id="unfit-exception"),
    pytest.param(Unaskable(SECRET), "input_unfit", -31503, 200, id="unaskable"),
    pytest.param(NotRecorded(SECRET), "not_recorded", -31503, 200, id="not-recorded"),
    pytest.param(NoRoom(SECRET), "no_room", -31503, 200, id="no-room"),
    pytest.param(SpoolFailed(SECRET), "spool_failed", -31503, 200, id="spool-failed"),
    pytest.param(Busy("draining", SECRET), "draining", -31503, 200, id="busy"),
    pytest.param(NoSuchSession(), "session_not_found", -32600, 404, id="session"),
    pytest.param(NoSuchTask(), "task_not_found", -32602, 200, id="task"),
    pytest.param(NoSuchApproval(), "approval_unknown", -32602, 200, id="approval"),
    pytest.param(UpstreamDown("files", SECRET, written=True), "upstream_down", -32603, 200, id="upstream-down"),
    pytest.param(BadAnswer("too_large", SECRET), "too_large", -32603, 200, id="bad-answer"),
    pytest.param(ZeroDivisionError(SECRET), "internal_error", -32603, 200, id="anything-else"),
]


@pytest.mark.parametrize(("error", "code", "rpc", "status"), LEAVES)
def test_leaf(error: Exception, code: str, rpc: int, status: int) -> None:
    refusal = explain(error)
    assert (refusal.code, refusal.rpc, refusal.status) == (code, rpc, status)
    answered = message_answer(read_client(call(1, "echo"), limit=1000).messages[0], refusal, REFERENCE)
    assert answered is not None
    assert SECRET.encode() not in answered
    assert refusal.status in (200, 400, 404, 413)


def test_every_leaf_has_a_row() -> None:
    """No exception of the four families is explained only as an internal error."""
    named = {type(row.values[0]) for row in LEAVES}
    families = (NotPermitted, CannotDecide, NotRecorded, Malformed, NumberNotExact, Contained, Busy, NoSuchSession,
                NoSuchTask, NoSuchApproval, UpstreamDown, BadAnswer)  # fmt: skip
    ours = {leaf for family in families for leaf in _leaves(family) if leaf.__module__.startswith(("policy", "proxy"))}
    assert ours <= named | {NotPermitted}


def _leaves(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _leaves(below)


@pytest.mark.parametrize("rule", list(Rule))
def test_each_rule_keeps_its_own_code_and_status(rule: Rule) -> None:
    refusal = explain(Malformed(rule, "here"))
    assert (refusal.code, refusal.rule, refusal.rpc, refusal.status) == (
        rule, rule, RULES[rule].code, RULES[rule].status,
    )  # fmt: skip


DENIAL = explain(Denied(decision("deny", "Nobody has granted this.")))
TEXT = f"AgentGate: Nobody has granted this. (reason: some_reason; ask your operator, reference {REFERENCE})"
DATA = {"code": "some_reason", "reference": REFERENCE, "effect": "deny", "decision": "d1", "rules": ["rule"]}
TOOL_RESULT = {
    "jsonrpc": "2.0",
    "id": 1,
    "result": {
        "resultType": "complete",
        "isError": True,
        "content": [{"type": "text", "text": TEXT}],
        "_meta": {"agentgate/decision": DATA},
    },
}
ERROR = {"jsonrpc": "2.0", "id": 2, "error": {"code": -31403, "message": TEXT, "data": DATA}}
GONE = explain(NoSuchSession())
GONE_ERROR = {"code": -32600, "message": "Session not found", "data": {"code": "session_not_found",
                                                                       "reference": REFERENCE}}  # fmt: skip
READ = request(2, "resources/read", uri="x")
NOTE = notification("notifications/progress")
SHAPES = [
    pytest.param(call(1, "echo"), DENIAL, 200, TOOL_RESULT, id="tool-result"),
    pytest.param(READ, DENIAL, 200, ERROR, id="error"),
    pytest.param(NOTE, DENIAL, 202, None, id="notification"),
    pytest.param(MESSAGES["SAMPLED"], DENIAL, 202, None, id="answer-of-the-client"),
    pytest.param(batch(call(1, "echo"), READ, NOTE), DENIAL, 200, [TOOL_RESULT, ERROR], id="batch"),
    pytest.param(batch(READ), DENIAL, 200, [ERROR], id="batch-of-one"),
    pytest.param(batch(NOTE, NOTE), DENIAL, 202, None, id="batch-of-notifications"),
    pytest.param(call(1, "echo"), GONE, 404, {"jsonrpc": "2.0", "id": 1, "error": GONE_ERROR}, id="session-gone"),
    pytest.param(NOTE, GONE, 404, {"jsonrpc": "2.0", "id": None, "error": GONE_ERROR}, id="session-gone-unasked"),
]


@pytest.mark.parametrize(("sent", "refusal", "status", "said"), SHAPES)
def test_shape(sent: bytes, refusal: Refusal, status: int, said: Any) -> None:
    reply = envelope_reply(read_client(sent, limit=10_000), refusal, REFERENCE)
    assert reply.status == status
    assert (json.loads(reply.body) if reply.body else None) == said
    assert reply.headers == (refusals.JSON if said is not None else ())


@pytest.mark.parametrize(("refusal", "status"), [(DENIAL, 503), (GONE, 404), (explain(Contained(ORDER)), 503)])
def test_a_leg_without_a_message(refusal: Refusal, status: int) -> None:
    reply = leg_reply(refusal, REFERENCE)
    assert reply.status == status
    assert json.loads(reply.body)["id"] is None


@pytest.mark.parametrize("id", [b"9007199254740993", b"1e400", b'"\\u00e9\\n"', b"-1"])
def test_an_id_comes_back_as_it_was_spelled(id: bytes) -> None:
    sent = b'{"jsonrpc":"2.0","id":%b,"method":"tools/call","params":{"name":"x"}}' % id
    answered = message_answer(read_client(sent, limit=1000).messages[0], DENIAL, REFERENCE)
    assert answered is not None
    assert json.loads(answered)["id"] == json.loads(id)


def test_what_a_program_learns() -> None:
    assert data_of(explain(Malformed(Rule.NOT_JSON)), REFERENCE) == {
        "code": "not_json", "rule": "not_json", "reference": REFERENCE,
    }  # fmt: skip
    assert "order" not in data_of(explain(Contained(ORDER)), REFERENCE)
