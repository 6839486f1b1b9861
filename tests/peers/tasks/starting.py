"""The server whose calls go on as tasks, started, and the client for it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.peers.processes import accepts, free_port, running
from tests.peers.servers import HttpServer

CLIENT: Final = [sys.executable, "-W", "ignore", "-m", "tests.peers.tasks.client"]


@contextmanager
def tasks(folder: Path) -> Iterator[HttpServer]:
    """The own server on the Python SDK with io.modelcontextprotocol/tasks; and the conformance suite's tools."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "tests.peers.tasks.server", str(port)]
    with running(command, log=folder / "tasks.log", ready=lambda: accepts(port)):
        yield HttpServer(f"http://127.0.0.1:{port}/mcp")
