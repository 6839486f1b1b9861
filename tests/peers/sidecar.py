"""The product as its users have it: `agentgate` programs, started on folders of their own."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from proxy.approval_client import UnixConnection
from tests.peers.places import AGENTGATE, ROOT
from tests.peers.processes import Program, free_port, running
from tests.peers.servers import HttpServer, StdioServer

COMMAND_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Folders:
    """Where one process keeps what it keeps: `state` (keys, grants, orders, admin socket) and `evidence`."""

    state: Path
    evidence: Path

    @classmethod
    def under(cls, folder: Path) -> "Folders":
        """Two new folders in a test's own."""
        made = cls(folder / "state", folder / "evidence")
        made.state.mkdir(mode=0o700, exist_ok=True)
        made.evidence.mkdir(mode=0o700, exist_ok=True)
        return made

    def flags(self) -> list[str]:
        """The flags that name them."""
        return ["--state", str(self.state), "--evidence", str(self.evidence)]

    def verify(self) -> dict[str, Any]:
        """What `agentgate verify --json` says about the evidence."""
        done = agentgate("verify", "--json", str(self.evidence))
        return dict(json.loads(done.stdout))

    def records(self) -> list[dict[str, Any]]:
        """Each record as `agentgate records --json` prints it, oldest first."""
        done = agentgate("records", str(self.evidence), "--json")
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A sidecar that is ready to be called."""

    program: Program
    port: int
    folders: Folders

    def url(self, upstream: str) -> str:
        """Where an MCP client finds one upstream."""
        return f"http://127.0.0.1:{self.port}/{upstream}"

    def admin(self, path: str) -> tuple[int, bytes]:
        """Asks the admin socket: status and body."""
        connection = UnixConnection(str(self.folders.state / "admin.sock"))
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def agentgate(*arguments: str | Path, check: bool = False) -> "subprocess.CompletedProcess[str]":
    """Runs one command of `agentgate` to its end."""
    command = [str(AGENTGATE), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=check)


def is_ready(state: Path) -> bool:
    """Whether `/readyz` on the admin socket says so; false as well while nobody listens there."""
    connection = UnixConnection(str(state / "admin.sock"))
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def sidecar(
    folder: Path,
    upstreams: Mapping[str, HttpServer | str],
    *,
    policy: str = "observe",
    more: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Sidecar]:
    """Starts a sidecar with its state and evidence under `folder`; on leaving it is asked to end."""
    folders, port = Folders.under(folder), free_port()
    listen = f"127.0.0.1:{port}"
    command = [str(AGENTGATE), "sidecar", "--listen", listen, "--policy", policy, *folders.flags(), *more]
    for name, server in upstreams.items():
        command += ["--upstream", f"{name}={server if isinstance(server, str) else server.url}"]
    log = folder / "sidecar.log"
    with running(command, log=log, ready=lambda: is_ready(folders.state), environment=environment) as program:
        yield Sidecar(program, port, folders)


def wrapped(
    folder: Path, server: StdioServer, *, name: str = "wrapped", policy: str = "observe", more: Sequence[str] = ()
) -> tuple[StdioServer, Folders]:
    """The same server behind `agentgate wrap`, and where its state and evidence lie."""
    folders = Folders.under(folder)
    command = [
        str(AGENTGATE),
        "wrap",
        "--name",
        name,
        "--policy",
        policy,
        *folders.flags(),
        *more,
        "--",
        *server.command,
    ]
    return StdioServer(command, server.journal, server.environment), folders
