"""Programs that run beside a test: started, waited for until they are ready, and ended with their children."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.peers.places import ROOT

START_SECONDS: Final = 20.0
END_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.02
_WITH_ITS_PARENT: Final = ("setpriv", "--pdeathsig", "KILL")
"""The kernel kills a program when the test run is killed, since then no `finally` ends it; its process id stays."""


class NotReady(Exception):
    """A program ended or took too long before it was ready; the text is the end of what it printed."""


@dataclass(frozen=True, slots=True)
class Program:
    """A running program; `log` is the file that it prints to."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def printed(self) -> str:
        """All that it has printed so far, both streams."""
        return self.log.read_text("utf-8", "replace")

    def kill(self) -> None:
        """Ends it as a crash does: no signal handler runs."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        """Asks it to end and gives its exit code; after END_SECONDS it is killed."""
        self.process.terminate()
        try:
            return self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


def free_port() -> int:
    """A loopback port that nobody held a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Whether somebody listens on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    log: Path,
    ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> Iterator[Program]:
    """Runs a program as the leader of its own process group until the block ends; raises NotReady."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*_WITH_ITS_PARENT, *map(str, command)],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},  # noqa: TID251 (children inherit the test's own environment)
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    program = Program(process, log)
    try:
        _wait(program, ready)
        yield program
    finally:
        _end(process)


def _wait(program: Program, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if program.process.poll() is not None:
            raise NotReady(f"ended with {program.process.returncode}: {program.printed()[-2000:]}")
        if time.monotonic() > deadline:
            raise NotReady(f"not ready after {START_SECONDS} s: {program.printed()[-2000:]}")
        time.sleep(POLL_SECONDS)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # what is left of its group: children that outlived it
    process.wait()
