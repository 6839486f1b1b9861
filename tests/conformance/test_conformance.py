"""The oracle of transparency: every check of the conformance suite comes out the same through the sidecar as directly.

The policy is `observe`: it decides every call and hides nothing; evidence is on. Exceptions stand in allowed.toml.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.conformance.comparing import ROWS, compared_server
from tests.conformance.suite import Check, Requirements, allowed, differences

FEWEST_CHECKS = {"2025-11-25": 70, "2026-07-28": 150}
GIVEN: Final[Mapping[tuple[str, Requirements], frozenset[str]]] = {
    ("own", "2025-11-25"): frozenset({"SUCCESS", "INFO"}),
    ("typescript", "2025-11-25"): frozenset({"SUCCESS", "INFO"}),
    ("python-1.30.0", "2025-11-25"): frozenset({"SUCCESS", "INFO"}),
    ("tasks", "2026-07-28"): frozenset({"SUCCESS", "INFO", "SKIPPED"}),
}
"""The only verdicts of servers that do all that is asked: a check that fails both ways tells nothing of the sidecar."""

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(600)]


@pytest.mark.parametrize(("name", "requirements"), ROWS)
def test_every_check_comes_out_the_same(name: str, requirements: Requirements, tmp_path: Path) -> None:
    found = compared_server(name, requirements, tmp_path)
    assert found.checks >= FEWEST_CHECKS[requirements]
    assert found.otherwise == list(found.allowed)
    assert (name, requirements) not in GIVEN or {check.status for check in found.direct} == GIVEN[name, requirements]


def test_one_server_does_all_that_a_revision_asks() -> None:
    assert {requirements for _, requirements in GIVEN} == {requirements for _, requirements in ROWS}


def test_a_changed_verdict_is_found() -> None:
    direct = Counter([Check("s", "a", "SUCCESS"), Check("s", "b", "SUCCESS"), Check("s", "b", "SUCCESS")])
    through = Counter([Check("s", "a", "FAILURE"), Check("s", "b", "SUCCESS"), Check("s", "b", "SUCCESS")])
    assert [str(found) for found in differences(direct, through)] == ["s: a: directly ['SUCCESS'], through ['FAILURE']"]
    assert len(differences(direct, Counter())) == 2


def test_no_allowed_difference_is_a_loss() -> None:
    rows = [row for name, requirements in ROWS for row in allowed(name, requirements)]
    assert {(row.direct, row.through) for row in rows} == {(("FAILURE",), ("SUCCESS",))}
