"""Of all chains of a tenant an export writes those that it needs, and none where there is no room."""

from pathlib import Path
from typing import Any

import pytest

from central.config import CentralProblems
from central.ledger.ledger import Ledger
from central.pack.choosing import unfold_wanted
from evidence.pack.packs import Wanted
from tests.central.ledger.gate import SECOND, Gate

BEGINS = 1_790_000_000 * SECOND
DAY = 86_400 * SECOND


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """Twenty chains, a day apart, each with a call of its number."""
    for number in range(20):
        gate = Gate(unix_us=BEGINS + number * DAY).start().calls(f"call-{number:02}").close()
        ledger.append(gate.batch(), gate.registered)
    return ledger


WRITTEN = [
    pytest.param({"call": "call-07"}, 1, id="a call"),
    pytest.param({"call": "call-1"}, 10, id="the beginning of ten calls"),
    pytest.param({"call": "nothing"}, 0, id="no call: told when the pack is made"),
    pytest.param({"since": "2026-09-24", "until": "2026-09-26"}, 2, id="a time"),
    pytest.param({"agent": "billing-bot"}, 20, id="an agent"),
    pytest.param({"since": "rubbish"}, 20, id="no time: told when the pack is made"),
]


@pytest.mark.parametrize(("asked", "count"), WRITTEN)
def test_what_is_written(filled: Ledger, tmp_path: Path, asked: dict[str, Any], count: int) -> None:
    wanted = Wanted(tmp_path, tmp_path / "pack", "somebody", **asked)
    assert len(unfold_wanted(filled.store, "acme", wanted)) == count
    assert len(list(tmp_path.glob("chain-*"))) == count


def test_nothing_is_written_where_there_is_no_room(filled: Ledger, tmp_path: Path) -> None:
    with pytest.raises(CentralProblems, match=r"20 chains with 1 MB .* 0 MB free: select less"):
        unfold_wanted(filled.store, "acme", Wanted(tmp_path, tmp_path / "pack", "somebody"), free=0)
    assert list(tmp_path.glob("chain-*")) == []


def test_nothing_to_write_is_told(filled: Ledger, tmp_path: Path) -> None:
    with pytest.raises(CentralProblems, match="no chain of acme with anything"):
        unfold_wanted(filled.store, "acme", Wanted(tmp_path, tmp_path / "pack", "somebody", session="nobody's"))
