"""What is due, by which rule, and what a purge does of it."""

import pytest

from central.erasure.purging import Purge
from central.erasure.retention import Rule, due_keys
from central.erasure.vocabulary import DataKey, Sealed, Unit
from central.ledger.sealings import About
from central.store import tables
from tests.central.erasure.office import ASKED, DAY, Office, unit_of

MAIL = About("mail", "full", "bot")
FILES = About("files", "intent", "bot")
OUTCOME = About()


def _unit(*about: About, received: int = 0) -> Unit:
    sealed = tuple(Sealed(one, received, received, received, received) for one in about)
    return Unit("acme", "u", (DataKey("k1", "gate", received, sealed),))


ROWS: dict[str, tuple[list[Rule], Unit, int | None]] = {
    "no-rule": ([], _unit(MAIL), None),
    "for-all": ([Rule(days=3)], _unit(MAIL), 3),
    "for-the-tenant": ([Rule(days=3, tenant="acme")], _unit(MAIL), 3),
    "for-another-tenant": ([Rule(days=3, tenant="other")], _unit(MAIL), None),
    "for-the-upstream": ([Rule(days=3, upstream="mail"), Rule(days=9)], _unit(MAIL), 3),
    "for-another-upstream": ([Rule(days=3, upstream="files"), Rule(days=9)], _unit(MAIL), 9),
    "for-what-policy-said": ([Rule(days=3, class_name="full"), Rule(days=9)], _unit(MAIL), 3),
    "for-the-kind": ([Rule(days=3, class_name="intent"), Rule(days=9)], _unit(FILES), 3),
    "all-members-must-fit": ([Rule(days=3, upstream="mail", class_name="intent"), Rule(days=9)], _unit(MAIL), 9),
    "the-first-that-fits": ([Rule(days=9), Rule(days=3)], _unit(MAIL), 9),
    "the-longest-of-one-key": ([Rule(days=3, upstream="mail"), Rule(days=9)], _unit(MAIL, FILES), 9),
    "one-of-one-key-is-kept": ([Rule(days=3, upstream="mail")], _unit(MAIL, FILES), None),
    "outcomes-are-of-their-calls": ([Rule(days=3, upstream="mail")], _unit(MAIL, OUTCOME), 3),
    "outcomes-alone": ([Rule(days=3, upstream="mail"), Rule(days=9)], _unit(OUTCOME), 9),
    "a-key-without-records": ([Rule(days=3)], _unit(), 3),
}


@pytest.mark.parametrize(("rules", "unit", "days"), [pytest.param(*row, id=name) for name, row in ROWS.items()])
def test_when_a_key_is_due(rules: list[Rule], unit: Unit, days: int | None) -> None:
    if days is None:
        assert due_keys(unit, rules, 10_000 * DAY) == ()
        return
    assert due_keys(unit, rules, days * DAY - 1) == ()
    assert due_keys(unit, rules, days * DAY) == ("k1",)


def test_an_outcome_under_another_key_has_the_rule_of_its_unit() -> None:
    keys = (
        DataKey("k1", "gate", 0, (Sealed(MAIL, 0, 0, 0, 0),)),
        DataKey("k2", "gate", 0, (Sealed(OUTCOME, 0, 0, DAY, DAY),)),
    )
    rules = [Rule(days=3, upstream="mail"), Rule(days=90)]
    assert due_keys(Unit("acme", "u", keys), rules, 3 * DAY) == ("k1",)
    assert due_keys(Unit("acme", "u", keys), rules, 4 * DAY) == ("k1", "k2")


def test_a_purge_destroys_what_is_due_and_says_what(place: Office) -> None:
    place.said("mail of one", "s1", upstream="mail")
    place.said("files of one", "s2", upstream="files")
    place.said("mail of another tenant", "s1", upstream="mail", tenant="other")
    rules = [Rule(days=30, upstream="mail", tenant="acme"), Rule(days=90)]
    purge = Purge(place.ledger.store, rules, place.watch.unix_us + 31 * DAY, ASKED)
    rehearsed = purge.rehearse()
    assert place.readable() == {"mail of one", "files of one"}
    report = purge.run(place.deeds)
    assert (report.units, report.keys, report.held) == (3, 1, [])
    assert [(tenant, one.unit, one.keys) for tenant, one in rehearsed.erased] == [
        (tenant, one.unit, one.keys) for tenant, one in report.erased
    ]
    assert place.readable() == {"files of one"}
    assert place.readable("other") == {"mail of another tenant"}
    assert [row["cause"] for row in place.rows(tables.erasures)] == ["retention"]


def test_a_purge_that_runs_again_finds_nothing(place: Office) -> None:
    for number in range(120):
        place.said("text", f"s{number}")
    purge = Purge(place.ledger.store, [Rule(days=1)], place.watch.unix_us + 2 * DAY, ASKED)
    assert purge.run(place.deeds).keys == 120
    again = purge.run(place.deeds)
    assert (again.units, again.keys) == (0, 0)
    assert {row["unit"] for row in place.rows(tables.erasures)} == {unit_of(f"s{number}") for number in range(120)}


def test_what_comes_again_begins_its_time_again(place: Office) -> None:
    place.said("first", "s1")
    begun = place.watch.unix_us
    place.watch.unix_us += 20 * DAY
    place.said("second", "s1")
    assert Purge(place.ledger.store, [Rule(days=30)], begun + 31 * DAY, ASKED).run(place.deeds).keys == 0
    assert Purge(place.ledger.store, [Rule(days=30)], begun + 51 * DAY, ASKED).run(place.deeds).keys == 1
