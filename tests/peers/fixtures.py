"""Fixtures for every part's tests: servers that are started once for each worker, and a sidecar for each test."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.peers import servers
from tests.peers import sidecar as starting
from tests.peers.servers import HttpServer
from tests.peers.sidecar import Sidecar


@pytest.fixture(scope="session")
def everything_http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """The own everything-server, streams with event ids; its journal covers the whole run."""
    with servers.everything(tmp_path_factory.mktemp("everything"), "http") as server:
        yield server


@pytest.fixture(scope="session")
def everything_json(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """The own everything-server, JSON answers, no sessions."""
    with servers.everything(tmp_path_factory.mktemp("everything"), "json") as server:
        yield server


@pytest.fixture(scope="session")
def everything_sse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """The own everything-server over legacy HTTP+SSE."""
    with servers.everything(tmp_path_factory.mktemp("everything"), "sse") as server:
        yield server


@pytest.fixture(scope="session")
def npm_everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """The reference server-everything over streamable HTTP."""
    with servers.npm_everything(tmp_path_factory.mktemp("npm"), "streamableHttp") as server:
        yield server


@pytest.fixture(scope="session")
def npm_everything_sse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """The reference server-everything over legacy HTTP+SSE."""
    with servers.npm_everything(tmp_path_factory.mktemp("npm"), "sse") as server:
        yield server


StartSidecar = Callable[..., Sidecar]


@pytest.fixture
def sidecar(tmp_path: Path) -> Iterator[StartSidecar]:
    """`sidecar({"files": server}, policy="starter")` starts one; all end with the test.

    Each call gets its own folders under the test's; `folder=` names one, so that a sidecar can be started again on it.
    """
    with ExitStack() as stack:
        started = 0

        def start(upstreams: Mapping[str, HttpServer | str], *, folder: Path | None = None, **more: Any) -> Sidecar:
            nonlocal started
            started += 1
            place = folder or tmp_path / f"sidecar-{started}"
            place.mkdir(exist_ok=True)
            entering: AbstractContextManager[Sidecar] = starting.sidecar(place, upstreams, **more)
            return stack.enter_context(entering)

        yield start
