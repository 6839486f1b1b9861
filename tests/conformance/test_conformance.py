"""The oracle of transparency: every check of the conformance suite comes out the same through the sidecar as directly.

The policy is `observe`: it decides every call and hides nothing; evidence is on. Exceptions stand in allowed.toml.
"""

from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.comparing import SERVERS, compared_server
from tests.conformance.suite import REQUIREMENTS, Check, Requirements, allowed, differences, run

FEWEST_CHECKS = {"2025-11-25": 70, "2026-07-28": 150}

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(600)]


@pytest.mark.parametrize("requirements", REQUIREMENTS)
@pytest.mark.parametrize("name", SERVERS)
def test_every_check_comes_out_the_same(name: str, requirements: Requirements, tmp_path: Path) -> None:
    found = compared_server(name, requirements, tmp_path)
    assert found.checks >= FEWEST_CHECKS[requirements]
    assert found.otherwise == list(found.allowed)


@pytest.mark.parametrize("name", ["own", "typescript", "python-1.30.0"])
def test_our_servers_pass_what_2025_11_25_requires(name: str, tmp_path: Path) -> None:
    with SERVERS[name].start(tmp_path) as server:
        verdicts = run(server.url, "2025-11-25", tmp_path)
    assert {check.status for check in verdicts} == {"SUCCESS", "INFO"}


def test_a_changed_verdict_is_found() -> None:
    direct = Counter([Check("s", "a", "SUCCESS"), Check("s", "b", "SUCCESS"), Check("s", "b", "SUCCESS")])
    through = Counter([Check("s", "a", "FAILURE"), Check("s", "b", "SUCCESS"), Check("s", "b", "SUCCESS")])
    assert [str(found) for found in differences(direct, through)] == ["s: a: directly ['SUCCESS'], through ['FAILURE']"]
    assert len(differences(direct, Counter())) == 2


def test_no_allowed_difference_is_a_loss() -> None:
    rows = [row for name in SERVERS for requirements in REQUIREMENTS for row in allowed(name, requirements)]
    assert {(row.direct, row.through) for row in rows} == {(("FAILURE",), ("SUCCESS",))}
