"""Real MCP clients, each a program of its own, so that one test drives them all by the same steps."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.peers.places import FRAMEWORKS_PYTHON, NODE, NODE_PACKAGES, OLD_PYTHON, ROOT
from tests.peers.servers import HttpServer, StdioServer
from tests.peers.steps import Step

TIMEOUT_SECONDS: Final = 60.0
LINGER_SECONDS: Final = 0.3
MODERN: Final = "2026-07-28"
_NAMED: Final = re.compile(r"(?!ExceptionGroup|BaseExceptionGroup)[\w.]*(Error|Exception|Failed|Timeout)\w*(:|$)")


class ClientFailed(Exception):
    """A client could not do its journey; the text is what it printed, `reason` the line that says why."""

    def __init__(self, name: str, printed: str) -> None:
        super().__init__(f"{name}: {printed[-3000:]}")
        self.reason = _reason(printed)


def _reason(printed: str) -> str:
    """The last line that names an error, without the bars of a group of exceptions; else the last line."""
    lines = [line.strip(" |+-") for line in printed.splitlines() if line.strip(" |+-")]
    named = [line for line in lines if _NAMED.match(line)]
    return (named or lines or ["nothing was printed"])[-1]


@dataclass(frozen=True, slots=True)
class Journey:
    """What came of it: the revision that client and server agreed on, and an outcome for each step (see steps.py)."""

    version: str
    outcomes: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class McpClient:
    """One client in one mode; `mode` is spelled as its SDK spells it."""

    name: str
    program: tuple[str, ...]
    mode: Any

    def run(
        self,
        server: HttpServer | StdioServer | str,
        steps: Sequence[Step],
        *,
        headers: Mapping[str, str] | None = None,
        elicitation: Mapping[str, Any] | None = None,
        read_seconds: float = 30.0,
    ) -> Journey:
        """Connects, does the steps one after the other, disconnects. Raises ClientFailed.

        `elicitation` is what the client declares of that, where it has a choice; `read_seconds` how long it waits for
        the next byte, where it can be told (python-1.30.0).
        """
        plan = {"mode": self.mode, "steps": list(steps), "linger_seconds": LINGER_SECONDS, **_target(server, headers)}
        plan |= {"elicitation": dict(elicitation or {}), "read_seconds": read_seconds}
        command = [*self.program, json.dumps(plan)]
        try:
            done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise ClientFailed(self.name, f"no end after {TIMEOUT_SECONDS:.0f} s") from None
        if done.returncode != 0:
            raise ClientFailed(self.name, done.stderr.decode(errors="replace"))
        answer = json.loads(done.stdout)
        return Journey(answer["version"], answer["outcomes"])


def _target(server: HttpServer | StdioServer | str, headers: Mapping[str, str] | None) -> dict[str, Any]:
    if isinstance(server, StdioServer):
        # A server over stdio has the test's own environment: SDKs pass on only a few variables by themselves.
        return {"command": server.command, "environment": {**os.environ, **server.environment}}  # noqa: TID251
    return {"url": server if isinstance(server, str) else server.url, "headers": dict(headers or {})}


_PYTHON: Final = (sys.executable, "-W", "ignore", "-m", "tests.peers.python_client")
_OLD: Final = (str(OLD_PYTHON), str(ROOT / "tests/peers/mcp130/client.py"))
_NODE: Final = (str(NODE), str(ROOT / "tests/peers/node/client.cjs"), str(NODE_PACKAGES))

PYTHON_MODERN: Final = McpClient("python-2.3.0-modern", _PYTHON, MODERN)
PYTHON_AUTO: Final = McpClient("python-2.3.0-auto", _PYTHON, "auto")
PYTHON_LEGACY: Final = McpClient("python-2.3.0-legacy", _PYTHON, "legacy")
PYTHON_OLD: Final = McpClient("python-1.30.0", _OLD, None)
TYPESCRIPT_MODERN: Final = McpClient("typescript-2.4.0-modern", (*_NODE, "v2"), {"pin": MODERN})
TYPESCRIPT_AUTO: Final = McpClient("typescript-2.4.0-auto", (*_NODE, "v2"), "auto")
TYPESCRIPT_OLD: Final = McpClient("typescript-1.32.2", (*_NODE, "v1"), None)


def _framework(name: str, program: str, python: Path = FRAMEWORKS_PYTHON) -> McpClient:
    return McpClient(name, (str(python), "-W", "ignore", str(ROOT / "tests/peers/frameworks" / program)), None)


FASTMCP: Final = _framework("fastmcp-4.1.7", "fastmcp_client.py")
LANGCHAIN: Final = _framework("langchain-mcp-adapters-0.3.2", "langchain_client.py", OLD_PYTHON)
OPENAI_AGENTS: Final = _framework("openai-agents-0.24.0", "openai_client.py")
PYDANTIC_AI: Final = _framework("pydantic-ai-2.68.0", "pydantic_client.py")
INSPECTOR: Final = McpClient(
    "inspector-cli-2.12.0", (str(NODE), str(ROOT / "tests/peers/node/inspector.cjs"), str(NODE_PACKAGES)), None
)

MODERN_CLIENTS: Final = (PYTHON_MODERN, TYPESCRIPT_MODERN)
LEGACY_CLIENTS: Final = (PYTHON_LEGACY, PYTHON_OLD, TYPESCRIPT_OLD)
DUAL_CLIENTS: Final = (PYTHON_AUTO, TYPESCRIPT_AUTO)
CLIENTS: Final = (*MODERN_CLIENTS, *LEGACY_CLIENTS, *DUAL_CLIENTS)
FRAMEWORKS: Final = (FASTMCP, LANGCHAIN, OPENAI_AGENTS, PYDANTIC_AI, INSPECTOR)
"""What agents are built with, and what people look at servers with: not every step can be done with each."""
