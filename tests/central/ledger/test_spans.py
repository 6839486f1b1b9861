"""A folder out of the ledger states the same of a span as the ledger itself: one row for each way to be incomplete."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from central.ledger.completeness import completeness
from central.ledger.ledger import Ledger
from central.ledger.unfolding import unfold
from evidence.record import Kind
from evidence.spans import NoTime, read_span
from tests.central.ledger.gate import SECOND, Gate
from tests.peers.sidecar import agentgate

BEGINS = 1_790_000_000 * SECOND
FROM = "2026-09-21T14:13:20Z"
TO = "2026-09-21T15:13:20Z"


def _closed(gate: Gate) -> None:
    gate.start().calls("a").heartbeat().close().head()


def _went_on(gate: Gate) -> None:
    gate.start().calls("a").head().start().calls("b").close().head()


def _killed(gate: Gate) -> None:
    gate.start().calls("a").head()


def _silent(gate: Gate) -> None:
    gate.start()
    gate.unix_us, gate.boot_us = gate.unix_us + 100 * SECOND, gate.boot_us + 100 * SECOND
    gate.calls("a").close().head()


def _lossy(gate: Gate) -> None:
    gate.start().write(Kind.LOSS, {"lost": {"notice": 3}}).close().head()


def _unsigned(gate: Gate) -> None:
    gate.start().calls("a").head().close()


def _late(gate: Gate) -> None:
    gate.unix_us += 2 * 3600 * SECOND
    _closed(gate)


ROWS = [
    pytest.param(_closed, [], id="closed"),
    pytest.param(_went_on, [], id="killed-and-went-on-in-the-same-chain"),
    pytest.param(_killed, ["unheard"], id="killed-and-not-heard-of-again"),
    pytest.param(_silent, ["silence"], id="a-silence"),
    pytest.param(_lossy, ["lost"], id="a-loss-that-it-declared"),
    pytest.param(_unsigned, ["unsigned"], id="no-head-over-the-end"),
    pytest.param(_late, None, id="nothing-in-the-span"),
]


@pytest.mark.parametrize(("fill", "lacks"), ROWS)
def test_a_folder_and_the_ledger_agree(
    ledger: Ledger, tmp_path: Path, fill: Callable[[Gate], None], lacks: list[str] | None
) -> None:
    gate = Gate()
    fill(gate)
    ledger.append(gate.batch(), gate.registered)
    told = completeness(ledger.store, "acme", since=BEGINS, until=BEGINS + 3600 * SECOND).chains
    unfold(ledger.store, "acme", tmp_path / "evidence")
    said = agentgate("verify", tmp_path / "evidence", "--complete", FROM, TO, "--json")
    stated = orjson.loads(said.stdout)["completeness"]
    assert [lack["code"] for lack in stated["lacks"]] == (lacks or [])
    assert [lack.code for one in told for lack in one.lacks] == (lacks or [])
    assert bool(told) is (stated["chains"] > 0) is (lacks is not None)
    assert stated["complete"] is (lacks == [])
    assert said.returncode == (0 if lacks == [] else 1)


def test_a_sidecar_that_went_on_in_another_chain(ledger: Ledger, tmp_path: Path) -> None:
    old, new = Gate(), Gate(unix_us=BEGINS + 600 * SECOND)
    _killed(old)
    _closed(new)
    for gate in (old, new):
        ledger.append(gate.batch(), gate.registered)
    unfold(ledger.store, "acme", tmp_path / "evidence")
    said = agentgate("verify", tmp_path / "evidence", "--complete", FROM, TO)
    assert said.returncode == 1
    assert "its sidecar went on in another chain (unfinished)" in said.stdout
    assert said.stdout.endswith(f"NOT COMPLETE: between {FROM} and {TO}\n")


def test_what_fails_the_check_is_not_complete(ledger: Ledger, tmp_path: Path) -> None:
    gate = Gate()
    _closed(gate)
    ledger.append(gate.batch(), gate.registered)
    (written,) = unfold(ledger.store, "acme", tmp_path / "evidence")
    (segment,) = written.folder.glob("records-*.tsv")
    segment.write_bytes(segment.read_bytes().replace(b"billing-bot", b"billing-box"))
    said = agentgate("verify", tmp_path / "evidence", "--complete", FROM, TO, "--json")
    assert said.returncode == 1
    assert orjson.loads(said.stdout)["completeness"] is None


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        pytest.param("yesterday", TO, id="no-time"),
        pytest.param("2026-09-21T14:13:20", TO, id="no-zone"),
        pytest.param(TO, FROM, id="backwards"),
        pytest.param(TO, TO, id="nothing-between"),
    ],
)
def test_spans_that_are_none(tmp_path: Path, begins: str, ends: str) -> None:
    with pytest.raises(NoTime):
        read_span(begins, ends)
    said = agentgate("verify", tmp_path, "--complete", begins, ends)
    assert said.returncode == 64
    assert said.stdout.startswith("agentgate verify: --complete: ")
