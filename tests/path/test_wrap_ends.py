"""`agentgate wrap` with plain files and devices for its input and output, as a shell redirects them."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from benchmarks import exchange
from tests.peers.places import AGENTGATE, ROOT
from tests.peers.sidecar import Folders

CALL: Final = exchange.call().with_id(exchange.FIRST_ID) + b"\n"
ANSWER: Final = exchange.answer().with_id(exchange.FIRST_ID) + b"\n"
SERVER: Final = (sys.executable, "-m", "benchmarks.upstream_stdio")
SECONDS: Final = 30
_PR_CAPBSET_DROP: Final = 24
_CAP_KILL: Final = 5
_DEAF: Final = (
    "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "os.geteuid() or os.setuid(65534); print('child', os.getpid(), file=sys.stderr, flush=True);"
)


def _wrap(folder: Path, *server: str) -> list[str]:
    flags = ["--name", "ends", "--policy", "observe", *Folders.under(folder).flags()]
    return [str(AGENTGATE), "wrap", *flags, "--", *(server or SERVER)]


def test_a_file_at_both_ends(tmp_path: Path) -> None:
    (tmp_path / "calls").write_bytes(CALL)
    with (tmp_path / "calls").open("rb") as calls, (tmp_path / "answers").open("wb") as answers:
        done = subprocess.run(_wrap(tmp_path), cwd=ROOT, stdin=calls, stdout=answers, timeout=SECONDS)
    assert done.returncode == 0
    assert (tmp_path / "answers").read_bytes() == ANSWER
    assert Folders.under(tmp_path).verify()["outcomes"] == 1


def test_a_pipe_in_and_a_file_out(tmp_path: Path) -> None:
    with (tmp_path / "answers").open("wb") as answers:
        done = subprocess.run(_wrap(tmp_path), cwd=ROOT, input=CALL, stdout=answers, timeout=SECONDS)
    assert (done.returncode, (tmp_path / "answers").read_bytes()) == (0, ANSWER)


@pytest.mark.parametrize("given", [pytest.param(CALL, id="a-call"), pytest.param(b"", id="nothing")])
def test_answers_into_nowhere(given: bytes, tmp_path: Path) -> None:
    done = subprocess.run(_wrap(tmp_path), cwd=ROOT, input=given, stdout=subprocess.DEVNULL, timeout=SECONDS)
    assert done.returncode == 0


def test_calls_from_nowhere(tmp_path: Path) -> None:
    done = subprocess.run(_wrap(tmp_path), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=SECONDS)
    assert (done.returncode, done.stdout) == (0, b"")


def _without_power_over_others() -> None:
    """Even root needs CAP_KILL to signal another user's process; what is executed next does not get it."""
    ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_KILL, 0, 0, 0)


def _line_of_child(log: Path) -> str:
    for _ in range(SECONDS * 10):
        found = [line for line in log.read_text().splitlines() if line.startswith("child ")]
        if found:
            return found[0]
        time.sleep(0.1)
    raise TimeoutError(log.read_text())


@pytest.mark.parametrize(
    ("then", "code"),
    [
        pytest.param("sys.stdin.read(); sys.exit(7)", 7, id="ends-with-its-input"),
        pytest.param("time.sleep(60)", 128 + signal.SIGKILL, id="does-not-end"),
    ],
)
def test_a_child_of_another_user(then: str, code: int, tmp_path: Path) -> None:
    """SIGTERM ends `wrap` although the child cannot be signalled; without root, the child is only deaf to it."""
    command, log = [*_wrap(tmp_path, sys.executable, "-c", _DEAF + then)], tmp_path / "log"
    with log.open("wb") as errors, subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
        preexec_fn=_without_power_over_others,
    ) as wrap:  # fmt: skip
        child = int(_line_of_child(log).split()[1])
        try:
            wrap.send_signal(signal.SIGTERM)
            assert wrap.wait(SECONDS) == code
        finally:
            wrap.kill()
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
    assert log.read_text().count("cannot be signalled") == (os.geteuid() == 0)
