"""Real MCP servers: the own one on the Python SDK, the reference servers from npm, and the dual-era ones for stdio."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.peers.places import (
    BIN,
    FETCHING_PYTHON,
    NODE,
    NODE_PACKAGES,
    OLD_PYTHON,
    ROOT,
    SQLITE_PYTHON,
    node_program,
)
from tests.peers.processes import accepts, free_port, running

Style = Literal["http", "json", "sse"]


@dataclass(frozen=True, slots=True)
class HttpServer:
    """A server that listens; `journal`, where there is one, is what really reached it."""

    url: str
    journal: Path | None = None

    def received(self, method: str = "tools/call") -> list[Any]:
        """The params of each message with this method that reached the server, in order."""
        return [line["params"] for line in self.lines() if line["phase"] == "received" and line["method"] == method]

    def lines(self) -> list[dict[str, Any]]:
        """Every line of the journal: `{phase, method, id, params}`."""
        return read_journal(self.journal)


@dataclass(frozen=True, slots=True)
class StdioServer:
    """A command that speaks MCP over its standard streams."""

    command: list[str]
    journal: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def received(self, method: str = "tools/call") -> list[Any]:
        """The params of each message with this method that reached the server, in order."""
        lines = read_journal(self.journal)
        return [line["params"] for line in lines if line["phase"] == "received" and line["method"] == method]


def read_journal(journal: Path | None) -> list[dict[str, Any]]:
    """The lines of a journal so far; none if nothing has arrived yet."""
    if journal is None or not journal.exists():
        return []
    return [json.loads(line) for line in journal.read_bytes().splitlines()]


def _own(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", "tests.peers.everything.server", *map(str, arguments)]


@contextmanager
def everything(folder: Path, style: Style = "http") -> Iterator[HttpServer]:
    """The own server: `http` streams and can be resumed, `json` answers documents without sessions, `sse` is legacy."""
    port, journal = free_port(), folder / f"everything-{style}.journal"
    command = _own(style, "--port", str(port), "--journal", journal)
    with running(command, log=folder / f"everything-{style}.log", ready=lambda: accepts(port)):
        yield HttpServer(f"http://127.0.0.1:{port}/{'sse' if style == 'sse' else 'mcp'}", journal)


def everything_stdio(folder: Path) -> StdioServer:
    """The own server over stdio."""
    journal = folder / "everything-stdio.journal"
    return StdioServer(_own("stdio", "--journal", journal), journal)


@contextmanager
def npm_everything(folder: Path, style: Literal["streamableHttp", "sse"] = "streamableHttp") -> Iterator[HttpServer]:
    """The reference server-everything; it listens on all addresses, and answers legacy revisions only."""
    port = free_port()
    command = [*node_program("mcp-server-everything"), style]
    log = folder / f"npm-everything-{style}.log"
    with running(command, log=log, ready=lambda: accepts(port), environment={"PORT": str(port)}):
        yield HttpServer(f"http://127.0.0.1:{port}/{'sse' if style == 'sse' else 'mcp'}")


@contextmanager
def typescript_everything(folder: Path) -> Iterator[HttpServer]:
    """The own server on the TypeScript SDK 2.x, dual era; the conformance suite's tools, resources and prompts only."""
    port = free_port()
    command: list[str | Path] = [NODE, ROOT / "tests/peers/node/everything.cjs", NODE_PACKAGES, str(port)]
    with running(command, log=folder / "typescript-everything.log", ready=lambda: accepts(port)):
        yield HttpServer(f"http://127.0.0.1:{port}/mcp")


@contextmanager
def old_everything(folder: Path) -> Iterator[HttpServer]:
    """The own server on the Python SDK 1.30.0; the conformance suite's tools, resources and prompts only."""
    port = free_port()
    command: list[str | Path] = [OLD_PYTHON, "-W", "ignore", ROOT / "tests/peers/mcp130/everything.py", str(port)]
    with running(command, log=folder / "old-everything.log", ready=lambda: accepts(port)):
        yield HttpServer(f"http://127.0.0.1:{port}/mcp")


def npm_everything_stdio() -> StdioServer:
    """The reference server-everything over stdio."""
    return StdioServer([*node_program("mcp-server-everything"), "stdio"])


def filesystem(folder: Path) -> StdioServer:
    """The reference filesystem server, allowed to see one folder."""
    return StdioServer([*node_program("mcp-server-filesystem"), str(folder)])


def memory(folder: Path) -> StdioServer:
    """The reference memory server, with its graph in one folder."""
    return StdioServer(
        node_program("mcp-server-memory"), environment={"MEMORY_FILE_PATH": str(folder / "memory.jsonl")}
    )


def git(folder: Path) -> StdioServer:
    """mcp-server-git on a new repository with one commit."""
    run = ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@example.com"]
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    subprocess.run([*run, "commit", "--quiet", "--allow-empty", "-m", "first"], check=True)
    return StdioServer([str(BIN / "mcp-server-git"), "--repository", str(folder)])


def clock() -> StdioServer:
    """mcp-server-time."""
    return StdioServer([str(BIN / "mcp-server-time"), "--local-timezone", "UTC"])


def fetching() -> StdioServer:
    """mcp-server-fetch; pages of this machine are fetched as well."""
    flags = ["--ignore-robots-txt", "--allow-private-ips"]
    return StdioServer([str(FETCHING_PYTHON.with_name("mcp-server-fetch")), *flags])


def sqlite(folder: Path) -> StdioServer:
    """mcp-server-sqlite on a database in a folder."""
    return StdioServer([str(SQLITE_PYTHON.with_name("mcp-server-sqlite")), "--db-path", str(folder / "base.db")])
