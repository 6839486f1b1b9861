"""The oracle of transparency: every check of the conformance suite comes out the same through the sidecar as directly.

The policy is `observe`: it decides every call and hides nothing; evidence is on. Exceptions stand in allowed.toml.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance.suite import REQUIREMENTS, Check, Requirements, allowed, differences, run
from tests.peers.fixtures import StartSidecar
from tests.peers.servers import HttpServer

SERVERS = ["own", "own-json", "npm-everything"]
FEWEST_CHECKS = {"2025-11-25": 70, "2026-07-28": 150}

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def server_named(
    everything_http: HttpServer, everything_json: HttpServer, npm_everything: HttpServer
) -> Callable[[str], HttpServer]:
    """A server by the name that allowed.toml uses."""
    named = {"own": everything_http, "own-json": everything_json, "npm-everything": npm_everything}
    return named.__getitem__


@pytest.mark.parametrize("requirements", REQUIREMENTS)
@pytest.mark.parametrize("name", SERVERS)
def test_every_check_comes_out_the_same(
    name: str,
    requirements: Requirements,
    server_named: Callable[[str], HttpServer],
    sidecar: StartSidecar,
    tmp_path: Path,
) -> None:
    server = server_named(name)
    direct = run(server.url, requirements, tmp_path / "direct")
    gate = sidecar({"everything": server}, policy="observe")
    through = run(gate.url("everything"), requirements, tmp_path / "through")
    assert direct.total() >= FEWEST_CHECKS[requirements]
    assert differences(direct, through) == allowed(name, requirements)


def test_the_own_server_passes_what_2025_11_25_requires(everything_http: HttpServer, tmp_path: Path) -> None:
    verdicts = run(everything_http.url, "2025-11-25", tmp_path)
    assert {check.status for check in verdicts} == {"SUCCESS", "INFO"}


def test_a_changed_verdict_is_found() -> None:
    direct = Counter([Check("s", "a", "SUCCESS"), Check("s", "b", "SUCCESS"), Check("s", "b", "SUCCESS")])
    through = Counter([Check("s", "a", "FAILURE"), Check("s", "b", "SUCCESS"), Check("s", "b", "SUCCESS")])
    assert [str(found) for found in differences(direct, through)] == ["s: a: directly ['SUCCESS'], through ['FAILURE']"]
    assert len(differences(direct, Counter())) == 2


def test_no_allowed_difference_is_a_loss() -> None:
    rows = [row for name in SERVERS for requirements in REQUIREMENTS for row in allowed(name, requirements)]
    assert {(row.direct, row.through) for row in rows} == {(("FAILURE",), ("SUCCESS",))}
