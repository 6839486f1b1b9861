"""Completeness out of the ledger, on each database: proved, or refused with the reason."""

from collections.abc import Callable

import pytest

from central.ledger.completeness import Told, tell
from central.ledger.ledger import Ledger
from central.ledger.vocabulary import Kept
from evidence.completeness import Code
from evidence.record import Kind
from tests.central.ledger.gate import SECOND, Gate

BEGINS = 1_790_000_000 * SECOND
NOW = BEGINS + 1_000 * SECOND
SILENT = 900 * SECOND


def _shipped(ledger: Ledger, gate: Gate) -> None:
    ledger.append(gate.batch(), gate.registered)


def _told(ledger: Ledger, first: float, last: float, *, tenant: str = "acme", now: int = NOW) -> Told:
    since, until = int(BEGINS + first * SECOND), int(BEGINS + last * SECOND)
    return tell(ledger.store, tenant, "gate-1", since, until, now=now, silent_us=SILENT)


def _whole(ledger: Ledger) -> None:
    _shipped(ledger, Gate().start().calls("a", "b").heartbeat().close().head())


def _two_lives(ledger: Ledger) -> None:
    _shipped(ledger, Gate().start().calls("a").close().head().start().calls("b").head())


def _killed(ledger: Ledger) -> None:
    _shipped(ledger, Gate().start().calls("a").head().start().calls("b").head())


def _silent(ledger: Ledger) -> None:
    gate = Gate().start()
    gate.unix_us, gate.boot_us = gate.unix_us + 100 * SECOND, gate.boot_us + 100 * SECOND
    _shipped(ledger, gate.calls("a").head())


def _gap(ledger: Ledger) -> None:
    gate = Gate().start().calls("a")
    _shipped(ledger, gate.head())
    gate.calls("b").segment().calls("c").head()
    ledger.append(gate.part(5, gap=True), gate.registered)


def _lost(ledger: Ledger) -> None:
    _shipped(ledger, Gate().start().write(Kind.LOSS, {"lost": {"intent": 2}}).calls("a").head())


def _unsigned(ledger: Ledger) -> None:
    _shipped(ledger, Gate().start().calls("a").head().calls("b"))


def _clock(ledger: Ledger) -> None:
    gate = Gate().start().calls("a")
    gate.unix_us -= 100 * SECOND
    _shipped(ledger, gate.calls("b").head())


def _fork(ledger: Ledger) -> None:
    gate = Gate().start().calls("a").head()
    other = gate.fork()
    _shipped(ledger, gate.calls("b").head())
    with pytest.raises(Kept):
        ledger.append(other.calls("x").head().part(0), other.registered)


def _nothing(ledger: Ledger) -> None:
    ledger.position("gate-1", "acme", "0" * 64)


ROWS = [
    pytest.param(_whole, 1, 7, [], id="a-whole-life"),
    pytest.param(_whole, 0, 7, [Code.NO_EVIDENCE], id="before-the-start"),
    pytest.param(_whole, 1, 8, [Code.NO_EVIDENCE], id="after-the-close"),
    pytest.param(_two_lives, 1, 7, [], id="closed-and-started"),
    pytest.param(_killed, 1, 6, [Code.KILLED], id="killed-and-started"),
    pytest.param(_killed, 1, 3, [], id="up-to-the-kill"),
    pytest.param(_silent, 1, 102, [Code.SILENT], id="a-silence"),
    pytest.param(_silent, 102, 103, [], id="after-the-silence"),
    pytest.param(_gap, 1, 8, [Code.GAP], id="a-gap"),
    pytest.param(_gap, 1, 2, [], id="before-the-gap"),
    pytest.param(_lost, 1, 4, [Code.LOST], id="a-loss"),
    pytest.param(_lost, 3, 4, [], id="after-the-loss"),
    pytest.param(_unsigned, 1, 5, [Code.UNSIGNED], id="no-head-yet"),
    pytest.param(_unsigned, 1, 3, [], id="before-what-has-no-head"),
    pytest.param(_clock, 1, 2, [Code.CLOCK, Code.NO_EVIDENCE], id="a-clock-that-went-back"),
    pytest.param(_fork, 1, 5, [Code.REFUSED], id="a-fork"),
    pytest.param(_nothing, 1, 5, [Code.NO_EVIDENCE], id="nothing-is-held"),
]


@pytest.mark.parametrize(("fill", "first", "last", "codes"), ROWS)
def test_complete(ledger: Ledger, fill: Callable[[Ledger], None], first: float, last: float, codes: list[Code]) -> None:
    fill(ledger)
    statement = _told(ledger, first, last).statement
    assert sorted(reason.code for reason in statement.reasons) == sorted(codes)


def test_another_tenants_evidence_proves_nothing(ledger: Ledger) -> None:
    _whole(ledger)
    told = _told(ledger, 1, 7, tenant="umbrella")
    assert ([reason.code for reason in told.statement.reasons], told.chains) == ([Code.NO_EVIDENCE], ())


def test_what_a_report_shows(ledger: Ledger) -> None:
    _whole(ledger)
    (shown,) = _told(ledger, 1, 7).chains
    assert (shown.first_seq, shown.seq, shown.signed, shown.heads, shown.missing) == (1, 7, 7, 1, 0)
    assert [life.heartbeats for life in shown.line.lives] == [1]
    assert (shown.open, shown.unknown, shown.abandoned) == (0, 0, None)


def test_an_abandoned_incarnation_leaves_its_calls_unknown_until_a_late_batch_says_more(ledger: Ledger) -> None:
    old = Gate().start().intent("a")
    _shipped(ledger, old.head())
    (shown,) = _told(ledger, 1, 2, now=0).chains
    assert (shown.open, shown.unknown, shown.abandoned) == (1, 0, None)
    _shipped(ledger, Gate(unix_us=BEGINS + 60 * SECOND).start().head())
    shown, _ = _told(ledger, 1, 90, now=0).chains
    assert (shown.open, shown.unknown, shown.abandoned) == (1, 1, "another_chain")
    assert _told(ledger, 1, 90, now=0).chains[0] == shown
    _shipped(ledger, old.outcome("a").head())
    shown, _ = _told(ledger, 1, 90, now=0).chains
    assert (shown.open, shown.unknown, shown.abandoned) == (0, 0, "another_chain")


def test_a_chain_that_stays_silent_is_abandoned(ledger: Ledger) -> None:
    _shipped(ledger, Gate().start().intent("a").head())
    (shown,) = _told(ledger, 1, 2, now=1 << 60).chains
    assert (shown.unknown, shown.abandoned) == (1, "silent")
