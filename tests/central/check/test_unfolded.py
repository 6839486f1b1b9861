"""What is read out of a changed ledger: whoever has it sees without central that it was changed, and at which step."""

from contextlib import closing
from pathlib import Path

import pytest

from central.ledger.unfolding import unfold
from central.store.engine import open_store
from evidence.report import Report, Step
from evidence.verify import verify_paths
from tests.central.check.tampering import Kingdom, kingdom
from tests.central.check.test_check import HEADS, RECORDS, Deed, tampered

SEEN: dict[str, Step | None] = {
    "dropped": Step.LINKS,
    "the-first-dropped": Step.LINKS,
    "swapped": Step.LINKS,
    "a-bit-of-a-header": Step.LINES,
    "a-bit-of-a-body": Step.LINES,
    "a-bit-of-a-link": Step.LINES,
    "a-bit-of-a-box": Step.BOXES,
    "a-box-taken": Step.BOXES,
    "a-bit-of-one-that-waits": Step.LINES,
    "history-anew": Step.HEADS,
    "history-anew-not-in-the-log": Step.HEADS,
    "history-anew-from-the-start": Step.HEADS,
    "a-second-row": Step.LINKS,
    "to-another-chain": Step.LINKS,
    "a-gap-made-up": Step.LINKS,
    "the-last-dropped": None,
    "the-tail": None,
}
"""The step of `agentgate verify`. A tail that is gone is seen by who has a receipt, or the log: the chain just ends."""

HEADS_SEEN: dict[str, Step | None] = {
    "a-bit": Step.HEADS,
    "swapped": Step.HEADS,
    "of-a-fork": Step.HEADS,
    "dropped": None,
}
"""A head that is gone leaves more of the chain to the word of its sidecar; verify counts it."""

ROWS = [
    *(pytest.param(RECORDS[name][0], step, id=f"records-{name}") for name, step in SEEN.items()),
    *(pytest.param(HEADS[name][0], step, id=f"heads-{name}") for name, step in HEADS_SEEN.items()),
]


@pytest.fixture
async def world(database: str, tmp_path: Path) -> Kingdom:
    return await kingdom(database, tmp_path / "log")


def unfolded(world: Kingdom, folder: Path) -> Report:
    with closing(open_store(world.database)) as store:
        unfold(store, "acme", folder)
    return verify_paths([folder], world.one.registered.public_key)


def test_what_nobody_changed(world: Kingdom, tmp_path: Path) -> None:
    report = unfolded(world, tmp_path / "evidence")
    assert (report.ok, report.total("records")) == (True, 26)


@pytest.mark.parametrize(("deed", "step"), ROWS)
def test_a_deed_is_seen(world: Kingdom, tmp_path: Path, deed: Deed, step: Step | None) -> None:
    before = unfolded(world, tmp_path / "before")
    tampered(world, deed)
    after = unfolded(world, tmp_path / "evidence")
    error = None if after.error is None else after.error.step
    assert error == step
    if step is None:
        told = ("records", "signed")
        assert [after.total(name) for name in told] != [before.total(name) for name in told]
