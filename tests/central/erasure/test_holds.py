"""A hold wins: whatever it is on, and however somebody tries to erase that."""

from pathlib import Path
from typing import Any

import pytest

from central.erasure.deeds import Deeds
from central.erasure.purging import Purge
from central.erasure.retention import Rule
from central.erasure.units import units_about
from central.erasure.vocabulary import Asked, DataKey, ErasureProblem, Hold, Sealed, Unit
from central.ledger.sealings import About
from central.store import tables
from tests.central.erasure.office import ASKED, DAY, NOON, Office, everything, unit_of

HOLDS: dict[str, dict[str, Any]] = {
    "the-tenant": {},
    "its-agent": {"agent": "bot"},
    "its-session": {"session": "s1"},
    "its-time": {"from_at": NOON, "until_at": NOON + DAY},
    "from-then-on": {"from_at": NOON},
    "until-then": {"until_at": NOON + DAY},
    "all-of-them": {"agent": "bot", "session": "s1", "from_at": NOON, "until_at": NOON + DAY},
}
WAYS = ("unit", "session", "subject", "retention")


@pytest.mark.parametrize("hold", [pytest.param(given, id=name) for name, given in HOLDS.items()])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_held_is_not_erased_until_it_is_released(place: Office, hold: dict[str, Any], way: str) -> None:
    place.said("held", "s1", user="u1")
    place.deeds.place(Hold("hold-1", "acme", **hold), ASKED)
    assert _tried(place, way) == [(unit_of("s1"), ("hold-1",))]
    assert place.readable() == {"held"}
    assert place.rows(tables.erasures) == []
    place.deeds.release("hold-1", Asked("a lawyer", "case closed"))
    assert _tried(place, way) == []
    assert place.readable() == set()


def _tried(place: Office, way: str) -> list[tuple[str, tuple[str, ...]]]:
    """What is held back when everything of session s1, of user u1, is to be erased in this way."""
    if way == "retention":
        purge = Purge(place.ledger.store, (Rule(days=30),), NOON + 60 * DAY, ASKED)
        rehearsed, report = purge.rehearse(), purge.run(place.deeds)
        assert rehearsed.held == report.held
        return [(one.unit, one.holds) for _, one in report.held]
    with place.ledger.store.reading() as connection:
        named = {
            "unit": [unit_of("s1")],
            "session": units_about(connection, "acme", session="s1"),
            "subject": units_about(connection, "acme", subject="u1"),
        }[way]
    return [(one.unit, one.holds) for one in place.deeds.erase("acme", named, everything).held]


OTHERS: dict[str, Hold] = {
    "another-tenant": Hold("h", "other"),
    "another-agent": Hold("h", "acme", agent="clerk"),
    "another-session": Hold("h", "acme", session="s2"),
    "its-agent-in-another-session": Hold("h", "acme", agent="bot", session="s2"),
    "before-it": Hold("h", "acme", until_at=NOON - 1),
    "after-it": Hold("h", "acme", from_at=NOON + 2 * DAY),
}


@pytest.mark.parametrize("hold", [pytest.param(hold, id=name) for name, hold in OTHERS.items()])
def test_a_hold_on_something_else_holds_nothing_here(place: Office, hold: Hold) -> None:
    place.said("not held", "s1")
    place.deeds.place(hold, ASKED)
    assert place.erase("s1").held == ()
    assert place.readable() == set()


def test_one_hold_of_several_is_enough(place: Office) -> None:
    place.said("held", "s1")
    place.said("not held", "s2")
    for name, session in (("hold-1", "s1"), ("hold-2", "s1"), ("hold-3", "s3")):
        place.deeds.place(Hold(name, "acme", session=session), ASKED)
    assert place.erase("s1", "s2").held[0].holds == ("hold-1", "hold-2")
    place.deeds.release("hold-1", ASKED)
    assert place.erase("s1").held[0].holds == ("hold-2",)
    assert place.readable() == {"held"}


def test_placing_and_releasing_are_recorded(place: Office, tmp_path: Path) -> None:
    place.deeds.place(Hold("hold-1", "acme", agent="bot", from_at=NOON), ASKED)
    place.deeds.release("hold-1", Asked("a lawyer", "case closed"))
    (segment,) = (tmp_path / "state" / "evidence").glob("chain-*/records-*.tsv")
    told = [line.split(b"\t")[2] for line in segment.read_bytes().split(b"\n") if b'"kind":"hold"' in line]
    assert [(b'"state":"placed"' in body, b'"state":"released"' in body) for body in told] == [
        (True, False),
        (False, True),
    ]
    (row,) = place.rows(tables.holds)
    assert (row["placed_by"], row["released_by"], row["release_reason"]) == ("an operator", "a lawyer", "case closed")


def test_a_restored_ledger_has_its_holds_again(place: Office, tmp_path: Path) -> None:
    place.deeds.place(Hold("hold-1", "acme"), ASKED)
    place.restored(tables.holds)
    place.said("held", "s1")
    assert Deeds(place.ledger, tmp_path / "state", place.watch).settle() == 3
    assert place.erase("s1").held[0].holds == ("hold-1",)


RELEASES = {
    "one-that-is-not-there": ("hold-9", "no hold hold-9"),
    "one-that-is-released": ("hold-1", "released already"),
}


@pytest.mark.parametrize(("name", "said"), [pytest.param(*row, id=name) for name, row in RELEASES.items()])
def test_what_cannot_be_released(place: Office, name: str, said: str) -> None:
    place.deeds.place(Hold("hold-1", "acme"), ASKED)
    place.deeds.release("hold-1", ASKED)
    with pytest.raises(ErasureProblem, match=said):
        place.deeds.release(name, ASKED)


def _unit(*sealed: Sealed) -> Unit:
    return Unit("acme", "unit", (DataKey("ab" * 32, "gate", 100, sealed),))


def _sealed(at: int = 100, **about: str) -> Sealed:
    return Sealed(About(**about), at, at, at, at)


KNOWN = _sealed(agent="bot", session="s1", class_name="intent")
ON: dict[str, tuple[Hold, Unit, bool]] = {
    "no-record-of-it-is-known": (Hold("h", "acme", agent="clerk"), _unit(), True),
    "only-outcomes-are-known": (Hold("h", "acme", session="s2"), _unit(_sealed()), True),
    "one-of-two-agents": (Hold("h", "acme", agent="clerk"), _unit(KNOWN, _sealed(agent="clerk")), True),
    "an-outcome-beside-what-is-known": (Hold("h", "acme", agent="clerk"), _unit(KNOWN, _sealed()), False),
    "ends-as-it-begins": (Hold("h", "acme", until_at=100), _unit(KNOWN), True),
    "begins-as-it-ends": (Hold("h", "acme", from_at=100), _unit(KNOWN), True),
    "between-two-of-its-records": (Hold("h", "acme", from_at=40, until_at=60), _unit(_sealed(10), _sealed(90)), True),
    "by-the-clock-of-central": (Hold("h", "acme", from_at=90), _unit(Sealed(About(), 10, 10, 95, 95)), True),
    "unknown-and-out-of-time": (Hold("h", "acme", from_at=200), _unit(), False),
}


@pytest.mark.parametrize(("hold", "unit", "holds"), [pytest.param(*row, id=name) for name, row in ON.items()])
def test_what_a_hold_is_on(hold: Hold, unit: Unit, holds: bool) -> None:  # noqa: FBT001
    assert hold.on(unit) is holds
