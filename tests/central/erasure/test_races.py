"""Erasures, holds and keys that arrive wait for each other: none finds the half of another."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from central.erasure.vocabulary import Doomed, Hold, Unit
from central.store import tables
from tests.central.erasure.office import ASKED, Office, everything, unit_of
from tests.central.ledger.gate import Gate

_SECONDS = 20.0


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


class Slow:
    """Chooses everything, when it is told to; an erasure stands in the middle of its transaction until then."""

    def __init__(self) -> None:
        self.begun, self.go = Event(), Event()

    def __call__(self, unit: Unit) -> list[Doomed]:
        self.begun.set()
        assert self.go.wait(_SECONDS)
        return everything(unit)


def _waits(future: "Future[Any]") -> None:
    with pytest.raises(TimeoutError):
        future.result(timeout=0.3)


def test_an_erasure_waits_for_a_key_that_is_arriving(place: Office, pool: ThreadPoolExecutor) -> None:
    place.said("of one", "s1")
    other = _arriving()
    with place.ledger.store.writing() as connection:
        place.ledger.append_within(connection, other.batch(), other.registered)
        erasing = pool.submit(place.erase, "s1")
        _waits(erasing)
    (erased,) = erasing.result(_SECONDS).erased
    assert len(erased.keys) == 2
    assert place.rows(tables.data_keys) == []


def test_a_key_that_is_being_erased_does_not_arrive_meanwhile(place: Office, pool: ThreadPoolExecutor) -> None:
    place.said("of one", "s1")
    gate, slow = place.gate("acme"), Slow()
    erasing = pool.submit(place.deeds.erase, "acme", [unit_of("s1")], slow)
    assert slow.begun.wait(_SECONDS)
    gate.unit = "s1"
    gate.intent("more")
    arriving = pool.submit(place.ledger.append, gate.part(0), gate.registered)
    _waits(arriving)
    slow.go.set()
    assert len(erasing.result(_SECONDS).erased) == 1
    assert arriving.result(_SECONDS).new_records == 1
    assert place.rows(tables.data_keys) == []


def test_a_hold_waits_for_an_erasure_that_has_begun(place: Office, pool: ThreadPoolExecutor) -> None:
    place.said("of one", "s1")
    slow = Slow()
    erasing = pool.submit(place.deeds.erase, "acme", [unit_of("s1")], slow)
    assert slow.begun.wait(_SECONDS)
    placing = pool.submit(place.deeds.place, Hold("hold-1", "acme"), ASKED)
    _waits(placing)
    slow.go.set()
    assert len(erasing.result(_SECONDS).erased) == 1
    placing.result(_SECONDS)
    place.said("later", "s2")
    assert place.erase("s2").held[0].holds == ("hold-1",)


def _arriving() -> Gate:
    """Another sidecar with a key of the same unit."""
    gate = Gate(name="gate-2").start().start()
    gate.unit = "s1"
    return gate.intent("a")
