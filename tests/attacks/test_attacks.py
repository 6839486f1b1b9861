"""Every row of the attack table, by its name, against running programs."""

import re
from collections import Counter
from collections.abc import Callable

import pytest

from tests.attacks.elsewhere import ELSEWHERE, KNOWN_MISSES, NOT_BUILT, OTHERS
from tests.attacks.gates import Gates
from tests.attacks.row import Elsewhere, Row
from tests.attacks.summary import line
from tests.attacks.table import ROWS
from tests.peers.places import ROOT

pytestmark = pytest.mark.xdist_group("attacks")


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_attack(row: Row, gates: Gates, record_property: Callable[[str, object], None]) -> None:
    record_property("attack", "passes" if row.passes else "refused")
    row.play(gates)


def test_each_name_stands_once() -> None:
    names = [row.name for row in (*ROWS, *OTHERS)]
    assert [name for name, times in Counter(names).items() if times > 1] == []
    assert [name for name in names if not re.fullmatch(r"[a-z0-9-]+/[\w./ -]+", name)] == []


@pytest.mark.parametrize("row", ELSEWHERE, ids=[row.name for row in ELSEWHERE])
def test_what_is_held_elsewhere_is_there(row: Elsewhere) -> None:
    file, function = row.held_by.split("::")
    assert re.search(rf"^(async )?def {function}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE)


def test_a_row_that_fails_is_said_in_the_summary() -> None:
    played = [("refused", "passed"), ("passes", "passed"), ("refused", "failed")]
    missed, missing = len(KNOWN_MISSES), len(NOT_BUILT)
    said = f"{3 + missed + missing} rows, 1 refused as expected, 1 passed as allowed, 1 NOT as expected"
    assert line(played) == f"attack table: {said}, {missed} known misses, {missing} not built yet"
