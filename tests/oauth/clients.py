"""Real clients that log in by themselves, and the protected servers that they log in for."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peers.places import NODE, NODE_PACKAGES, OLD_PYTHON, ROOT
from tests.peers.processes import accepts, free_port, running

SECONDS = 60.0
Call = tuple[str, dict[str, Any]]
WHOSE: Call = ("whose", {})
WRITE: Call = ("write", {"text": "a"})


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """One client in one mode."""

    name: str
    program: tuple[str, ...]
    mode: Any = None

    def run(self, url: str, calls: Sequence[Call], *, keep: bool = False) -> list[Any]:
        """Connects, logs in where it is sent, calls; the text of each answer, or `{"failed": kind of error}`."""
        plan = {"url": url, "mode": self.mode, "keep": keep, "calls": list(calls)}
        done = subprocess.run(
            [*self.program, json.dumps(plan)], cwd=ROOT, capture_output=True, timeout=SECONDS, check=False
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
        answer: dict[str, Any] = json.loads(done.stdout)
        return list(answer["outcomes"])


_PYTHON = (sys.executable, "-W", "ignore", "-m", "tests.oauth.python_client")
_OLD = (str(OLD_PYTHON), "-W", "ignore", str(ROOT / "tests/peers/mcp130/oauth_client.py"))
_NODE = (str(NODE), str(ROOT / "tests/peers/node/oauth_client.cjs"), str(NODE_PACKAGES))

MODERN = OAuthClient("python-2.3.0-modern", _PYTHON, "2026-07-28")
LEGACY = OAuthClient("python-2.3.0-legacy", _PYTHON, "legacy")
OLD = OAuthClient("python-1.30.0", _OLD)
TYPESCRIPT = OAuthClient("typescript-2.4.0", (*_NODE, "v2"), "auto")
TYPESCRIPT_OLD = OAuthClient("typescript-1.32.2", (*_NODE, "v1"))

OVER_HTTP = (MODERN, LEGACY, OLD, TYPESCRIPT, TYPESCRIPT_OLD)
OVER_SSE = (LEGACY, OLD, TYPESCRIPT_OLD)


@dataclass(frozen=True, slots=True)
class ProtectedServer:
    """A server that asks for a token; `journal` has what its authorization server issued."""

    url: str
    journal: Path

    def issued(self) -> list[dict[str, Any]]:
        """Each token that was issued so far: `{token, scopes, resource}`."""
        if not self.journal.exists():
            return []
        return [json.loads(line) for line in self.journal.read_text("utf-8").splitlines()]


@contextmanager
def protected(folder: Path, style: str = "http", *options: str, port: int | None = None) -> Iterator[ProtectedServer]:
    """Starts one, with its authorization server."""
    folder.mkdir(exist_ok=True)
    port, issuer_port, journal = port or free_port(), free_port(), folder / "issued.jsonl"
    command = [sys.executable, "-W", "ignore", "-m", "tests.oauth.protected", style, "--port", str(port)]
    command += ["--issuer-port", str(issuer_port), "--journal", str(journal), *options]
    with running(command, log=folder / "protected.log", ready=lambda: accepts(port) and accepts(issuer_port)):
        yield ProtectedServer(f"http://127.0.0.1:{port}/{'sse' if style == 'sse' else 'mcp'}", journal)
