"""The oracle of transparency: every check of the conformance suite comes out the same through the sidecar as directly.

The policy is `observe`: it decides every call and hides nothing; evidence is on. Exceptions stand in allowed.toml.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conformance.suite import REQUIREMENTS, Check, Requirements, allowed, differences, run
from tests.peers import servers
from tests.peers.fixtures import StartSidecar
from tests.peers.servers import HttpServer

SERVERS = ["own", "own-json", "npm-everything", "typescript", "python-1.30.0"]
FEWEST_CHECKS = {"2025-11-25": 70, "2026-07-28": 150}

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """The own server on the TypeScript SDK 2.x."""
    with servers.typescript_everything(tmp_path_factory.mktemp("typescript")) as server:
        yield server


@pytest.fixture(scope="module")
def old_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """The own server on the Python SDK 1.30.0."""
    with servers.old_everything(tmp_path_factory.mktemp("old")) as server:
        yield server


@pytest.fixture(scope="module")
def server_named(
    everything_http: HttpServer,
    everything_json: HttpServer,
    npm_everything: HttpServer,
    typescript: HttpServer,
    old_python: HttpServer,
) -> Callable[[str], HttpServer]:
    """A server by the name that allowed.toml uses."""
    named = (everything_http, everything_json, npm_everything, typescript, old_python)
    return dict(zip(SERVERS, named, strict=True)).__getitem__


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


@pytest.mark.parametrize("name", ["own", "typescript", "python-1.30.0"])
def test_our_servers_pass_what_2025_11_25_requires(
    name: str, server_named: Callable[[str], HttpServer], tmp_path: Path
) -> None:
    verdicts = run(server_named(name).url, "2025-11-25", tmp_path)
    assert {check.status for check in verdicts} == {"SUCCESS", "INFO"}


def test_a_changed_verdict_is_found() -> None:
    direct = Counter([Check("s", "a", "SUCCESS"), Check("s", "b", "SUCCESS"), Check("s", "b", "SUCCESS")])
    through = Counter([Check("s", "a", "FAILURE"), Check("s", "b", "SUCCESS"), Check("s", "b", "SUCCESS")])
    assert [str(found) for found in differences(direct, through)] == ["s: a: directly ['SUCCESS'], through ['FAILURE']"]
    assert len(differences(direct, Counter())) == 2


def test_no_allowed_difference_is_a_loss() -> None:
    rows = [row for name in SERVERS for requirements in REQUIREMENTS for row in allowed(name, requirements)]
    assert {(row.direct, row.through) for row in rows} == {(("FAILURE",), ("SUCCESS",))}
