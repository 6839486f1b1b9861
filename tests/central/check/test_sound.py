"""What may stand in a ledger is no finding: gaps that were noted, lives that ended badly, keys that were destroyed."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select

from central.check.checking import Checked, check_ledger
from central.check.findings import Step
from central.check.published import Expected
from central.erasure.deeds import Deeds
from central.ledger.ledger import Ledger
from central.ledger.vocabulary import Kept
from central.log.sql_state import SqlTreeState
from central.log.store import LogFolder
from central.registry import Registry, Sidecar
from central.store import tables
from evidence.clock import SystemClock
from evidence.signing import read_public
from tests.central.check.tampering import unguarded
from tests.central.erasure.office import Office, Watch, office, unit_of
from tests.central.ledger.gate import Gate
from tests.central.log.logs import run
from tests.central.log.memory import LOG


def two_lives(gate: Gate, ledger: Ledger) -> None:
    gate.calls("a").close().head().start().calls("b").head()
    ledger.append(gate.batch(), gate.registered)


def a_life_that_was_killed(gate: Gate, ledger: Ledger) -> None:
    gate.calls("a").intent("b").head()
    ledger.append(gate.batch(), gate.registered)
    gate.start().outcome("b", "unknown").calls("c").head()
    ledger.append(gate.batch(), gate.registered)


def a_gap_before_a_segment(gate: Gate, ledger: Ledger) -> None:
    gate.calls("a").head()
    ledger.append(gate.batch(), gate.registered)
    gate.calls("lost", "lost too").segment().calls("b").head()
    ledger.append(gate.part(7, gap=True), gate.registered)


def a_gap_before_a_life(gate: Gate, ledger: Ledger) -> None:
    gate.calls("a").head()
    ledger.append(gate.batch(), gate.registered)
    gate.calls("lost").start().calls("b").head()
    ledger.append(gate.part(5, gap=True), gate.registered)


def a_chain_that_begins_with_a_gap(gate: Gate, ledger: Ledger) -> None:
    """Nobody has its first key any more: heads up to the next life are held to what they name alone."""
    gate.calls("a", "b").segment().calls("c").head().start().calls("d").head()
    ledger.append(gate.part(5, gap=True), gate.registered)


def two_gaps(gate: Gate, ledger: Ledger) -> None:
    gate.calls("a", "b").segment().calls("c").head()
    ledger.append(gate.part(5, gap=True), gate.registered)
    gate.calls("lost").segment("open").head()
    ledger.append(gate.part(10, gap=True), gate.registered)


def a_fork_and_a_clock(gate: Gate, ledger: Ledger) -> None:
    other = gate.fork()
    gate.unix_us -= 600 * 1_000_000
    gate.calls("a").head()
    ledger.append(gate.part(0), gate.registered)
    with suppress(Kept):
        ledger.append(other.calls("b").part(1), other.registered)


def without_heads(gate: Gate, ledger: Ledger) -> None:
    ledger.append(gate.calls("a", "b").batch(), gate.registered)


def in_pieces_and_twice(gate: Gate, ledger: Ledger) -> None:
    gate.calls("a", "b", "c").head()
    for part in (gate.part(0, 3), gate.part(1, 5), gate.part(0, 4), gate.part(0)):
        ledger.append(part, gate.registered)


def nothing(gate: Gate, ledger: Ledger) -> None:
    """Not even a start."""


WORLDS = (
    two_lives, a_life_that_was_killed, a_gap_before_a_segment, a_gap_before_a_life, a_chain_that_begins_with_a_gap,
    two_gaps, a_fork_and_a_clock, without_heads, in_pieces_and_twice, nothing,
)  # fmt: skip


def checked(ledger: Ledger, log: Path, *gates: Gate, own: Sidecar | None = None) -> Checked:
    registry = Registry({gate.name: gate.registered for gate in gates})
    return check_ledger(ledger.store, LogFolder(log), Expected([LOG]), registry, own)


@pytest.mark.parametrize("made", WORLDS, ids=lambda made: made.__name__.replace("_", "-"))
async def test_what_may_be(ledger: Ledger, tmp_path: Path, made: Callable[[Gate, Ledger], None]) -> None:
    gate = Gate().start()
    made(gate, ledger)
    assert checked(ledger, tmp_path, gate).findings.told == []
    await run(SqlTreeState(ledger.store), tmp_path)
    assert checked(ledger, tmp_path, gate).findings.told == []


@pytest.fixture
def place(ledger: Ledger, tmp_path: Path) -> Office:
    return office(ledger, Watch(), tmp_path / "state")


def _own(place: Office, state: Path) -> Sidecar:
    public = read_public((state / "keys" / "evidence.pub").read_text().strip())
    with place.ledger.store.reading() as connection:
        query = select(tables.chains.c.sidecar).where(tables.chains.c.sidecar.startswith("central-"))
        return Sidecar(connection.execute(query).scalar_one(), "", public)


async def test_keys_that_were_destroyed_and_keys_that_are_missing(place: Office, tmp_path: Path) -> None:
    for session in ("s1", "s2", "s3"):
        place.said(f"of {session}", session)
    place.erase("s1")
    with place.ledger.store.writing() as connection:
        connection.execute(delete(tables.data_keys).where(tables.data_keys.c.unit == unit_of("s2")))
    await run(SqlTreeState(place.ledger.store), tmp_path / "log")
    gate = place.gates["acme"]
    found = checked(place.ledger, tmp_path / "log", gate, own=_own(place, tmp_path / "state"))
    assert (found.ok, found.strangers, found.destroyed, found.missing) == (True, 0, 1, 1)
    assert found.first_missing == f"record 4 of chain {gate.chain}"
    alone = checked(place.ledger, tmp_path / "log", gate)
    assert (alone.ok, alone.strangers, alone.destroyed, alone.missing) == (True, 1, 0, 2)


async def test_a_destroyed_key_that_is_there_again(place: Office, tmp_path: Path) -> None:
    place.said("of one", "s1")
    (before,) = place.rows(tables.data_keys)
    place.erase("s1")
    with place.ledger.store.writing() as connection:
        unguarded(connection)
        connection.execute(insert(tables.data_keys).values(before))
    found = checked(place.ledger, tmp_path / "log", place.gates["acme"], own=_own(place, tmp_path / "state"))
    assert [each.step for each in found.findings.told] == [Step.KEPT]
    assert "was destroyed, and is there again" in found.findings.told[0].what


def test_another_central_than_the_one_that_wrote(place: Office, tmp_path: Path) -> None:
    place.said("of one", "s1")
    place.erase("s1")
    Deeds(place.ledger, tmp_path / "other", SystemClock())
    public = read_public((tmp_path / "other" / "keys" / "evidence.pub").read_text().strip())
    own = Sidecar(_own(place, tmp_path / "state").id, "", public)
    found = checked(place.ledger, tmp_path / "log", place.gates["acme"], own=own)
    assert [(each.step, each.seq) for each in found.findings.told] == [(Step.KEYS, 1)]
