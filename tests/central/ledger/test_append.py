"""What the ledger takes of a batch, on each database."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from central.ledger.ledger import Ledger
from central.ledger.vocabulary import IncidentKind, NotJoined
from central.store import tables
from evidence.chain import Position
from evidence.record import Kind
from tests.central.ledger.gate import SECOND, Gate


def test_a_chain_goes_on_from_batch_to_batch(ledger: Ledger) -> None:
    gate = Gate().start().calls("a", "b").head().intent("c")
    first = gate.batch()
    assert ledger.position(gate.name, gate.tenant, gate.chain) == Position()
    assert ledger.append(first, gate.registered).position == gate.position()
    gate.outcome("c").head(back=1).heartbeat().head()
    done = ledger.append(gate.batch(), gate.registered)
    assert (done.position, done.new_records, done.incidents) == (gate.position(), 2, ())
    assert ledger.position(gate.name, gate.tenant, gate.chain) == gate.position()


@pytest.mark.parametrize(("sidecar", "tenant"), [("gate-2", "acme"), ("gate-1", "umbrella")])
def test_a_position_is_told_to_nobody_else(ledger: Ledger, sidecar: str, tenant: str) -> None:
    gate = Gate().start()
    ledger.append(gate.batch(), gate.registered)
    assert ledger.position(sidecar, tenant, gate.chain) == Position()


def test_what_is_sent_twice_is_kept_once(ledger: Ledger) -> None:
    gate = Gate().start().calls("a", "b").head()
    batch = gate.batch()
    assert ledger.append(batch, gate.registered).new_records == 5
    assert ledger.append(batch, gate.registered).new_records == 0
    gate.calls("c").head()
    assert ledger.append(gate.part(2), gate.registered).new_records == 2
    assert ledger.append(gate.part(2, 4), gate.registered).new_records == 0
    assert _counts(ledger) == {"records": 7, "heads": 2, "data_keys": 1, "batches": 2, "pending": 2, "incidents": 0}


def test_heads_alone(ledger: Ledger) -> None:
    gate = Gate().start().calls("a")
    ledger.append(gate.batch(), gate.registered)
    gate.head()
    for _ in range(2):
        done = ledger.append(gate.part(3), gate.registered)
        assert (done.position, done.new_records) == (gate.position(), 0)
    assert _counts(ledger)["heads"] == 1


def test_a_new_life_in_the_same_chain(ledger: Ledger) -> None:
    gate = Gate().start().calls("a").head().close().head()
    ledger.append(gate.batch(), gate.registered)
    gate.start().calls("b").head()
    assert ledger.append(gate.batch(), gate.registered).incidents == ()
    with ledger.store.reading() as connection:
        lives = connection.execute(select(tables.incarnations).order_by(tables.incarnations.c.first_seq)).all()
    assert [(life.first_seq, life.last_seq, life.closed, life.isolation) for life in lives] == [
        (1, 4, True, "uid"),
        (5, 7, False, "uid"),
    ]


def test_a_segment_begins_with_what_is_open(ledger: Ledger) -> None:
    gate = Gate().start().intent("a").intent("b")
    ledger.append(gate.batch(), gate.registered)
    gate.outcome("a").intent("c").segment("b", "c").outcome("b")
    assert ledger.append(gate.batch(), gate.registered).incidents == ()


def test_a_hole_that_nobody_declared(ledger: Ledger) -> None:
    gate = Gate().start().calls("a")
    ledger.append(gate.batch(), gate.registered)
    held = gate.position()
    gate.calls("b").heartbeat()
    with pytest.raises(NotJoined) as refused:
        ledger.append(gate.part(4), gate.registered)
    assert refused.value.position == held
    assert _counts(ledger)["records"] == 3
    assert ledger.append(gate.part(3), gate.registered).new_records == 3


def test_a_gap_that_is_declared(ledger: Ledger) -> None:
    gate = Gate().start().intent("a").intent("b")
    ledger.append(gate.batch(), gate.registered)
    gate.outcome("a").intent("c").segment("b", "c").outcome("b").head()
    for new, raised in ((2, [IncidentKind.GAP]), (0, [])):
        done = ledger.append(gate.part(5, gap=True), gate.registered)
        assert (done.new_records, [incident.kind for incident in done.incidents]) == (new, raised)
    gate.outcome("c").head()
    assert ledger.append(gate.part(7), gate.registered).new_records == 1


def test_a_gap_that_took_the_start_of_an_incarnation(ledger: Ledger) -> None:
    gate = Gate().start().intent("a")
    ledger.append(gate.batch(), gate.registered)
    gate.start().segment("a").head()
    done = ledger.append(gate.part(3, gap=True), gate.registered)
    assert (done.incidents[0].kind, done.incidents[0].amount) == (IncidentKind.GAP, 1)
    gate.start().heartbeat().head()
    assert ledger.append(gate.part(4), gate.registered).new_records == 2
    with ledger.store.reading() as connection:
        checked = list(connection.scalars(select(tables.heads.c.checked).order_by(tables.heads.c.no)))
    assert checked == [False, True]


def test_a_chain_whose_beginning_nobody_has(ledger: Ledger) -> None:
    gate = Gate().start().intent("a").segment("a").outcome("a")
    done = ledger.append(gate.part(2, gap=True), gate.registered)
    assert (done.position, done.new_records) == (gate.position(), 2)


def test_a_gap_is_none_where_the_ledger_has_the_records(ledger: Ledger) -> None:
    gate = Gate().start().intent("a").segment("a").outcome("a")
    ledger.append(gate.part(0, 3), gate.registered)
    done = ledger.append(gate.part(2, gap=True), gate.registered)
    assert (done.new_records, done.incidents) == (1, ())


def test_a_clock_that_goes_back(ledger: Ledger) -> None:
    gate = Gate().start().calls("a")
    gate.unix_us -= 62 * SECOND
    gate.heartbeat()
    gate.unix_us -= 59 * SECOND
    done = ledger.append(gate.heartbeat().batch(), gate.registered)
    assert [(incident.kind, incident.seq, incident.amount) for incident in done.incidents] == [
        (IncidentKind.CLOCK, 4, 61 * SECOND)
    ]
    gate.unix_us -= 3600 * SECOND
    ledger.append(gate.heartbeat().batch(), gate.registered)
    with ledger.store.reading() as connection:
        assert connection.execute(select(tables.incidents.c.count, tables.incidents.c.amount)).one() == (
            2,
            3599 * SECOND,
        )


def test_records_that_the_sidecar_lost(ledger: Ledger) -> None:
    gate = Gate().start().write(Kind.LOSS, {"lost": {"notice": 3, "heartbeat": 2}})
    incident = ledger.append(gate.batch(), gate.registered).incidents[0]
    assert (incident.kind, incident.seq, incident.amount) == (IncidentKind.LOST, 2, 5)


def test_two_replicas_append_to_one_chain(database: str) -> None:
    replicas = [Ledger.open(database) for _ in range(2)]
    gate = Gate().start()
    for number in range(30):
        gate.calls(f"call-{number}").head()
    parts = [gate.part(after, after + 12) for after in range(0, 60, 4)]
    with ThreadPoolExecutor(4) as pool:
        for replica in (*replicas, *replicas):
            pool.submit(_send, replica, gate)
    assert _counts(replicas[0]) == {
        "records": 61, "heads": 30, "data_keys": 1, "batches": _counts(replicas[0])["batches"],
        "pending": _counts(replicas[0])["batches"], "incidents": 0,
    }  # fmt: skip
    assert {replica.position(gate.name, gate.tenant, gate.chain) for replica in replicas} == {gate.position()}
    assert all(replicas[1].append(part, gate.registered).new_records == 0 for part in parts)
    for replica in replicas:
        replica.close()


def _send(ledger: Ledger, gate: Gate) -> None:
    """As a sender does: from what is held onwards, four records more each time."""
    while (held := ledger.position(gate.name, gate.tenant, gate.chain)) != gate.position():
        ledger.append(gate.part(held.seq, min(held.seq + 4, 61)), gate.registered)


def _counts(ledger: Ledger) -> dict[str, int]:
    named = (
        tables.records, tables.heads, tables.data_keys, tables.batches, tables.pending, tables.incidents,
    )  # fmt: skip
    with ledger.store.reading() as connection:
        return {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in named}


def test_a_late_result_of_a_call_that_a_gap_took(ledger: Ledger) -> None:
    gate = Gate().start().write(Kind.APPROVAL, {"state": "asked"}, "b")
    ledger.append(gate.batch(), gate.registered)
    gate.calls("a", "b").segment().write(Kind.LATE, {}, "a").write(Kind.LATE, {}, "b")
    assert ledger.append(gate.part(6, gap=True), gate.registered).new_records == 3
