"""The other readers: real SDKs, each fed the same bytes over a real socket or pipe, and what they made of them."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.attacks.upstream import Reply, http, upstream
from tests.attacks.wire import exchange
from tests.differential.inputs import Input
from tests.differential.readings import Executed, executed
from tests.peers.places import NODE, NODE_PACKAGES, OLD_PYTHON, ROOT
from tests.peers.processes import accepts, free_port, running
from tests.peers.recorder import Received

_HERE: Final = ROOT / "tests" / "differential"
_PYTHON: Final = [sys.executable, "-W", "ignore", str(_HERE / "python_server.py")]
_OLD: Final = [str(OLD_PYTHON), "-W", "ignore", str(_HERE / "python_server.py")]
_NODE: Final = [str(NODE), str(_HERE / "server.cjs"), str(NODE_PACKAGES)]

HTTP_SERVERS: Final[Mapping[str, list[str]]] = {
    "python-2.3.0": [*_PYTHON, "http"],
    "python-1.30.0": [*_OLD, "http"],
    "typescript-1.32.2": [*_NODE, "http"],
    "typescript-1.32.2-express": [*_NODE, "express"],
    "typescript-2.4.0": [*_NODE, "handler"],
}
STDIO_SERVERS: Final[Mapping[str, list[str]]] = {
    "python-2.3.0": [*_PYTHON, "stdio"],
    "python-1.30.0": [*_OLD, "stdio"],
    "typescript-1.32.2": [*_NODE, "stdio"],
    "typescript-2.4.0": [*_NODE, "pipes"],
}
_CLIENT: Final = str(_HERE / "client.cjs")
CLIENTS: Final[Mapping[str, list[str]]] = {
    "python-2.3.0": [sys.executable, "-W", "ignore", str(_HERE / "python_client.py")],
    "python-1.30.0": [str(OLD_PYTHON), "-W", "ignore", str(_HERE / "python_client.py")],
    "typescript-1.32.2": [str(NODE), _CLIENT, str(NODE_PACKAGES), "v1"],
    "typescript-2.4.0": [str(NODE), _CLIENT, str(NODE_PACKAGES), "v2"],
}
SECONDS: Final = 60.0
ACCEPTED_SECONDS: Final = 0.05
"""How long a message may take to be executed that was answered before."""

Readings = dict[str, dict[str, list[Executed]]]
"""By the name of the input, then of the reader."""


@dataclass(slots=True)
class Journal:
    """The file that a server writes, as far as it was read."""

    path: Path
    read: int = 0

    def more(self) -> list[Executed]:
        """What was executed since the last time."""
        data = self.path.read_bytes()[self.read :]
        self.read += len(data)
        return [_executed(json.loads(line)) for line in data.splitlines()]


def _executed(line: dict[str, Any]) -> Executed:
    return executed(line["method"], line["id"], json.loads(line["params"]))


def over_http(inputs: Sequence[Input], folder: Path) -> Readings:
    """What each server executes of each body."""
    found: Readings = {given.name: {} for given in inputs}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(_http(name, command, folder)) for name, command in HTTP_SERVERS.items()}
        with ThreadPoolExecutor(len(servers)) as threads:
            fed = {name: threads.submit(_all_posted, inputs, *server) for name, server in servers.items()}
        for name, executing in fed.items():
            for given, messages in zip(inputs, executing.result(), strict=True):
                found[given.name][name] = messages
    return found


def _all_posted(inputs: Sequence[Input], port: int, journal: Journal) -> list[list[Executed]]:
    return [_posted(given, port, journal) for given in inputs]


@contextmanager
def _http(name: str, command: list[str], folder: Path) -> Iterator[tuple[int, Journal]]:
    port, journal = free_port(), folder / f"{name}.journal"
    journal.touch()
    whole = [*command, str(port), str(journal)]
    with running(whole, log=folder / f"{name}.log", ready=lambda: accepts(port)):
        yield port, Journal(journal)


def _posted(given: Input, port: int, journal: Journal) -> list[Executed]:
    lines = [
        "POST /mcp HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Accept: application/json, text/event-stream",
        "Connection: close",
        f"Content-Length: {len(given.data)}",
        *given.headers,
    ]
    answer = exchange(port, ["\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + given.data])
    if answer.status == 202:
        time.sleep(ACCEPTED_SECONDS)
    return journal.more()


def over_stdio(inputs: Sequence[Input], folder: Path) -> Readings:
    """What each server executes of what is written to it; one that dies of an input is started again."""
    found: Readings = {given.name: {} for given in inputs}
    for name, command in STDIO_SERVERS.items():
        journal = folder / f"{name}-stdio.journal"
        journal.touch()
        pipe = _Pipe([*command, str(journal)], Journal(journal))
        try:
            for given in inputs:
                found[given.name][name] = pipe.feed(given.data)
        finally:
            pipe.end()
    return found


def measured(corpora: Mapping[str, Sequence[Input]], folder: Path) -> dict[str, Readings]:
    """What every reader makes of every corpus."""
    bodies = [*corpora["json"], *corpora["headers"]]
    with ThreadPoolExecutor(1) as threads:
        clients = threads.submit(through_clients, corpora["sse"])
        posted = over_http(bodies, folder)
        piped = over_stdio(corpora["stdio"], folder)
        return {"json": posted, "headers": posted, "stdio": piped, "sse": clients.result()}


_INIT: Final = (
    b'{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},'
    b'"clientInfo":{"name":"x","version":"1"}}}\n'
)
_READY: Final = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
_MARK_SECONDS: Final = 10.0


class _Pipe:
    """A server on pipes: after each input a marked request tells when it has been read."""

    def __init__(self, command: list[str], journal: Journal) -> None:
        self._command = command
        self._journal = journal
        self._marks = 0
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._heard = b""
        assert self._write(_INIT)
        assert self._hear(b'"init"')
        assert self._write(_READY)
        self._settle()
        self._journal.more()

    def feed(self, data: bytes) -> list[Executed]:
        """What is executed of these bytes."""
        alive = self._write(data) and self._settle()
        found = [each for each in self._journal.more() if not str(each["id"]).startswith("mark-")]
        if not alive:
            self.end()
            self._start()
        return found

    def _settle(self) -> bool:
        self._marks += 1
        mark = b"mark-%d" % self._marks
        line = b'\n{"jsonrpc":"2.0","id":"%b","method":"tools/call","params":{"name":"mark","arguments":{}}}\n' % mark
        return self._write(line) and self._hear(b'"%b"' % mark)

    def _write(self, data: bytes) -> bool:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except OSError:
            return False
        return True

    def _hear(self, mark: bytes) -> bool:
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        deadline = time.monotonic() + _MARK_SECONDS
        while mark not in self._heard:
            ready, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(handle, 65536) if ready else b""
            if not piece:
                return False
            self._heard += piece
        self._heard = b""
        return True

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:
                continue


def through_clients(inputs: Sequence[Input]) -> Readings:
    """What each client takes out of each stream."""
    found: Readings = {given.name: {} for given in inputs}
    streams = {given.name: given.data for given in inputs}
    with upstream() as server:
        server.reply = _streaming(streams)
        asked = {name: _client([*command, server.url, *streams]) for name, command in CLIENTS.items()}
        for name, process in asked.items():
            output, errors = process.communicate(timeout=SECONDS)
            assert process.returncode == 0, errors.decode()[-2000:]
            for line in output.splitlines():
                told = json.loads(line)
                found[told["name"]][name] = told["seen"]
    return found


def _client(command: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _streaming(streams: Mapping[str, bytes]) -> Callable[[Received], Reply]:
    """A server that begins sessions, and answers each call with the stream that is named like its tool."""

    def reply(asked: Received) -> Reply:
        if asked.method != "POST":
            return http(b"", status="405 Method Not Allowed", kind=None)
        message = json.loads(asked.body)
        if message.get("method") == "tools/call":
            stream = streams[message["params"]["name"]].replace(b"%ID%", json.dumps(message["id"]).encode())
            return [_HEAD, stream, b""]
        return _lifecycle(message)

    return reply


_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
_RESULTS: Final[Mapping[str, dict[str, Any]]] = {
    "initialize": {
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {}, "logging": {}},
        "serverInfo": {"name": "s", "version": "1"},
    },
    "tools/list": {"tools": []},
}


def _lifecycle(message: dict[str, Any]) -> Reply:
    if "id" not in message:
        return http(b"", status="202 Accepted", kind=None)
    result = _RESULTS.get(message["method"])
    said = {"error": {"code": -32601, "message": "no"}} if result is None else {"result": result}
    return http(json.dumps({"jsonrpc": "2.0", "id": message["id"], **said}).encode())
