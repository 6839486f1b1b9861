"""Approvals without a sidecar: the state machine, what an answer is worth, what an approval is for, and the file."""

import itertools
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import structs

from policy.approval import (
    LONGEST_SECONDS,
    MAX_STEPS,
    TURNS,
    Answer,
    Asked,
    Event,
    NoTurn,
    SameApprover,
    State,
    Terms,
    bound,
    seal,
    terms_of,
    turn,
    unseal,
)
from policy.approval_store import (
    KEPT_SECONDS,
    MAX_OVER,
    MAX_WAITING,
    TooMany,
    Unspendable,
    answered,
    asked,
    cancelled,
    listed,
    news,
    opened,
    spent,
)
from policy.obligations import Unmet
from policy.vocabulary import Decision
from tests.policy.asking import CALLER, tool_call

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
ANSWER = Answer("id", "binding", Event.GRANT, "ann", "local", 1_790_000_000)
NOW = 1_790_000_000
ASKED = Asked("1", "b", "owner", "t", "a", "u", "tools/call", "pay", "{}", "ask", NOW, NOW + 60)


@pytest.mark.parametrize(("state", "event"), [*itertools.product(State, Event)])
def test_only_what_is_in_the_table_happens(state: State, event: Event) -> None:
    if (state, event) in TURNS:
        assert turn(state, event) is TURNS[state, event]
    else:
        with pytest.raises(NoTurn, match=str(state)):
            turn(state, event)


def test_nothing_follows_an_end() -> None:
    assert {state for state, _ in TURNS} == {State.WAITING, State.GRANTED}


def test_an_answer_comes_back_as_it_was_signed() -> None:
    assert unseal(seal(ANSWER, KEY), KEY.public_key()) == ANSWER


@pytest.mark.parametrize("member", ["id", "binding", "event", "approver", "authn_method", "at", "signature"])
def test_an_answer_with_one_member_changed_is_none(member: str) -> None:
    members = json.loads(seal(ANSWER, KEY))
    members[member] = {"at": 1, "event": "reject", "signature": "00" * 64}.get(member, "x")
    with pytest.raises(ValueError, match="not a signed answer"):
        unseal(json.dumps(members), KEY.public_key())


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"signature": "zz"}', '{"signature": 1}'])
def test_what_is_no_answer(text: str) -> None:
    with pytest.raises(ValueError, match="not a signed answer"):
        unseal(text, KEY.public_key())


def test_the_answer_of_another_key_is_none() -> None:
    with pytest.raises(ValueError, match="not a signed answer"):
        unseal(seal(ANSWER, Ed25519PrivateKey.generate()), KEY.public_key())


def _decision(**obligations: Any) -> Decision:
    versions = {"policy": "r1", "data": "d", "exceptions": None, "pins": None}
    return Decision("d", "require_approval", "ask", "", (), obligations, "embedded", versions, signed=False)


@pytest.mark.parametrize(
    ("obligations", "terms"),
    [
        pytest.param({}, Terms(), id="nothing-said"),
        pytest.param({"approval": {}}, Terms(), id="an-empty-object"),
        pytest.param({"approval": {"expires": 60, "steps": 1}}, Terms(60), id="expires"),
        pytest.param({"approval": {"approvers": ["ann", "bob"]}}, Terms(approvers=("ann", "bob")), id="approvers"),
        pytest.param({"approval": {"steps": 2}}, Terms(steps=2), id="two-steps"),
        pytest.param({"approval": {"client_attested": True}}, Terms(client_attested=True), id="the-clients-word"),
        pytest.param({"label": "x", "approval": {"steps": 2}}, Terms(steps=2), id="beside-another-obligation"),
    ],
)
def test_terms(obligations: dict[str, Any], terms: Terms) -> None:
    assert terms_of(_decision(**obligations)) == terms


@pytest.mark.parametrize(
    ("obligations", "name"),
    [
        pytest.param({"approval": []}, "approval", id="a-list"),
        pytest.param({"approval": {"steps": 0}}, "approval", id="no-step"),
        pytest.param({"approval": {"steps": MAX_STEPS + 1}}, "approval", id="too-many-steps"),
        pytest.param({"approval": {"steps": 2, "approvers": ["ann", "ann"]}}, "approval", id="more-steps-than-people"),
        pytest.param({"approval": {"client_attested": 1}}, "approval", id="attested-by-a-number"),
        pytest.param(
            {"approval": {"client_attested": True, "approvers": ["ann"]}}, "approval", id="attested-and-named"
        ),
        pytest.param({"approval": {"client_attested": True, "steps": 2}}, "approval", id="attested-by-two"),
        pytest.param({"approval": {"expires": 0}}, "approval", id="no-time"),
        pytest.param({"approval": {"expires": LONGEST_SECONDS + 1}}, "approval", id="too-long"),
        pytest.param({"approval": {"expires": True}}, "approval", id="true-as-time"),
        pytest.param({"approval": {"approvers": "ann"}}, "approval", id="a-name-outside-a-list"),
        pytest.param({"approval": {"by": "ann"}}, "approval", id="unknown-member"),
        pytest.param({"credential": {}}, "credential", id="an-obligation-that-nobody-keeps"),
        pytest.param({"label": [], "approval": {}}, "label", id="an-obligation-of-another-form"),
    ],
)
def test_terms_that_nobody_meets(obligations: dict[str, Any], name: str) -> None:
    with pytest.raises(Unmet) as unmet:
        terms_of(_decision(**obligations))
    assert unmet.value.name == name


def test_an_approval_is_for_one_call() -> None:
    call = tool_call("pay", {"amount": 7})
    same = structs.replace(call, id="other", session="s", params={**call.params, "_meta": {"progressToken": 1}})
    others = [
        structs.replace(call, caller=structs.replace(CALLER, agent="other")),
        structs.replace(call, caller=structs.replace(CALLER, tenant="other")),
        structs.replace(call, caller=structs.replace(CALLER, user="other")),
        structs.replace(call, upstream="other"),
        structs.replace(call, method="resources/read"),
        structs.replace(call, name="other"),
        structs.replace(call, params={**call.params, "arguments": {"amount": 8}}),
        structs.replace(call, params={**call.params, "arguments": {"amount": "7"}}),
        structs.replace(call, params={**call.params, "task": {}}),
    ]
    decision, terms = _decision(), Terms(steps=1, approvers=("ann", "bob"))
    later = structs.replace(decision, versions={**decision.versions, "policy": "r2"})
    because = structs.replace(decision, reason="other")
    stricter = [
        Terms(steps=2, approvers=("ann", "bob")),
        Terms(approvers=("ann",)),
        Terms(),
        Terms(client_attested=True),
    ]
    alike = Terms(60, ("bob", "ann", "ann"))
    assert bound(call, decision, terms) == bound(same, decision, terms) == bound(call, decision, alike)
    found = {bound(call, decision, terms), bound(call, later, terms), bound(call, because, terms)}
    found |= {bound(other, decision, terms) for other in others} | {bound(call, decision, one) for one in stricter}
    assert len(found) == 3 + len(others) + len(stricter)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A new file."""
    found = opened(tmp_path / "approvals.db")
    yield found
    found.close()


def signed(approver: str) -> str:
    """What stands for a signed answer: the file looks at who gave it, and at nothing else."""
    return json.dumps({"approver": approver})


def test_four_eyes(database: sqlite3.Connection) -> None:
    asked(database, structs.replace(ASKED, steps=2), NOW)
    assert answered(database, "1", Event.GRANT, "ann", signed("ann"), NOW).state is State.WAITING
    assert [(one.state, len(one.answers)) for one in news(database, ("t",), NOW)] == [(State.WAITING, 1)]
    with pytest.raises(Unspendable):
        spent(database, ["1"], NOW)
    with pytest.raises(SameApprover, match="ann has approved it already"):
        answered(database, "1", Event.GRANT, "ann", signed("ann"), NOW)
    assert answered(database, "1", Event.GRANT, "bob", signed("bob"), NOW).state is State.GRANTED
    spent(database, ["1"], NOW)
    (found,) = listed(database, NOW, every=True)
    assert (found.state, found.answers) == (State.SPENT, (signed("ann"), signed("bob")))


def test_one_rejection_ends_four_eyes(database: sqlite3.Connection) -> None:
    asked(database, structs.replace(ASKED, steps=3), NOW)
    answered(database, "1", Event.GRANT, "ann", signed("ann"), NOW)
    assert answered(database, "1", Event.REJECT, "ann", signed("ann"), NOW).state is State.REJECTED


def test_cancelled_while_it_waits(database: sqlite3.Connection) -> None:
    asked(database, ASKED, NOW)
    assert cancelled(database, "1", NOW).state is State.CANCELLED
    with pytest.raises(NoTurn, match="cancelled"):
        answered(database, "1", Event.GRANT, "ann", signed("ann"), NOW)
    assert asked(database, structs.replace(ASKED, id="2"), NOW)[1] is True


def _other(number: int, **members: Any) -> Asked:
    return structs.replace(ASKED, id=f"n{number}", binding=f"b{number}", **members)


def test_the_same_call_meets_the_same_approval(database: sqlite3.Connection) -> None:
    assert asked(database, ASKED, NOW)[1] is True
    found, fresh = asked(database, structs.replace(ASKED, id="2"), NOW + 1)
    assert (found.asked.id, found.state, fresh) == ("1", State.WAITING, False)


def test_a_hundred_questions_about_one_call_let_it_pass_once(database: sqlite3.Connection) -> None:
    found = [asked(database, structs.replace(ASKED, id=str(number)), NOW) for number in range(1, 101)]
    assert [fresh for _, fresh in found] == [True, *[False] * 99]
    assert {one.asked.id for one, _ in found} == {"1"}
    answered(database, "1", Event.GRANT, "ann", signed("ann"), NOW)
    for _ in range(99):
        with pytest.raises(NoTurn):
            answered(database, "1", Event.GRANT, "bob", signed("bob"), NOW)
    spent(database, ["1"], NOW)
    with pytest.raises(Unspendable):
        spent(database, ["1"], NOW)
    assert [one.state for one in listed(database, NOW, every=True)] == [State.SPENT]


def test_granted_and_spent_once(database: sqlite3.Connection) -> None:
    asked(database, ASKED, NOW)
    with pytest.raises(Unspendable):
        spent(database, ["1"], NOW)
    answered(database, "1", Event.GRANT, "ann", signed("ann"), NOW)
    spent(database, ["1"], NOW + 59)
    with pytest.raises(Unspendable):
        spent(database, ["1"], NOW + 59)
    assert asked(database, structs.replace(ASKED, id="2"), NOW + 59)[1] is True


@pytest.mark.parametrize("ids", [["n1", "1"], ["n1", "n1"], ["n1", "none"]], ids=["waiting", "named-twice", "unknown"])
def test_all_are_spent_or_none(database: sqlite3.Connection, ids: list[str]) -> None:
    asked(database, ASKED, NOW)
    asked(database, _other(1), NOW)
    answered(database, "n1", Event.GRANT, "ann", signed("ann"), NOW)
    with pytest.raises(Unspendable) as gone:
        spent(database, ids, NOW)
    assert gone.value.id == ids[1]
    spent(database, ["n1"], NOW)


def test_what_has_expired_is_answered_and_spent_no_more(database: sqlite3.Connection) -> None:
    asked(database, ASKED, NOW)
    answered(database, "1", Event.GRANT, "ann", signed("ann"), NOW)
    with pytest.raises(Unspendable):
        spent(database, ["1"], NOW + 60)
    with pytest.raises(NoTurn, match="expired"):
        answered(database, "1", Event.REJECT, "ann", signed("ann"), NOW + 60)
    with pytest.raises(KeyError):
        answered(database, "none", Event.GRANT, "ann", signed("ann"), NOW)


def test_a_rejection_stands_until_it_expires(database: sqlite3.Connection) -> None:
    asked(database, ASKED, NOW)
    answered(database, "1", Event.REJECT, "ann", signed("ann"), NOW)
    assert asked(database, structs.replace(ASKED, id="2"), NOW + 59)[0].state is State.REJECTED
    assert asked(database, structs.replace(ASKED, id="2", expires_at=NOW + 120), NOW + 60)[1] is True


def test_no_more_may_wait(database: sqlite3.Connection) -> None:
    for number in range(MAX_WAITING):
        asked(database, _other(number), NOW)
    with pytest.raises(TooMany):
        asked(database, ASKED, NOW)
    assert asked(database, structs.replace(ASKED, owner="another"), NOW)[1] is True


def test_news_are_told_once(database: sqlite3.Connection) -> None:
    asked(database, _other(1), NOW)
    asked(database, _other(2, expires_at=NOW + 5), NOW)
    asked(database, _other(3, tenant="other"), NOW)
    answered(database, "n1", Event.GRANT, "ann", signed("ann"), NOW)
    answered(database, "n3", Event.REJECT, "ann", signed("ann"), NOW)
    told = {(one.asked.id, one.state) for one in news(database, ("t",), NOW + 5)}
    assert told == {("n1", State.GRANTED), ("n2", State.EXPIRED)}
    assert news(database, ("t",), NOW + 5) == []


def test_a_clock_that_is_set_back_revives_nothing(database: sqlite3.Connection) -> None:
    asked(database, ASKED, NOW)
    answered(database, "1", Event.GRANT, "ann", signed("ann"), NOW)
    news(database, ("t",), NOW + 60)
    with pytest.raises(Unspendable):
        spent(database, ["1"], NOW)
    assert asked(database, structs.replace(ASKED, id="2"), NOW)[1] is True


def test_who_asks_and_cancels_fills_no_file_and_washes_nothing_away(database: sqlite3.Connection) -> None:
    asked(database, ASKED, NOW)
    answered(database, "1", Event.REJECT, "ann", signed("ann"), NOW)
    for number in range(2 * MAX_OVER):
        asked(database, _other(number), NOW)
        cancelled(database, f"n{number}", NOW)
        if number >= MAX_OVER:
            news(database, ("t",), NOW)
    asked(database, _other(-1), NOW)
    found = listed(database, NOW, every=True)
    assert len(found) == MAX_OVER + 2
    assert asked(database, structs.replace(ASKED, id="2"), NOW)[0].state is State.REJECTED
    others = structs.replace(ASKED, id="3", owner="another", binding="c")
    asked(database, others, NOW)
    assert len(listed(database, NOW, every=True)) == MAX_OVER + 3


def test_what_was_not_told_is_not_forgotten(database: sqlite3.Connection) -> None:
    for number in range(2 * MAX_OVER):
        asked(database, _other(number), NOW)
        cancelled(database, f"n{number}", NOW)
    assert len(news(database, ("t",), NOW)) == 2 * MAX_OVER


def test_what_is_over_is_kept_for_a_while(database: sqlite3.Connection) -> None:
    asked(database, _other(1), NOW)
    later = NOW + 60 + KEPT_SECONDS + 1
    assert [one.asked.id for one in listed(database, NOW + 61, every=True)] == ["n1"]
    assert listed(database, NOW + 61, every=False) == []
    asked(database, _other(2, expires_at=later + 60), later)
    assert [one.asked.id for one in listed(database, later, every=True)] == ["n2"]
