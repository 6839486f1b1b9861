"""Section `streams`: what a stream takes that is open and silent."""

import socket
from contextlib import ExitStack
from typing import Final

from benchmarks.asking import document, headers
from benchmarks.bulk import FIRST_EVENT
from benchmarks.load import STALL_SECONDS, Caller, Target
from benchmarks.measure import Plan
from benchmarks.process import memory_mb, raise_descriptor_limit
from benchmarks.section import Section, Wrong
from benchmarks.sidecars import PATIENT, UPSTREAM, Kind, starter
from benchmarks.subjects import Stage, bulk
from benchmarks.verdict import at_most

FULL: Final = 1_000
QUICK: Final = 50
MAX_MB: Final = 60.0


def run(stage: Stage, plan: Plan) -> Section:
    """Half GET, half `subscriptions/listen`: MB (PSS) of the sidecar with all of them open, less what it has idle."""
    raise_descriptor_limit()
    count, wrong = (FULL if plan.thorough else QUICK), Wrong()
    config = f"{PATIENT}[limits]\nopen_streams = {count}\n"
    with bulk(stage) as port:
        kind = Kind("starter", "process", upstreams=[("held", f"http://127.0.0.1:{port}/held")], config=config)
        with starter(kind)(stage) as subject:
            Caller(Target(subject.target.port, f"/{UPSTREAM}")).closed_loop(plan.connections, calls=400)
            idle = memory_mb(subject.own)
            with ExitStack() as stack:
                for number in range(count):
                    stack.enter_context(_opened(subject.target.port, number, wrong))
                held = memory_mb(subject.own)
    line = (f"{count:,} silent streams", idle, held, held - idle, (held - idle) * 1000 / count)
    target = at_most(f"{count:,} silent streams: MB above idle", held - idle, MAX_MB)
    columns = ("held open", "MB idle", "MB then", "MB above idle", "kB each")
    return Section("Open streams", columns, (line,), (target,), wrong.errors, wrong.sample)


def _opened(port: int, number: int, wrong: Wrong) -> socket.socket:
    """One stream, after its first event."""
    line = socket.create_connection(("127.0.0.1", port), timeout=STALL_SECONDS)
    line.sendall(_request(port, number))
    received = b""
    while not received.endswith(FIRST_EVENT + b"\r\n") and (data := line.recv(65_536)):
        received += data
    wrong.unless(right=received.startswith(b"HTTP/1.1 200"), met=received)
    return line


def _request(port: int, number: int) -> bytes:
    if number % 2:
        return f"GET /held HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n".encode()
    body = document("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
    given = {"Host": f"127.0.0.1:{port}", **headers("subscriptions/listen"), "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"POST /held HTTP/1.1\r\n{lines}\r\n".encode() + body
