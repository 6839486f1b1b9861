"""Exhaustion, bounded in size: whoever asks for more gets a no, and memory, descriptors and children stay flat."""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Final

from tests.attacks.documents import CALL
from tests.attacks.gates import IN_FLIGHT, OPEN_STREAMS, Gate, Gates, request
from tests.attacks.pipes import wrapped
from tests.attacks.row import Story
from tests.attacks.stories import passed, refused, until
from tests.attacks.upstream import events, http
from tests.attacks.wire import connect, read_answer
from tests.path.messages import MESSAGES, notification, result
from tests.peers.processes import Program

_SPARE_BYTES: Final = 24 << 20
"""What a process may grow by that handles one large thing; each attack sends several times as much."""

_LONG_IDS: Final = 1000


def rows() -> Iterator[Story]:
    """Every row of the class."""
    for name, tell, said, expected in _STORIES:
        yield Story(f"exhaustion/{name}", said, expected, tell)


def _memory(program: Program) -> int:
    fields = Path(f"/proc/{program.process.pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def _descriptors(program: Program) -> int:
    return len(os.listdir(f"/proc/{program.process.pid}/fd"))


def _in_flight(gates: Gates) -> None:
    gate = gates.open
    gate.fresh()
    passed(gate.ask(CALL))
    gate.upstream.received.clear()
    gate.upstream.answers([1.0, http(result(1, content=[]))])
    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        asked = [threads.submit(gate.ask, CALL) for _ in range(IN_FLIGHT)]
        _until(lambda: len(gate.upstream.received) == IN_FLIGHT)
        refused(gate.ask(CALL), "too_many_in_flight")
        for each in asked:
            passed(each.result())
    assert len(gate.upstream.received) == IN_FLIGHT


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5.0
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _streams(gates: Gates) -> None:
    gate = gates.open
    gate.fresh()
    note = b"data: " + notification("notifications/message", level="info", data="x") + b"\n\n"
    gate.upstream.answers(events(note, 2.0))
    opened = [until(gate, "GET", b"notifications/message")[0] for _ in range(OPEN_STREAMS)]
    refused(gate.ask(method="GET"), "too_many_in_flight", 503)
    assert len(gate.upstream.received) == OPEN_STREAMS
    for each in opened:
        each.close()
    gate.upstream.reply = gate.upstream.plain
    passed(gate.ask(CALL))


def _sessions(gates: Gates) -> None:
    """Session ids are remembered up to a bound; what they cost must not be descriptors, and hardly memory."""
    gate = gates.open
    gate.fresh()
    passed(gate.ask(MESSAGES["INIT"]))
    memory, descriptors = _memory(gate.sidecar.program), _descriptors(gate.sidecar.program)
    with connect(gate.port) as connection:
        for _ in range(500):
            connection.sendall(request("POST", "/files", MESSAGES["INIT"], ["-Connection"], port=gate.port))
            assert b"session-" in _one(connection)
    assert _memory(gate.sidecar.program) - memory < _SPARE_BYTES
    assert _descriptors(gate.sidecar.program) - descriptors < 20


def _one(connection: socket.socket) -> bytes:
    heard = b""
    while b"\r\n\r\n" not in heard or b"capabilities" not in heard:
        heard += connection.recv(65536)
    return heard


def _idle(gates: Gates) -> None:
    """Connections that send half a request, or nothing, take a descriptor each and give it back."""
    gate = gates.open
    gate.fresh()
    before = _descriptors(gate.sidecar.program)
    half = request("POST", "/files", CALL, port=gate.port)[:-10]
    connections = [connect(gate.port) for _ in range(100)]
    for number, connection in enumerate(connections):
        connection.sendall(half[: number * 3])
    passed(gate.ask(CALL))
    for connection in connections:
        connection.close()
    _until(lambda: _descriptors(gate.sidecar.program) - before < 10)
    assert gate.upstream.bodies == [CALL]


def _extension(gates: Gates) -> None:
    """A chunk whose extension never ends is not kept."""
    head = request("POST", "/files", b"", ["Transfer-Encoding: chunked"], port=gates.open.port)
    _pour(gates.open, [head, b"2;", *[b"a" * 65536] * 1000])


def _body(gates: Gates) -> None:
    """Chunks for ever: answered after the limit, and not read on."""
    head = request("POST", "/files", b"", ["Transfer-Encoding: chunked"], port=gates.open.port)
    _pour(gates.open, [head, *[b"10000\r\n%b\r\n" % (b" " * 65536)] * 1000])


def _pour(gate: Gate, pieces: list[bytes]) -> None:
    gate.fresh()
    before = _memory(gate.sidecar.program)
    connection = connect(gate.port)
    connection.settimeout(2.0)
    with connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except OSError:
            assert read_answer(connection).status in (0, 400, 413)
    assert _memory(gate.sidecar.program) - before < _SPARE_BYTES
    assert gate.upstream.received == []
    passed(gate.ask(CALL))


def _slow_reader(gates: Gates) -> None:
    """An agent that reads nothing of a long stream: the tool server is made to wait, and nothing piles up."""
    gate = gates.open
    gate.fresh()
    before = _memory(gate.sidecar.program)
    note = b"data: " + notification("notifications/message", level="info", data="x" * 50_000) + b"\n\n"
    sent = [0]

    def flood() -> Iterator[bytes]:
        yield events()[0]  # type: ignore[misc]  # the first piece of a stream is its head
        for _ in range(2000):
            yield note
            sent[0] += len(note)
        yield b""

    gate.upstream.answers(flood())
    with connect(gate.port) as connection:
        connection.sendall(request("GET", "/files", port=gate.port))
        time.sleep(1.0)
        assert sent[0] < 50 << 20
        assert _memory(gate.sidecar.program) - before < _SPARE_BYTES
    gate.upstream.reply = gate.upstream.plain
    passed(gate.ask(CALL))


def _long_ids(gates: Gates) -> None:
    """What a client cancels is remembered for as long as its other calls last: many long ids must not pile up."""
    gate, answered = gates.open, Event()
    gate.fresh()

    def held() -> Iterator[bytes]:
        answered.wait(60.0)
        yield http(result(1, content=[]))

    gate.upstream.reply = lambda asked: held() if asked.body == CALL else http(b"", kind=None)
    with connect(gate.port) as call:
        call.sendall(request("POST", "/files", CALL, port=gate.port))
        _until(lambda: gate.upstream.bodies == [CALL])
        before = _memory(gate.sidecar.program)
        said = [gate.ask(_cancel(f"{number}{'x' * 60_000}")) for number in range(_LONG_IDS)]
        grown = _memory(gate.sidecar.program) - before
        answered.set()
        passed(read_answer(call))
    assert grown < _SPARE_BYTES
    assert gate.upstream.bodies == [CALL]
    for each in said:
        refused(each, "id_too_long", 400)


def _cancel(id: str) -> bytes:
    return notification("notifications/cancelled", requestId=id)


def _endless_list(gates: Gates) -> None:
    """A list of tools that always has one more page: the sidecar asks for so many pages and no more."""
    with gates.gate(policy="observe") as gate:
        gate.upstream.endless = True
        passed(gate.ask(CALL))
        assert 1 < len(gate.upstream.own) <= 20
        assert gate.upstream.bodies == [CALL]


_GRANDCHILD: Final = (
    "import os, signal, subprocess, sys, time\n"
    "deaf = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)'\n"
    "made = [subprocess.Popen([sys.executable, '-c', deaf]) for _ in range(3)]\n"
    "open(sys.argv[1], 'w').write(' '.join(str(each.pid) for each in made))\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'tests.attacks.child', sys.argv[2]])\n"
)


def _children(gates: Gates) -> None:
    folder = gates.folder()
    noted = folder / "grandchildren"
    with wrapped(folder, child=[sys.executable, "-c", _GRANDCHILD, str(noted)]):
        pids = [int(pid) for pid in noted.read_text().split()]
        assert all(map(_lives, pids))
    _until(lambda: not any(map(_lives, pids)))
    assert len(pids) == 3


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


_STORIES: Final = [
    ("in-flight", _in_flight, "one call more than may be in flight", "`too_many_in_flight`; does not arrive"),
    ("open-streams", _streams, "one stream more than may be open", "503 `too_many_in_flight`; does not arrive"),
    ("sessions", _sessions, "500 sessions", "memory and descriptors stay flat"),
    ("idle-connections", _idle, "100 connections with a part of a request", "others are served; all is given back"),
    ("endless-chunk-extension", _extension, "64 MB of a chunk's extension", "memory stays flat; nothing arrives"),
    ("endless-body", _body, "64 MB in chunks", "memory stays flat; nothing arrives"),
    ("slow-reader", _slow_reader, "100 MB for an agent that reads nothing", "the tool server waits; memory stays flat"),
    ("endless-list", _endless_list, "a list of tools that always has one more page", "20 pages are asked for at most"),
    (
        "long-ids",
        _long_ids,
        "60 MB of ids that a client cancels while a call lasts",
        "`id_too_long`; memory stays flat",
    ),
    ("child-tree", _children, "a wrapped server whose children ignore SIGTERM", "none is left"),
]
