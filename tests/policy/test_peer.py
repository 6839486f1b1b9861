"""Who listens on OPA's socket: questions go to the sidecar's own user, to root, and to whom configuration names.

Where the tests are not root nobody else can listen: there the asker takes itself for somebody else instead.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import uvloop

from policy.bundle import load
from policy.engine import EngineUnavailable, EntryPoint
from policy.opa import OpaEngine
from policy.opa_wire import Connections
from policy.peer import peer_uid, trusted_users
from tests.policy.asking import document, tool_call

US: Final = os.geteuid()
STRANGER: Final = 4242 if US == 0 else US
WE: Final = US if US == 0 else US + 1

Loops = Callable[[], asyncio.AbstractEventLoop]

_LISTEN: Final = """
import os, socket, sys
path, uid = sys.argv[1], int(sys.argv[2])
with socket.socket(socket.AF_UNIX) as server:
    server.bind(path)
    if uid != os.geteuid():
        os.setgroups([]), os.setgid(uid), os.setuid(uid)
    server.listen()
    print("listens", flush=True)
    while True:
        with server.accept()[0] as connection:
            while heard := connection.recv(65536):
                print(len(heard), flush=True)
                connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
            print("end", flush=True)
"""


@contextmanager
def _listening(path: Path, uid: int) -> Iterator["subprocess.Popen[str]"]:
    """Somebody who answers everything on a socket; it prints how many bytes it was sent."""
    command = [sys.executable, "-I", "-S", "-c", _LISTEN, str(path), str(uid)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "listens\n"
            yield process
        finally:
            process.kill()


def _heard(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


ASKED = [
    pytest.param(US, trusted_users(US), True, id="ourselves"),
    pytest.param(US, trusted_users(US, US + 7), True, id="ourselves-beside-a-configured-one"),
    pytest.param(STRANGER, trusted_users(WE), False, id="somebody-else"),
    pytest.param(STRANGER, trusted_users(WE, STRANGER + 7), False, id="somebody-else-than-the-configured-one"),
    pytest.param(STRANGER, trusted_users(WE, STRANGER), True, id="the-configured-one"),
]


@pytest.mark.parametrize("loops", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize(("uid", "users", "is_asked"), ASKED)
def test_who_is_asked(
    tmp_path: Path,
    loops: Loops,
    uid: int,
    users: frozenset[int],
    is_asked: bool,  # noqa: FBT001  (a column of the table)
) -> None:
    path = tmp_path / "opa.sock"
    with _listening(path, uid) as process, asyncio.Runner(loop_factory=loops) as runner:
        connections = Connections(f"unix:{path}", users)
        if is_asked:
            assert runner.run(connections.post("/", b"{}", seconds=5.0)).body == b"{}"
            assert int(_heard(process)) > 0
        else:
            with pytest.raises(ConnectionError, match=f"user id {uid} listens"):
                runner.run(connections.post("/", b"{}", seconds=5.0))
            assert _heard(process) == "end\n", "nothing was sent before the connection was given up"
        connections.close()


async def test_a_strangers_answer_is_no_decision(tmp_path: Path) -> None:
    path = tmp_path / "opa.sock"
    with _listening(path, STRANGER):
        engine = OpaEngine(f"unix:{path}", activation_seconds=0.3, users=trusted_users(WE))
        with pytest.raises(EngineUnavailable, match=f"user id {STRANGER} listens"):
            await engine.ask(EntryPoint.DECISION, document(tool_call()))
        with pytest.raises(EngineUnavailable, match=f"user id {STRANGER} listens"):
            await engine.activate(load("observe", grants=None))
        assert engine.active is None
        await engine.close()


@pytest.mark.parametrize(
    ("own", "configured", "users"),
    [
        pytest.param(1000, None, {0, 1000}, id="own-and-root"),
        pytest.param(1000, 1001, {0, 1000, 1001}, id="configured"),
        pytest.param(0, None, {0}, id="we-are-root"),
    ],
)
def test_the_users_that_are_trusted(own: int, configured: int | None, users: set[int]) -> None:
    assert trusted_users(own, configured) == users


def test_the_kernel_says_who_is_at_the_other_end() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs, socket.socket(socket.AF_INET) as tcp:
        assert peer_uid(ours) == US
        assert peer_uid(tcp) is None
