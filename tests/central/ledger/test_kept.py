"""What no chain can take: each case is kept beside, with one incident, and the chain stays as it was."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from central.ledger.incidents import stray_bytes
from central.ledger.ledger import Ledger
from central.ledger.vocabulary import IncidentKind, Kept
from central.registry import Sidecar
from central.store import tables
from evidence.batch import Batch, read_batch
from evidence.chain import Position
from evidence.record import Kind
from tests.central.ledger.gate import SECOND, Gate

Case = Callable[[Gate], Batch]
"""Goes on with a chain whose first five records the ledger holds, with the call `c` open."""


def _held() -> Gate:
    return Gate().start().calls("a").head().heartbeat().intent("c")


def another_future(_gate: Gate) -> Batch:
    return _twin().heartbeat().part(5)


def another_past(_gate: Gate) -> Batch:
    return _twin().heartbeat().part(2)


def a_known_record_that_is_another(_gate: Gate) -> Batch:
    return _twin().part(2, 4)


def _twin() -> Gate:
    """The same chain, but for what its fourth record says."""
    twin = Gate().start().calls("a")
    return twin.write(Kind.HEARTBEAT, {"open_calls": 7}).intent("c")


def a_name_that_is_not_its_own(_gate: Gate) -> Batch:
    other = Gate(unix_us=5 * SECOND).start()
    batch = other.batch()
    return Batch(
        batch.sidecar, batch.tenant, "ab" * 32, batch.after, gap=False, keys=(), records=batch.records, heads=()
    )


def another_identity(gate: Gate) -> Batch:
    return gate.start(identity="A" * 43 + "=").part(5)


def a_certificate_for_another_incarnation(gate: Gate) -> Batch:
    return gate.start(certificate={"not_before": "2020-01-01T00:00:00+00:00", "signature": "AAAA"}).part(5)


def a_start_without_a_certificate(gate: Gate) -> Batch:
    return gate.start(certificate=None).part(5)


def an_incarnation_that_writes_on_after_its_close(gate: Gate) -> Batch:
    return gate.outcome("c").close().heartbeat().part(5)


def a_boot_clock_that_goes_back(gate: Gate) -> Batch:
    gate.boot_us = 0
    return gate.heartbeat().part(5)


def a_head_over_a_record_that_is_not(gate: Gate) -> Batch:
    return gate.heartbeat().head(link="ef" * 32).part(5)


def a_head_over_an_older_record_that_is_not(gate: Gate) -> Batch:
    return gate.heartbeat().head(back=3, link="ef" * 32).part(5)


def a_head_of_another_key(gate: Gate) -> Batch:
    stranger = Gate().start().start().calls("a").heartbeat()
    gate.heartbeat()
    gate.lines.append((6, stranger.head().lines[-1][1]))
    return gate.part(5)


def a_second_intent(gate: Gate) -> Batch:
    return gate.intent("c").part(5)


def a_call_that_was_ended_before(gate: Gate) -> Batch:
    return gate.intent("a").part(5)


def an_outcome_of_nothing(gate: Gate) -> Batch:
    return gate.write(Kind.OUTCOME, {"outcome": "completed"}, "x").part(5)


def a_late_of_an_open_call(gate: Gate) -> Batch:
    return gate.write(Kind.LATE, {}, "c").part(5)


def an_intent_without_a_call(gate: Gate) -> Batch:
    return gate.write(Kind.INTENT, {}).part(5)


def a_notice_that_leaves_an_open_call_out(gate: Gate) -> Batch:
    return gate.segment().part(5)


def a_notice_that_names_an_ended_call(gate: Gate) -> Batch:
    return gate.segment("a", "c").part(5)


def a_loss_of_nothing(gate: Gate) -> Batch:
    return gate.write(Kind.LOSS, {"lost": 3}).part(5)


CASES = {
    "another-future": (another_future, IncidentKind.FORK, 5),
    "another-past": (another_past, IncidentKind.FORK, 5),
    "a-known-record-is-another": (a_known_record_that_is_another, IncidentKind.FORK, 4),
    "the-chain-is-misnamed": (a_name_that_is_not_its_own, IncidentKind.FORK, 1),
    "another-identity": (another_identity, IncidentKind.CERTIFICATE, 6),
    "another-certificate": (a_certificate_for_another_incarnation, IncidentKind.CERTIFICATE, 6),
    "no-certificate": (a_start_without_a_certificate, IncidentKind.CERTIFICATE, 6),
    "after-the-close": (an_incarnation_that_writes_on_after_its_close, IncidentKind.TURN, 8),
    "boot-goes-back": (a_boot_clock_that_goes_back, IncidentKind.TURN, 6),
    "a-head-of-another-record": (a_head_over_a_record_that_is_not, IncidentKind.FORK, 6),
    "a-head-of-another-older-record": (a_head_over_an_older_record_that_is_not, IncidentKind.FORK, 3),
    "a-head-of-another-key": (a_head_of_another_key, IncidentKind.SIGNATURE, 6),
    "a-second-intent": (a_second_intent, IncidentKind.TURN, 6),
    "an-ended-call-begins-again": (a_call_that_was_ended_before, IncidentKind.TURN, 6),
    "an-outcome-of-nothing": (an_outcome_of_nothing, IncidentKind.TURN, 6),
    "late-of-an-open-call": (a_late_of_an_open_call, IncidentKind.TURN, 6),
    "an-intent-without-a-call": (an_intent_without_a_call, IncidentKind.TURN, 6),
    "a-notice-leaves-a-call-out": (a_notice_that_leaves_an_open_call_out, IncidentKind.TURN, 6),
    "a-notice-names-an-ended-call": (a_notice_that_names_an_ended_call, IncidentKind.TURN, 6),
    "a-loss-of-nothing": (a_loss_of_nothing, IncidentKind.TURN, 6),
}


@pytest.mark.parametrize(("case", "kind", "seq"), [pytest.param(*row, id=name) for name, row in CASES.items()])
def test_what_no_chain_takes(ledger: Ledger, case: Case, kind: IncidentKind, seq: int) -> None:
    gate = _held()
    ledger.append(gate.batch(), gate.registered)
    held = ledger.position(gate.name, gate.tenant, gate.chain)
    batch = case(gate)
    for _ in range(3):
        with pytest.raises(Kept) as kept:
            ledger.append(batch, gate.registered)
        assert (kept.value.incident.kind, kept.value.incident.seq) == (kind, seq)
    assert ledger.position(gate.name, gate.tenant, gate.chain) == held
    _is_kept_once(ledger, batch, kind, times=3)
    other = _held().outcome("c").head()
    assert ledger.append(other.part(5), gate.registered).new_records == 1


OWNERS = {
    "another-tenant": (Sidecar("gate-1", "umbrella", b"\x01" * 32), "gate-1 of tenant umbrella sent evidence of"),
    "another-sidecar": (Sidecar("gate-2", "acme", b"\x01" * 32), "sidecar gate-2 of tenant acme sent evidence of"),
}


@pytest.mark.parametrize(("owner", "text"), [pytest.param(*row, id=name) for name, row in OWNERS.items()])
def test_evidence_of_somebody_else(ledger: Ledger, owner: Sidecar, text: str) -> None:
    gate = _held()
    batch = gate.batch()
    with pytest.raises(Kept, match=text) as kept:
        ledger.append(batch, owner)
    incident = kept.value.incident
    assert (incident.kind, incident.tenant, incident.sidecar) == (IncidentKind.TENANT, owner.tenant, owner.id)
    assert ledger.position(gate.name, gate.tenant, gate.chain) == Position()
    _is_kept_once(ledger, batch, IncidentKind.TENANT, times=1)
    assert ledger.append(batch, gate.registered).new_records == 5


def test_a_gap_on_the_chain_of_another_sidecar(ledger: Ledger) -> None:
    gate = _held()
    ledger.append(gate.batch(), gate.registered)
    thief = Gate("gate-2").start().calls("a").heartbeat().intent("c").segment("c")
    batch = thief.part(5, gap=True)
    stolen = Batch("gate-2", "acme", gate.chain, batch.after, gap=True, keys=(), records=batch.records, heads=())
    with pytest.raises(Kept, match="the chain is that of sidecar gate-1") as kept:
        ledger.append(stolen, thief.registered)
    assert kept.value.incident.kind is IncidentKind.TENANT


def _is_kept_once(ledger: Ledger, batch: Batch, kind: IncidentKind, *, times: int) -> None:
    with ledger.store.reading() as connection:
        incident = connection.execute(select(tables.incidents)).mappings().one()
        stray = connection.execute(select(tables.strays)).one()
        keys = set(connection.scalars(select(tables.data_keys.c.line)))
    assert (incident["kind"], incident["count"], stray.incident_no) == (kind.value, times, incident["no"])
    assert bytes(stray.data) == stray_bytes(batch)
    assert b"\nkey\t" not in bytes(stray.data)
    assert keys >= {key.line for key in batch.keys}
    assert read_batch(bytes(stray.data)).records == batch.records
