"""A sidecar between callers and the remembering upstream, as most trials need it."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.crash.reckoning import grant
from tests.peers.processes import POLL_SECONDS, START_SECONDS, NotReady, Program, accepts, free_port, running
from tests.peers.raw import send
from tests.peers.sidecar import Folders, Sidecar, sidecar

NAMES: Final = ("one", "two")


@dataclass(frozen=True, slots=True)
class Remembering:
    """The upstream: where it listens, and the file in which it remembers."""

    program: Program
    port: int
    journal: Path

    def upstreams(self) -> dict[str, str]:
        """Two names for it, as the sidecar is told."""
        return dict.fromkeys(NAMES, f"http://127.0.0.1:{self.port}/mcp")

    def reached(self) -> set[str]:
        """The token of each call that it saw."""
        return set(self.journal.read_text().split()) if self.journal.exists() else set()

    def streams(self) -> int:
        """How many streams are open."""
        return int(send(f"http://127.0.0.1:{self.port}/streams", "GET").body)

    def tell(self) -> int:
        """Send a notification on each open stream; returns how many there are."""
        return int(send(f"http://127.0.0.1:{self.port}/tell", "GET").body)


@contextmanager
def remembering(folder: Path) -> Iterator[Remembering]:
    """The upstream, until the block ends."""
    port, journal = free_port(), folder / "reached"
    command = [sys.executable, "-m", "tests.crash.upstream", str(port), str(journal)]
    with running(command, log=folder / "upstream.log", ready=lambda: accepts(port)) as program:
        yield Remembering(program, port, journal)


@contextmanager
def between(folder: Path, upstream: Remembering, *, more: Sequence[str] = ()) -> Iterator[Sidecar]:
    """A sidecar with the starter policy and grants for what the load calls, in front of both names.

    `more` is what `configured` gives, if it is not the usual.
    """
    grant(Folders.under(folder))
    more = more or configured(folder)
    with sidecar(folder, upstream.upstreams(), policy="starter", more=more) as gate:
        until(lambda: accepts(gate.port), "the sidecar does not listen")
        yield gate


def until(holds: Callable[[], bool], otherwise: str) -> None:
    """Wait until something holds. Raises NotReady with `otherwise` when it never does."""
    deadline = time.monotonic() + START_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise NotReady(otherwise)
        time.sleep(POLL_SECONDS)


def restart(folder: Path, upstream: Remembering, *, more: Sequence[str] = ()) -> None:
    """A last start and end on the same folders, so that no call is left open."""
    with sidecar(folder, upstream.upstreams(), policy="starter", more=more or configured(folder)) as gate:
        if (code := gate.program.terminate()) != 0:
            raise NotReady(f"the last start ended with {code}")


def configured(folder: Path, text: str = "") -> list[str]:
    """The flags that name a configuration of this text, and of patience: a busy machine is no reason for a refusal."""
    file = folder / "agentgate.toml"
    file.write_text(f"[policy]\nbudget_seconds = 10\n{text}")
    return ["--config", str(file)]
