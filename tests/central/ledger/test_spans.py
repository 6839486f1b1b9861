"""A folder out of the ledger states the same of a span as the ledger itself: one row for each way to be incomplete."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.ledger.completeness import completeness
from central.ledger.ledger import Ledger
from central.ledger.unfolding import unfold
from evidence.chain import Position
from evidence.note import ED25519, VerifierKey
from evidence.receipt import Receipt
from evidence.receipts import keep_receipt
from evidence.record import Kind
from evidence.signing import sign_note
from evidence.spans import NoTime, read_span
from evidence.tailing import ChainTail
from evidence.trimming import trim
from tests.central.ledger.gate import SECOND, Gate
from tests.evidence.desk import Desk, one_call
from tests.evidence.test_shipping import SEGMENTS
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


def _silent_throughout(gate: Gate) -> None:
    gate.unix_us -= 100 * SECOND
    gate.start()
    gate.unix_us, gate.boot_us = gate.unix_us + 7200 * SECOND, gate.boot_us + 7200 * SECOND
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
    pytest.param(_silent_throughout, ["silence"], id="a-silence-from-before-the-span-until-after-it"),
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


async def _trimmed(desk: Desk) -> tuple[str, list[str]]:
    """A chain whose segments before its second life are gone under a receipt: the ledger's key, and the times of all
    records that there were."""
    for numbers in (range(8), range(8, 16)):
        async with desk.journal(SEGMENTS) as journal:
            for number in numbers:
                desk.clock.move(5)
                await one_call(journal, f"{number:032x}")
    (chain,) = desk.evidence.iterdir()
    records = [found.record for found in ChainTail(chain).more()]
    begins = max(record.header.seq for record in records if record.header.kind is Kind.START)
    first, last, key = records[0], records[-1], Ed25519PrivateKey.generate()
    at, covered = last.header.at, Position(last.header.seq, last.link)
    receipt = Receipt(desk.sidecar, desk.tenant, first.link, last.header.incarnation, covered, "log.example", at, at)
    keep_receipt(chain, sign_note(receipt.text(), "ledger.example", key))
    assert trim(chain, begins - 1, 0, now=4_000_000_000)
    named = VerifierKey("ledger.example", ED25519, key.public_key().public_bytes_raw())
    return named.text(), [record.header.at for record in records]


async def test_what_was_given_up_is_missing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    key, times = await _trimmed(desk)
    (chain,) = desk.evidence.iterdir()
    left = next(found.record.header for found in ChainTail(chain).more())
    later = next(at for at in times if at > left.at)
    spans = {
        "from its first record": (times[0], TO, ["given_up"], 1),
        "before what is left": (times[0], left.at, ["given_up"], 1),
        "from what is left": (left.at, TO, ["given_up"], 1),
        "behind what is left": (later, TO, [], 0),
    }
    for name, (begins, ends, lacks, code) in spans.items():
        said = agentgate("verify", desk.evidence, "--receipt-key", key, "--complete", begins, ends, "--json")
        told = orjson.loads(said.stdout)
        assert told["ok"], told["error"]
        stated = told["completeness"]
        assert ([lack["code"] for lack in stated["lacks"]], said.returncode) == (lacks, code), name
    said = agentgate("verify", desk.evidence, "--receipt-key", key, "--complete", times[0], TO)
    assert f"not proved: {chain.name}, record 1: records 1 to {left.seq - 1} are not here (given_up)" in said.stdout


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
