"""Every row of the attack table, by its name, against running programs."""

from collections.abc import Callable

import pytest

from tests.attacks.gates import Gates
from tests.attacks.row import Row
from tests.attacks.table import ROWS

pytestmark = pytest.mark.xdist_group("attacks")


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_attack(row: Row, gates: Gates, record_property: Callable[[str, object], None]) -> None:
    record_property("attack", "passes" if row.passes else "refused")
    row.play(gates)
