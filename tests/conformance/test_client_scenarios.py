"""A real client behind the sidecar: every check of the suite's client scenarios comes out the same as without it.

The policy is `observe`, Authorization passes, and evidence is on. Exceptions stand in client_allowed.toml.
"""

from pathlib import Path

import pytest

from tests.conformance.client_suite import SCENARIOS, every_allowed
from tests.conformance.comparing import compared_client

ROWS = [pytest.param(name, version, id=f"{name}@{version}") for version, names in SCENARIOS.items() for name in names]

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]


@pytest.mark.parametrize(("scenario", "version"), ROWS)
def test_every_check_of_a_client_comes_out_the_same(scenario: str, version: str, tmp_path: Path) -> None:
    found = compared_client(scenario, version, tmp_path)
    assert found.succeeded >= 1
    assert found.otherwise == list(found.allowed)


def test_every_allowed_difference_is_of_a_row_and_has_its_reason() -> None:
    rows = {(name, version) for version, names in SCENARIOS.items() for name in names}
    listed = {(name, version) for row in every_allowed() for name in row["scenarios"] for version in row["versions"]}
    assert listed <= rows
    assert all(len(row["reason"]) > 40 for row in every_allowed())
