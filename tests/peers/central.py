"""`agentgate central` as its operators have it: a process on folders of its own, with the sidecars that it knows."""

import http.client
import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidence.keys import load_or_make
from proxy.assembly import sidecar_id
from tests.peers.places import AGENTGATE
from tests.peers.processes import Program, free_port, running
from tests.peers.raw import Answer, send
from tests.peers.sidecar import agentgate


@dataclass(frozen=True, slots=True)
class Central:
    """A central that is ready, or will be on this port; its folder outlives the process."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Where sidecars and readers call it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> str:
        """The URL of its embedded ledger."""
        return f"sqlite:///{self.folder / 'ledger.db'}"

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        """One GET."""
        return send(self.url + path, "GET", headers=headers)

    def log_size(self) -> int:
        """Leaves of the published checkpoint."""
        return int(self.get("/log/checkpoint").body.split(b"\n")[1])

    def key(self, purpose: str) -> str:
        """The verifier key that everything of a purpose can be held to, as `agentgate central keys` prints it."""
        return str(self.keys()[purpose]["root"])

    def keys(self, *more: str) -> dict[str, Any]:
        """What `agentgate central keys` says, after what it was told to do."""
        done = agentgate("central", "--state", self.folder, "keys", *more, "--json", check=True)
        return dict(json.loads(done.stdout))

    def flags(self) -> list[str]:
        """How a sidecar is told of it."""
        return ["--central", self.url, "--central-key", self.key("receipts")]

    def register(self, *states: Path, tenant: str = "default") -> None:
        """Write the sidecars of these state folders, with new keys where there are none, as the ones that it knows."""
        lines = ["[sidecars]"]
        for state in states:
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            keys = load_or_make(state, [tenant])
            public = (state / "keys" / "identity.pub").read_text().strip()
            lines += [f"[sidecars.{sidecar_id(keys)}]", f"tenant = {json.dumps(tenant)}", f'public_key = "{public}"']
        (self.folder / "sidecars.toml").write_text("\n".join(lines) + "\n")

    def started(self, more: Sequence[str] = ()) -> AbstractContextManager[Program]:
        """Run it until the block ends; it takes evidence when the block begins."""
        return self._run(more, "/readyz")

    def running(self, more: Sequence[str] = ()) -> AbstractContextManager[Program]:
        """Run it until the block ends; it answers when the block begins, and may not be ready."""
        return self._run(more, "/livez")

    def command(self, *more: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run it to its end, which it comes to by itself."""
        return agentgate("central", "--state", self.folder, *more)

    @contextmanager
    def _run(self, more: Sequence[str], health: str) -> Iterator[Program]:
        listen = f"127.0.0.1:{self.port}"
        command = [str(AGENTGATE), "central", "--state", str(self.folder), "--listen", listen, *more]
        with running(command, log=self.folder / "central.log", ready=lambda: self._answers(health)) as program:
            yield program

    def _answers(self, path: str) -> bool:
        try:
            return self.get(path).status == 200
        except (OSError, http.client.HTTPException):
            return False


def central(folder: Path) -> Central:
    """A central that has not been started yet, and knows nobody."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Central(folder, free_port())
    made.register()
    return made
