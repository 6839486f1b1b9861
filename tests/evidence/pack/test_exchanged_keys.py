"""A ledger and a log that have exchanged their keys: who has the first ones follows the histories in a pack."""

from dataclasses import replace
from pathlib import Path

import pytest

from evidence.layout import LEDGER_KEYS_NAME
from evidence.note import ED25519, VerifierKey
from evidence.pack.report import Step
from evidence.pack.steps import Trust
from evidence.pack.vocabulary import LOG_KEYS, member_of
from tests.evidence.pack.parcels import LOG, TRUST, exchanged, members_of, packed
from tests.evidence.pack.twice import agreed
from tests.vectors.evidence.generate import CHAIN, LEDGER

LEDGER_KEYS = member_of(CHAIN, LEDGER_KEYS_NAME)


@pytest.mark.parametrize(
    ("without", "trust", "step"),
    [
        pytest.param(None, TRUST, None, id="with the first keys"),
        pytest.param(None, Trust(), None, id="with no key"),
        pytest.param(LEDGER_KEYS, TRUST, Step.RECEIPTS, id="the ledger's history is left out"),
        pytest.param(LOG_KEYS, TRUST, Step.CHECKPOINT, id="the log's history is left out"),
        pytest.param(
            None,
            replace(TRUST, receipt_keys=(VerifierKey(LEDGER.name, ED25519, b"\1" * 32),)),
            Step.RECEIPTS,
            id="another ledger was known",
        ),
        pytest.param(
            None,
            replace(TRUST, log_keys=(VerifierKey(LOG.name, ED25519, b"\1" * 32),)),
            Step.CHECKPOINT,
            id="another log was known",
        ),
    ],
)
def test_who_is_believed(tmp_path: Path, without: str | None, trust: Trust, step: Step | None) -> None:
    members = members_of(exchanged(tmp_path).pack())
    assert {LEDGER_KEYS, LOG_KEYS} < set(members)
    if without is not None:
        del members[without]
    report = agreed(packed(members), trust)
    assert (report.fault and report.fault.step) == step, report.fault


@pytest.mark.parametrize(("name", "step"), [(LEDGER_KEYS, Step.RECEIPTS), (LOG_KEYS, Step.CHECKPOINT)])
@pytest.mark.parametrize("edit", ["cut", "changed", "empty"])
def test_a_history_that_does_not_hold(tmp_path: Path, name: str, step: Step, edit: str) -> None:
    members = members_of(exchanged(tmp_path).pack())
    lines = members[name].splitlines(keepends=True)
    members[name] = {
        "cut": b"".join(lines[:-1]),
        "changed": members[name].replace(b"announce", b"activate", 1),
        "empty": b"",
    }[edit]
    report = agreed(packed(members))
    assert report.fault is not None
    assert report.fault.step is step
