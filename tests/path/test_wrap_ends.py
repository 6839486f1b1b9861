"""`agentgate wrap` with plain files and devices for its input and output, as a shell redirects them."""

import subprocess
import sys
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


def _wrap(folder: Path) -> list[str]:
    flags = ["--name", "ends", "--policy", "observe", *Folders.under(folder).flags()]
    return [str(AGENTGATE), "wrap", *flags, "--", *SERVER]


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
