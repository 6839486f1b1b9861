"""Exceptions without a sidecar: what one is, whose word counts, what the files say, and when its time is over."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import structs

from evidence.clock import Instant
from evidence.keys import signing_key
from policy.bundle import load
from policy.decision import BadException, read_decision, require_fit
from policy.engine import Answer, PolicyRefused
from policy.exception_document import FILE, REVOKED, read_document, write_document
from policy.exception_file import KEY, ExceptionFile, Found
from policy.exception_signing import LOCAL, ExceptionKeys, signed, verified
from policy.exceptions import MAX_EXCEPTIONS, Exempt, as_mapping, index, read_exception, unfit, within
from policy.grants import Grant
from policy.steady_clock import SteadyClock, keep_mark, read_mark
from policy.trust import ExceptionTrust, TrustedKey
from policy.vocabulary import Call, Definition
from tests.path.stage import HandClock
from tests.policy.asking import CALLER, tool_call

BEGINS, ENDS = 1_790_000_000, 1_790_003_600
ONE: Final = Exempt(
    "x1", Grant("u", "tools/call", "drop", tenant="default", agent="billing"), BEGINS, ENDS, "May", "ann"
)
KNOWN: Final = Definition("sha256:0", {})
DROP: Final = tool_call("drop", {}, definition=KNOWN)
OWN: Final = Ed25519PrivateKey.from_private_bytes(b"x" * 32)
OPS: Final = generate_private_key(SECP256R1())
KEYS: Final = ExceptionKeys({"ops": TrustedKey(OPS.public_key(), "ES256")}, OWN.public_key())


def test_one_comes_back_as_it_was_written() -> None:
    closed = replace_scope(arguments={"path": {"under": ["/srv"]}}, closed=True)
    for one in (ONE, closed):
        assert read_exception(as_mapping(one)) == one


def replace_scope(**members: Any) -> Exempt:
    """ONE with another scope."""
    return structs.replace(ONE, scope=replace(ONE.scope, **members))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"until": BEGINS}, "until is not after from", id="no-time-at-all"),
        pytest.param({"until": 1e18}, "not whole seconds", id="a-fraction"),
        pytest.param({"until": 1 << 62}, "not whole seconds", id="an-end-beyond-all-clocks"),
        pytest.param({"from": True}, "not whole seconds", id="true-as-a-time"),
        pytest.param({"reason": ""}, "reason is not a text", id="no-reason"),
        pytest.param({"id": "../x"}, "id is not of at most", id="an-id-with-a-path"),
        pytest.param({"more": 1}, "no member 'more' is known", id="an-unknown-member"),
        pytest.param({"arguments": {"a": {"like": 1}}}, "scope", id="a-rule-that-is-none"),
        pytest.param({"issuer": None}, "issuer is not a text", id="no-issuer"),
    ],
)
def test_what_is_no_exception(change: dict[str, Any], said: str) -> None:
    with pytest.raises(PolicyRefused, match=said):
        read_exception(as_mapping(ONE) | change)


@pytest.mark.parametrize("keyid", [LOCAL, "ops"])
def test_a_signed_one_counts(keyid: str) -> None:
    assert verified(signed(ONE, keyid, OWN if keyid == LOCAL else OPS), KEYS) == ONE


Tamper = Callable[[dict[str, Any]], Any]
TAMPERED: Final[dict[str, Tamper]] = {
    "another-agent": lambda value: value["exception"].update(agent="*"),
    "another-tool": lambda value: value["exception"].update(name="pay"),
    "a-later-end": lambda value: value["exception"].update(until=ENDS + 1),
    "another-reason": lambda value: value["exception"].update(reason="June"),
    "a-rule-fewer": lambda value: value["exception"].pop("arguments"),
    "another-key": lambda value: value.update(keyid="ops"),
    "a-key-that-nobody-knows": lambda value: value.update(keyid="nobody"),
    "no-signature": lambda value: value.pop("signature"),
    "an-empty-signature": lambda value: value.update(signature=""),
    "one-more-member": lambda value: value.update(also=1),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_one_that_was_changed_does_not(tamper: Tamper) -> None:
    value = json.loads(json.dumps(signed(replace_scope(arguments={"path": {"under": ["/srv"]}}), LOCAL, OWN)))
    tamper(value)
    with pytest.raises(PolicyRefused):
        verified(value, KEYS)


def test_the_own_key_counts_only_where_it_is_said_to() -> None:
    with pytest.raises(PolicyRefused, match="local_exceptions"):
        verified(signed(ONE, LOCAL, OWN), ExceptionKeys(KEYS.trusted))


UNFIT: Final[dict[str, tuple[Exempt | None, Call, int]]] = {
    "none-of-that-name": (None, DROP, BEGINS),
    "not-begun": (ONE, DROP, BEGINS - 1),
    "over": (ONE, DROP, ENDS),
    "another-tenant": (ONE, structs.replace(DROP, caller=structs.replace(CALLER, tenant="other")), BEGINS),
    "another-agent": (ONE, structs.replace(DROP, caller=structs.replace(CALLER, agent="other")), BEGINS),
    "another-upstream": (ONE, structs.replace(DROP, upstream="v"), BEGINS),
    "another-method": (ONE, structs.replace(DROP, method="prompts/get"), BEGINS),
    "another-tool": (ONE, structs.replace(DROP, name="pay"), BEGINS),
    "a-step-upwards": (replace_scope(name="temp*"), structs.replace(DROP, name="temp/../drop"), BEGINS),
    "an-unknown-tool": (ONE, structs.replace(DROP, definition=None), BEGINS),
    "a-changed-tool": (ONE, structs.replace(DROP, definition=Definition("sha256:1", {}, "changed")), BEGINS),
    "a-doubled-tool": (ONE, structs.replace(DROP, definition=Definition("sha256:1", {}, "duplicate")), BEGINS),
}


@pytest.mark.parametrize(("one", "call", "seconds"), UNFIT.values(), ids=UNFIT)
def test_what_no_call_goes_by(one: Exempt | None, call: Call, seconds: int) -> None:
    assert unfit(one, call, seconds) is not None


def test_what_a_call_goes_by() -> None:
    for seconds in (BEGINS, ENDS - 1):
        assert unfit(ONE, DROP, seconds) is None
    assert unfit(replace_scope(name="temp*"), structs.replace(DROP, name="temp_..x"), BEGINS) is None
    assert unfit(replace_scope(name="dr*", agent="*", tenant="*", upstream="*"), DROP, BEGINS) is None


@pytest.mark.parametrize("effect", ["allow", "require_approval", "deny"])
def test_a_decision_is_held_against_the_exception_that_it_names(effect: str) -> None:
    policy = load("starter", grants=None, exceptions=Found((ONE,)))
    now = Instant(BEGINS * 1_000_000_000, 0)
    for id, call, fits in (("x1", DROP, effect != "deny"), ("x2", DROP, False), ("x1", tool_call("pay"), False)):
        value = {"effect": effect, "reason": "excepted", "exception": id}
        decision = read_decision(Answer(value, policy), engine="embedded", decision_id="d")
        assert decision.versions["exceptions"] == policy.exceptions_revision
        if fits:
            require_fit(decision, call, policy, now)
        else:
            with pytest.raises(BadException):
                require_fit(decision, call, policy, now)


def test_one_that_lasts_longer_than_policy_lets_it_does_not_count() -> None:
    kept, problems = within([ONE, structs.replace(ONE, id="x2", ends=ENDS + 1)], ENDS - BEGINS)
    assert list(kept) == ["x1"]
    assert problems == ["exception x2: lasts 3601 s, and policy lets one last 3600 s"]


def test_the_index_grows_with_the_exceptions_and_no_faster() -> None:
    many = {f"x{n}": structs.replace(replace_scope(agent=f"a{n}"), id=f"x{n}") for n in range(MAX_EXCEPTIONS)}
    tree = index(many)["default"]
    assert len(tree) == MAX_EXCEPTIONS
    assert tree["a7"]["u"]["tools/call"]["drop"]["excepted"] == [{"id": "x7", "from": BEGINS, "until": ENDS}]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder whose own key counts, with one exception in force."""
    _put(tmp_path, ONE)
    return tmp_path


def _put(state: Path, *those: Exempt, revoked: dict[str, int] | None = None) -> None:
    key = signing_key(state, KEY)
    values = [signed(one, LOCAL, key) for one in those]
    write_document(state / FILE, {"exceptions": values, "revoked": revoked or {}})


def _reader(state: Path) -> ExceptionFile:
    return ExceptionFile(state, ExceptionTrust({}, local=True))


def test_the_file_is_read(state: Path) -> None:
    assert _reader(state).read() == Found((ONE,))
    assert ExceptionFile(state, ExceptionTrust()).read().exceptions == ()


FILES: Final[dict[str, str]] = {
    "no-json": "{",
    "another-version": '{"version": 2, "exceptions": []}',
    "no-list": '{"version": 1, "exceptions": {}}',
    "too-deep": "[" * 100_000,
    "strange-revocations": '{"version": 1, "exceptions": [], "revoked": ["x1"]}',
    "things-that-are-none": '{"version": 1, "exceptions": [1, null, {}, {"exception": {}}, []]}',
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_a_broken_file_has_no_exceptions_in_it_and_says_so(state: Path, text: str) -> None:
    (state / FILE).write_text(text)
    found = _reader(state).read()
    assert found.exceptions == ()
    assert found.problems


def test_two_of_one_name_count_neither(state: Path) -> None:
    _put(state, ONE, structs.replace(ONE, reason="June"))
    found = _reader(state).read()
    assert (found.exceptions, len(found.problems)) == ((), 1)


def test_a_revoked_one_does_not_come_back_with_an_older_file(state: Path) -> None:
    older, reader = (state / FILE).read_bytes(), _reader(state)
    assert reader.read().exceptions == (ONE,)
    _put(state, revoked={"x1": ENDS})
    assert reader.read().exceptions == ()
    (state / FILE).write_bytes(older)
    assert reader.read().exceptions == ()
    assert _reader(state).read().problems == ("exception x1: it was revoked",)
    (state / REVOKED).write_text("{")
    assert _reader(state).read().exceptions == ()
    (state / REVOKED).unlink()
    assert reader.read().exceptions == (), "the process has read of it"


def test_the_document_comes_back(state: Path) -> None:
    assert read_document(state / FILE)["revoked"] == {}
    assert read_document(state / "none")["exceptions"] == []


def test_time_does_not_go_back(tmp_path: Path) -> None:
    hand = HandClock()
    clock, began = SteadyClock(hand, read_mark(tmp_path)), hand.now()
    hand.instant = Instant(began.unix_ns - 10**12, began.boot_us + 5_000_000)
    assert clock.now() == Instant(began.unix_ns + 5 * 10**9, began.boot_us + 5_000_000)
    assert clock.behind_seconds == 1005
    keep_mark(tmp_path, clock.now().unix_ns)
    keep_mark(tmp_path, began.unix_ns)
    again = SteadyClock(hand, read_mark(tmp_path))
    assert again.now().unix_ns == began.unix_ns + 5 * 10**9
    hand.instant = Instant(began.unix_ns + 10**13, began.boot_us + 6_000_000)
    assert (again.now(), again.behind_seconds) == (hand.instant, 0)


def test_a_mark_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "clock.mark").write_text('{"version": 1, "unix_ns": "now"}')
    with pytest.raises(PolicyRefused, match="is no mark of a clock"):
        read_mark(tmp_path)
