"""The state machine of a call and the continuity of a chain, row by row."""

from typing import Any

import pytest
from msgspec.structs import replace

from evidence.chain import TURNS, BrokenLink, Continuity, OutOfTurn, State, turn
from evidence.record import GENESIS, Header, Kind

_LINK = "a" * 64


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        pytest.param("intent outcome", State.ENDED, id="a-call"),
        pytest.param("refusal", State.REFUSED, id="a-refusal"),
        pytest.param("approval approval intent", State.OPEN, id="approved"),
        pytest.param("approval refusal", State.REFUSED, id="not-approved"),
        pytest.param("intent notice notice outcome late", State.LATE, id="detached-and-late"),
        pytest.param("intent order outcome notice", State.ENDED, id="stopped-by-an-order"),
        pytest.param("notice", State.NOTHING, id="a-notice-opens-nothing"),
    ],
)
def test_a_life(kinds: str, state: State) -> None:
    now = State.NOTHING
    for kind in kinds.split():
        now = turn("c", now, Kind(kind))
    assert now is state


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        pytest.param(State.NOTHING, Kind.OUTCOME, id="outcome-without-intent"),
        pytest.param(State.NOTHING, Kind.LATE, id="late-without-anything"),
        pytest.param(State.OPEN, Kind.INTENT, id="two-intents"),
        pytest.param(State.OPEN, Kind.REFUSAL, id="refused-after-the-intent"),
        pytest.param(State.OPEN, Kind.LATE, id="late-before-the-end"),
        pytest.param(State.ENDED, Kind.OUTCOME, id="two-outcomes"),
        pytest.param(State.ENDED, Kind.INTENT, id="an-id-used-again"),
        pytest.param(State.LATE, Kind.LATE, id="two-late-results"),
        pytest.param(State.REFUSED, Kind.INTENT, id="forwarded-after-all"),
        pytest.param(State.REFUSED, Kind.REFUSAL, id="refused-twice"),
        pytest.param(State.OPEN, Kind.START, id="a-kind-that-has-no-call"),
    ],
)
def test_out_of_turn(state: State, kind: Kind) -> None:
    with pytest.raises(OutOfTurn) as raised:
        turn("c", state, kind)
    assert (raised.value.call, raised.value.state, raised.value.kind) == ("c", state, kind)


def test_every_state_but_the_first_is_reached() -> None:
    assert set(TURNS.values()) == set(State)


def _header(**changes: Any) -> Header:
    first = Header(
        kind=Kind.START,
        sidecar="gate",
        incarnation="i1",
        seq=1,
        prev=GENESIS,
        at="2026-09-21T00:00:00.000000+00:00",
        boot=5,
        call=None,
        tenant="acme",
        body_hash=_LINK,
    )
    return replace(first, **changes)


_SECOND = _header(kind=Kind.NOTICE, seq=2, prev=_LINK, boot=6)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"seq": 3}, id="gap"),
        pytest.param({"seq": 1}, id="repeated-number"),
        pytest.param({"prev": GENESIS}, id="fork"),
        pytest.param({"tenant": "other"}, id="another-tenant"),
        pytest.param({"sidecar": "other"}, id="another-sidecar"),
        pytest.param({"incarnation": "i2"}, id="writes-before-its-start"),
        pytest.param({"kind": Kind.START}, id="starts-twice"),
        pytest.param({"boot": 4}, id="boot-clock-goes-back"),
    ],
)
def test_a_record_that_does_not_follow(change: dict[str, Any]) -> None:
    chain = Continuity()
    chain.follow(_header(), _LINK)
    with pytest.raises(BrokenLink):
        chain.follow(replace(_SECOND, **change), "b" * 64)
    chain.follow(_SECOND, "b" * 64)
    assert chain.position.seq == 2


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(_header(kind=Kind.NOTICE), id="no-start"),
        pytest.param(_header(prev=_LINK), id="genesis-is-not-zeros"),
        pytest.param(_header(seq=0), id="numbers-begin-at-one"),
    ],
)
def test_a_first_record_that_is_none(header: Header) -> None:
    with pytest.raises(BrokenLink):
        Continuity().follow(header, _LINK)


def test_nothing_follows_a_close_but_another_start() -> None:
    chain = Continuity()
    chain.follow(_header(), _LINK)
    chain.follow(replace(_SECOND, kind=Kind.CLOSE), "b" * 64)
    third = replace(_SECOND, seq=3, prev="b" * 64)
    with pytest.raises(BrokenLink, match="after its close"):
        chain.follow(third, "c" * 64)
    chain.follow(replace(third, kind=Kind.START, incarnation="i2", boot=0), "c" * 64)
