"""A chain that nobody goes on with is stated as abandoned, its open calls as unknown; one that comes back goes on."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from central.abandonment import stating
from central.abandonment.watching import Abandoning
from central.ledger.completeness import completeness
from central.ledger.reading import Reading
from central.store import tables
from evidence.verify import verify_paths
from tests.central.erasure.office import DAY, Office
from tests.central.ledger.gate import SECOND, Gate

HOURS = 3_600 * SECOND


def _abandoning(place: Office, state: Path, said: list[str] | None = None) -> Abandoning:
    told = [] if said is None else said
    return Abandoning(place.ledger, state, place.watch, after_seconds=86_400, say=told.append)


def _sent(place: Office, gate: Gate) -> Gate:
    place.ledger.append(gate.batch(), gate.registered)
    return gate


def _left(gate: Gate) -> Gate:
    """Killed with two calls open, and one that had ended."""
    return gate.start().calls("a").intent("b").intent("c").head()


def _statements(place: Office) -> list[dict[str, Any]]:
    rows = sorted(place.rows(tables.records), key=lambda row: (row["chain_no"], row["seq"]))
    return [json.loads(row["body"]) for row in rows if b'"kind":"abandonment"' in row["header"]]


def test_the_calls_that_it_left_open_are_unknown(place: Office, tmp_path: Path) -> None:
    said: list[str] = []
    gate, watching = _sent(place, _left(Gate())), _abandoning(place, tmp_path / "state", said)
    assert watching.look() == 0
    place.watch.unix_us += DAY + HOURS
    assert watching.look() == 1
    (told,) = _statements(place)
    assert {name: told[name] for name in ("sidecar", "chain", "seq", "link", "calls", "unnamed", "effect")} == {
        "sidecar": gate.name,
        "chain": gate.chain,
        "seq": gate.position().seq,
        "link": gate.position().link,
        "calls": ["b", "c"],
        "unnamed": 0,
        "effect": "unknown",
    }
    assert said == [
        f"chain {gate.chain[:16]} of {gate.name} is abandoned at record {gate.position().seq}: "
        "the effect of 2 open calls is unknown"
    ]
    assert watching.look() == 0
    assert [one.abandoned for one in Reading(place.ledger.store, "acme").chains()[0]] == [2, None]
    assert _lacks(place) == ["abandoned"]
    assert verify_paths([tmp_path / "state" / "evidence"]).ok


def _lacks(place: Office) -> list[str]:
    found = completeness(place.ledger.store, "acme", since=None, until=place.watch.unix_us + HOURS, sidecar="gate-1")
    return [lack.code for one in found.chains for lack in one.lacks]


def _closed(place: Office) -> None:
    _sent(place, Gate().start().calls("a").close().head())


def _heard(place: Office) -> None:
    _sent(place, _left(Gate()))
    place.watch.unix_us -= DAY


def _nothing(place: Office) -> None:
    """Nobody has ever sent anything."""


@pytest.mark.parametrize(
    "before", [pytest.param(each, id=each.__name__.strip("_")) for each in (_closed, _heard, _nothing)]
)
def test_what_is_not_abandoned(place: Office, tmp_path: Path, before: Any) -> None:
    watching = _abandoning(place, tmp_path / "own")
    place.watch.unix_us += DAY
    before(place)
    place.watch.unix_us += DAY + HOURS
    place.watch.unix_us -= HOURS * 2 if before is _heard else 0
    assert watching.look() == 0
    assert _statements(place) == []
    assert not (tmp_path / "own").exists()


def test_one_that_comes_back_goes_on(place: Office, tmp_path: Path) -> None:
    gate, watching = _sent(place, _left(Gate())), _abandoning(place, tmp_path / "state")
    place.watch.unix_us += 2 * DAY
    assert watching.look() == 1
    _sent(place, gate.start().outcome("b", "unknown").outcome("c", "unknown").intent("d").head())
    assert Reading(place.ledger.store, "acme").chains()[0][0].abandoned is None
    assert "abandoned" not in _lacks(place)
    place.watch.unix_us += 2 * DAY
    assert watching.look() == 1
    assert [(told["seq"], told["calls"]) for told in _statements(place)] == [
        (5, ["b", "c"]),
        (gate.position().seq, ["d"]),
    ]


def test_a_call_whose_intent_was_lost_is_counted(place: Office, tmp_path: Path) -> None:
    gate = _sent(place, Gate().start().calls("a").head())
    gate.intent("lost").segment("lost").head()
    place.ledger.append(gate.part(gate.position().seq - 1, gap=True), gate.registered)
    place.watch.unix_us += 2 * DAY
    assert _abandoning(place, tmp_path / "state").look() == 1
    (told,) = _statements(place)
    assert (told["calls"], told["unnamed"]) == ([], 1)


def test_many_calls_take_several_records(place: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stating, "CALLS", 2)
    gate = Gate().start()
    for name in "abcde":
        gate.intent(name)
    _sent(place, gate.head())
    place.watch.unix_us += 2 * DAY
    assert _abandoning(place, tmp_path / "state").look() == 1
    assert [told["calls"] for told in _statements(place)] == [["a", "b"], ["c", "d"], ["e"]]
    assert Reading(place.ledger.store, "acme").chains()[0][0].abandoned == 5


def test_each_tenant_has_its_own_statement(place: Office, tmp_path: Path) -> None:
    for name, tenant in (("gate-1", "acme"), ("gate-2", "umbrella")):
        _sent(place, _left(Gate(name=name, tenant=tenant)))
    place.watch.unix_us += 2 * DAY
    assert _abandoning(place, tmp_path / "state").look() == 2
    rows = [row["header"] for row in place.rows(tables.records) if b'"kind":"abandonment"' in row["header"]]
    assert sorted(json.loads(header)["tenant"] for header in rows) == ["acme", "umbrella"]


def test_replicas_state_it_once(place: Office, tmp_path: Path) -> None:
    _sent(place, _left(Gate()))
    place.watch.unix_us += 2 * DAY
    replicas = [_abandoning(place, tmp_path / f"state-{number}") for number in range(4)]
    threads = [threading.Thread(target=replica.look) for replica in replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(_statements(place)) == 1


def test_a_statement_that_the_ledger_has_forgotten_is_told_to_it_again(place: Office, tmp_path: Path) -> None:
    """As after a restore from a backup: central's copy of its own chain knows more than the database."""
    _sent(place, _left(Gate()))
    place.watch.unix_us += 2 * DAY
    assert _abandoning(place, tmp_path / "state").look() == 1
    (before,) = place.rows(tables.abandonments)
    place.restored(tables.abandonments)
    assert place.rows(tables.abandonments) == []
    place.deeds.settle()
    assert place.rows(tables.abandonments) == [before]
