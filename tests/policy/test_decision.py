"""Reading a decision exactly, and what it permits."""

import json
from typing import Any

import pytest
from msgspec import structs

from evidence.canonical import Spelled
from policy.bundle import load
from policy.decision import (
    ApprovalNeeded,
    BadDecision,
    Denied,
    ObligationUnmet,
    Unaskable,
    Undecided,
    durability,
    hidden,
    permit,
    read_decision,
    recording,
)
from policy.engine import UNDEFINED, Answer, CannotDecide
from policy.vocabulary import Clearance, Decision
from tests.policy.asking import document, tool_call

POLICY = load("observe", grants=None)
WHOLE: dict[str, Any] = {"effect": "allow", "reason": "ok", "message": "m", "rules": ["r"], "obligations": {}}


def _read(value: Any) -> Decision:
    return read_decision(Answer(value, POLICY), engine="embedded", decision_id="d")


def test_a_whole_decision() -> None:
    decision = _read(WHOLE)
    assert (decision.effect, decision.reason, decision.rules) == ("allow", "ok", ("r",))
    said = {"policy": POLICY.revision, "data": POLICY.data_revision, "exceptions": None, "pins": None}
    assert decision.versions == said


def test_the_least_decision() -> None:
    decision = _read({"effect": "deny", "reason": "no"})
    assert (decision.message, decision.rules, decision.obligations) == ("", (), {})


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param(UNDEFINED, Undecided, id="undefined"),
        pytest.param(True, BadDecision, id="a-boolean"),
        pytest.param(None, BadDecision, id="null"),
        pytest.param([WHOLE], BadDecision, id="a-list"),
        pytest.param({}, BadDecision, id="empty"),
        pytest.param(WHOLE | {"effect": "Allow"}, BadDecision, id="effect-in-another-case"),
        pytest.param(WHOLE | {"effect": "permit"}, BadDecision, id="unknown-effect"),
        pytest.param(WHOLE | {"effect": ["allow"]}, BadDecision, id="effect-in-a-list"),
        pytest.param(WHOLE | {"effect": True}, BadDecision, id="effect-true"),
        pytest.param({"effect": "allow"}, BadDecision, id="no-reason"),
        pytest.param(WHOLE | {"reason": "Not a code"}, BadDecision, id="reason-a-sentence"),
        pytest.param(WHOLE | {"reason": "ok\n"}, BadDecision, id="reason-with-a-line-end"),
        pytest.param(WHOLE | {"rules": "r"}, BadDecision, id="rules-a-text"),
        pytest.param(WHOLE | {"rules": [1]}, BadDecision, id="rules-of-numbers"),
        pytest.param(WHOLE | {"message": 1}, BadDecision, id="message-a-number"),
        pytest.param(WHOLE | {"message": None}, BadDecision, id="message-null"),
        pytest.param(WHOLE | {"obligations": ["durability"]}, BadDecision, id="obligations-a-list"),
        pytest.param(WHOLE | {"obligation": {"credential": {}}}, BadDecision, id="a-misspelt-member"),
    ],
)
def test_what_is_no_decision(value: Any, problem: type[CannotDecide]) -> None:
    with pytest.raises(problem):
        _read(value)


CALL = tool_call()
CLEARANCE = Clearance(CALL.id, 3)


def test_a_permit_holds_what_it_was_made_of() -> None:
    decision = _read(WHOLE)
    made = permit(CALL, CLEARANCE, decision)
    assert (made.call, made.clearance, made.decision) == (CALL, CLEARANCE, decision)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"effect": "deny"}, Denied, id="deny"),
        pytest.param({"effect": "require_approval"}, ApprovalNeeded, id="approval"),
        pytest.param({"obligations": {"credential": {"broker": "b"}}}, ObligationUnmet, id="credential"),
        pytest.param({"obligations": {"redact": {}}}, ObligationUnmet, id="redact"),
        pytest.param({"obligations": {"durability": "for ever"}}, ObligationUnmet, id="durability-unknown"),
        pytest.param({"obligations": {"durability": []}}, ObligationUnmet, id="durability-empty"),
        pytest.param({"obligations": {"durability": [1]}}, ObligationUnmet, id="durability-a-number"),
        pytest.param({"obligations": {"record": "none"}}, ObligationUnmet, id="record-none"),
        pytest.param({"obligations": {"label": "x", "unheard_of": 1}}, ObligationUnmet, id="one-of-two-unknown"),
    ],
)
def test_what_gets_no_permit(change: dict[str, Any], problem: type[Exception]) -> None:
    with pytest.raises(problem):
        permit(CALL, CLEARANCE, _read(WHOLE | change))


def test_a_clearance_of_another_call_is_none() -> None:
    with pytest.raises(ValueError, match="another call"):
        permit(CALL, Clearance("1" * 32, 3), _read(WHOLE))


@pytest.mark.parametrize(
    ("obligations", "expected"),
    [
        pytest.param({}, (None, None), id="none"),
        pytest.param({"durability": "host"}, ("host", None), id="a-text"),
        pytest.param({"durability": ["process", "host"]}, ("host", None), id="the-strictest"),
        pytest.param({"record": ["full", "digest"]}, (None, "digest"), id="the-most-reticent"),
    ],
)
def test_obligations_that_are_kept(obligations: dict[str, Any], expected: tuple[str | None, str | None]) -> None:
    decision = permit(CALL, CLEARANCE, _read(WHOLE | {"obligations": obligations})).decision
    assert (durability(decision), recording(decision)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"hide": []}, frozenset(), id="nothing"),
        pytest.param({"hide": ["a", "a"]}, frozenset({"a"}), id="a-name"),
        pytest.param(UNDEFINED, None, id="undefined"),
        pytest.param(["a"], None, id="a-list"),
        pytest.param({"hide": "a"}, None, id="a-text"),
        pytest.param({"hide": [1]}, None, id="numbers"),
        pytest.param({"hide": [], "show": []}, None, id="another-member"),
        pytest.param({}, None, id="empty"),
    ],
)
def test_hidden(value: Any, expected: frozenset[str] | None) -> None:
    assert hidden(Answer(value, POLICY)) == expected


def test_the_document_is_minimally_escaped() -> None:
    text = document(tool_call(arguments={"a": 'é\u2028/\x7f"\\\n\x00'})).decode()
    assert 'é\u2028/\x7f\\"\\\\\\n\\u0000' in text


def test_numbers_keep_their_spelling() -> None:
    text = document(tool_call(arguments={"a": Spelled("18446744073709551617"), "b": 1e22})).decode()
    assert '"a":18446744073709551617' in text


def test_the_document_has_the_members_of_version_1() -> None:
    read = json.loads(document(structs.replace(tool_call(), name=None)))
    assert list(read) == ["version", "caller", "session", "call", "approval", "sidecar", "time"]
    assert read["time"] == {"rfc3339": "2026-01-01T00:00:00.000001+00:00", "unix_ns": 1_767_225_600_000_001_000}
    assert read["call"]["name"] is None


def test_a_lone_surrogate_cannot_be_asked_about() -> None:
    with pytest.raises(Unaskable):
        document(tool_call(arguments={"a": "\ud800"}))
