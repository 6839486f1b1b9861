"""What the ledger says of whether anything is missing between two times, on each database."""

from collections.abc import Callable

import pytest

from central.ledger.completeness import completeness
from central.ledger.ledger import Ledger
from evidence.record import Kind
from tests.central.ledger.gate import SECOND, Gate

BEGINS = 1_790_000_000 * SECOND
HOUR = 3_600 * SECOND


def _sent(ledger: Ledger, gate: Gate) -> None:
    ledger.append(gate.batch(), gate.registered)


def _closed(ledger: Ledger, gate: Gate) -> None:
    _sent(ledger, gate.start().calls("a", "b").heartbeat().close().head())


def _restarted(ledger: Ledger, gate: Gate) -> None:
    _sent(ledger, gate.start().calls("a").head())
    _sent(ledger, gate.start().calls("b").close().head())


def _gap(ledger: Ledger, gate: Gate) -> None:
    _sent(ledger, gate.start().calls("a").head())
    gate.calls("b").segment().calls("c").close().head()
    ledger.append(gate.part(5, gap=True), gate.registered)


def _silent(ledger: Ledger, gate: Gate) -> None:
    gate.start().calls("a")
    gate.unix_us += HOUR // 2
    gate.boot_us += HOUR // 2
    _sent(ledger, gate.calls("b").close().head())


def _unsigned(ledger: Ledger, gate: Gate) -> None:
    _sent(ledger, gate.start().head().calls("a").close())


def _killed(ledger: Ledger, gate: Gate) -> None:
    _sent(ledger, gate.start().calls("a").head())


def _moved(ledger: Ledger, gate: Gate) -> None:
    _killed(ledger, gate)
    _closed(ledger, Gate(unix_us=gate.unix_us + SECOND, boot_us=gate.boot_us))


def _lossy(ledger: Ledger, gate: Gate) -> None:
    gate.start().write(Kind.LOSS, {"lost": {"notice": 3}})
    _sent(ledger, gate.close().head())


ROWS = [
    pytest.param(_closed, [[]], id="closed"),
    pytest.param(_restarted, [[]], id="killed-and-went-on-in-the-same-chain"),
    pytest.param(_gap, [["gap"]], id="a-gap"),
    pytest.param(_silent, [["silence"]], id="a-silence"),
    pytest.param(_unsigned, [["unsigned"]], id="no-head-over-the-end"),
    pytest.param(_killed, [["unheard"]], id="killed-and-not-heard-of-again"),
    pytest.param(_moved, [["unfinished"], []], id="killed-and-went-on-in-another-chain"),
    pytest.param(_lossy, [["lost"]], id="a-loss-that-it-declared"),
]


@pytest.mark.parametrize(("fill", "lacks"), ROWS)
def test_what_is_missing(ledger: Ledger, fill: Callable[[Ledger, Gate], None], lacks: list[list[str]]) -> None:
    fill(ledger, Gate())
    found = completeness(ledger.store, "acme", since=None, until=BEGINS + HOUR).chains
    assert [[lack.code for lack in one.lacks] for one in found] == lacks


def test_a_life_that_is_heard_until_the_end_is_whole(ledger: Ledger) -> None:
    gate = Gate()
    _killed(ledger, gate)
    (found,) = completeness(ledger.store, "acme", since=None, until=gate.unix_us + 30 * SECOND).chains
    assert found.lacks == ()


def test_what_lies_outside_of_the_span_does_not_count(ledger: Ledger) -> None:
    gate = Gate()
    _gap(ledger, gate)
    (found,) = completeness(ledger.store, "acme", since=None, until=BEGINS + 3 * SECOND).chains
    assert (found.first, found.last, found.lacks) == (1, 3, ())
    assert completeness(ledger.store, "acme", since=gate.unix_us + HOUR, until=gate.unix_us + 2 * HOUR).chains == ()


def test_what_it_tells(ledger: Ledger) -> None:
    gate = Gate()
    _closed(ledger, gate)
    (found,) = completeness(ledger.store, "acme", since=None, until=BEGINS + HOUR, sidecar="gate-1").chains
    (life,) = found.lives
    assert (found.chain, found.sidecar, found.first, found.last) == (gate.chain, "gate-1", 1, gate.position().seq)
    assert (found.signed, found.heads, found.silences) == (gate.position().seq, 1, ())
    assert (life.first_seq, life.last_seq, life.heartbeats, life.closed) == (1, gate.position().seq, 1, True)


@pytest.mark.parametrize(("tenant", "sidecar"), [("umbrella", None), ("acme", "gate-2")])
def test_nothing_is_told_of_others(ledger: Ledger, tenant: str, sidecar: str | None) -> None:
    _closed(ledger, Gate())
    assert completeness(ledger.store, tenant, since=None, until=BEGINS + HOUR, sidecar=sidecar).chains == ()


def test_an_answer_in_parts(ledger: Ledger) -> None:
    gates = [Gate(unix_us=BEGINS + number * SECOND) for number in range(5)]
    for gate in gates:
        _closed(ledger, gate)
    seen, after = list[str](), 0
    for _ in gates:
        part = completeness(ledger.store, "acme", since=None, until=BEGINS + HOUR, after=after, limit=2)
        seen += [one.chain for one in part.chains]
        if part.after is None:
            break
        after = part.after
    assert seen == [gate.chain for gate in gates]
