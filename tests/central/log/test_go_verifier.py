"""What is published is read by the libraries of Go's checksum database, from the folder and over HTTP."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from central.log.proving import Prover
from central.log.store import LogFolder
from evidence.note import ED25519, VerifierKey
from tests.central.log.logs import run
from tests.central.log.memory import LOG, ORIGIN, MemoryState, MemoryWitnesses, link
from tests.evidence import naive_tree
from tests.peers.places import LOG_PEERS

_LEAVES: Final = [link(number) for number in range(700)]


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    state, witnesses = MemoryState(), MemoryWitnesses(2, needed=1)
    for first, end in ((0, 5), (5, 261), (261, 700)):
        state.add(*_LEAVES[first:end])
        await run(state, tmp_path, witnesses=witnesses)
    return tmp_path


def _logcheck(place: str | Path, *arguments: str, key: VerifierKey = LOG) -> "subprocess.CompletedProcess[str]":
    command = [str(LOG_PEERS / "logcheck"), "-log", str(place), "-key", key.text(), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _leaf(index: int, leaf: bytes | None = None) -> str:
    return f"{index}:{(leaf or _LEAVES[index]).hex()}"


def _old(size: int) -> str:
    return f"{size}:{naive_tree.mth(_LEAVES[:size]).hex()}"


def _everything(folder: Path) -> list[str]:
    arguments = []
    for index in (0, 4, 255, 256, 511, 512, 699):
        given = ",".join(each.hex() for each in Prover(LogFolder(folder)).inclusion(index).hashes)
        arguments += ["-leaf", _leaf(index), "-given", f"{_leaf(index)}:{given}"]
    for size in (1, 5, 256, 261, 512, 699, 700):
        arguments += ["-old", _old(size)]
    return arguments


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_another_implementation_finds_everything_in_the_folder(folder: Path) -> None:
    done = _logcheck(folder, *_everything(folder))
    assert done.stderr == ""
    assert json.loads(done.stdout) == {"origin": ORIGIN, "size": 700, "root": naive_tree.mth(_LEAVES).hex()}


def test_another_implementation_finds_everything_over_http(folder: Path) -> None:
    with _served(folder) as url:
        done = _logcheck(url, *_everything(folder))
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["-leaf", _leaf(5, link(900))], "its bundle holds", id="another-leaf"),
        pytest.param(["-leaf", _leaf(700, link(900))], "ends before it", id="a-leaf-too-many"),
        pytest.param(["-old", f"5:{bytes(32).hex()}"], "invalid", id="another-past"),
        pytest.param(["-given", f"{_leaf(0)}:{bytes(32).hex()}"], "invalid", id="a-proof-of-something-else"),
    ],
)
def test_it_says_no_where_we_would(folder: Path, arguments: list[str], said: str) -> None:
    done = _logcheck(folder, *arguments)
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.parametrize(
    ("path", "change"),
    [
        pytest.param("checkpoint", lambda data: data.replace(b"\n700\n", b"\n699\n"), id="the-checkpoint"),
        pytest.param("tile/0/000", lambda data: bytes(32) + data[32:], id="a-tile-of-leaves"),
        pytest.param("tile/1/000.p/2", lambda data: bytes(32) + data[32:], id="a-tile-above"),
    ],
)
def test_both_find_what_was_changed(folder: Path, path: str, change: Callable[[bytes], bytes]) -> None:
    file = folder / path
    file.write_bytes(change(file.read_bytes()))
    assert _logcheck(folder, "-leaf", _leaf(0)).returncode == 1


def test_it_takes_no_other_key(folder: Path) -> None:
    assert _logcheck(folder, key=VerifierKey(ORIGIN, ED25519, b"\x01" * 32)).returncode == 1
