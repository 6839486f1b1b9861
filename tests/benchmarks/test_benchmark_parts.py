"""The measuring instruments themselves: framing, quantiles, and a schedule that a slow server cannot stretch."""

import socket
import threading
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import exchange
from benchmarks.framing import body_of
from benchmarks.load import Caller, Load, Target
from benchmarks.machine import machine

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

FRAMES = [
    pytest.param(HEAD + b"Content-Length: 2\r\n\r\n{}", (b"{}", b""), id="length"),
    pytest.param(HEAD + b"content-length:2\r\n\r\n{}next", (b"{}", b"next"), id="length-and-more"),
    pytest.param(HEAD + b"Content-Length: 3\r\n\r\n{}", None, id="length-not-whole"),
    pytest.param(HEAD, None, id="head-not-whole"),
    pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", (b"{}", b""), id="chunks"),
    pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", None, id="chunks-not-whole"),
    pytest.param(b"HTTP/1.1 202 Accepted\r\n\r\n", (b"", b""), id="no-body"),
]


@pytest.mark.parametrize(("buffer", "expected"), FRAMES)
def test_a_message_ends_where_it_says(buffer: bytes, expected: tuple[bytes, bytes] | None) -> None:
    assert body_of(buffer) == expected


def test_request_and_answer_have_half_a_kilobyte() -> None:
    message = body_of(exchange.request(80, "/mcp").with_id(123_456_789))
    assert message is not None
    assert (len(message[0]), len(exchange.answer().with_id(123_456_789))) == (512, 512)


QUANTILES = [
    pytest.param(0.5, 51.0, id="median"),
    pytest.param(0.99, 100.0, id="p99"),
    pytest.param(1.0, 100.0, id="slowest"),
]


@pytest.mark.parametrize(("quantile", "expected"), QUANTILES)
def test_quantiles(quantile: float, expected: float) -> None:
    load = Load(times_ns=array("q", [number * 1_000_000 for number in range(100, 0, -1)]))
    assert load.milliseconds(quantile) == expected


@contextmanager
def _server(pause_at: int, pause_seconds: float, *, wrong: bool = False) -> Iterator[int]:
    """Answers one connection; sleeps before one of its answers."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            for number in range(exchange.FIRST_ID, exchange.FIRST_ID + 1_000):
                if not connection.recv(65_536):
                    return
                if number == exchange.FIRST_ID + pause_at:
                    time.sleep(pause_seconds)
                body = b"{}" if wrong else exchange.answer().with_id(number)
                connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    thread = threading.Thread(target=serve)
    thread.start()
    with listening:
        yield listening.getsockname()[1]
    thread.join()


def test_a_stall_is_seen_by_every_call_that_it_delays() -> None:
    with _server(pause_at=10, pause_seconds=0.2) as port:
        load = Caller(Target(port, "/mcp")).open_loop(1, rate=200, seconds=0.5)
    assert (load.calls, load.errors) == (100, 0)
    assert sum(time_ns > 50e6 for time_ns in load.times_ns) >= 25


def test_a_wrong_answer_is_an_error() -> None:
    with _server(pause_at=0, pause_seconds=0, wrong=True) as port:
        load = Caller(Target(port, "/mcp")).closed_loop(1, calls=20)
    assert load.errors >= 20
    assert b"{}" in load.sample


def test_a_fresh_checkout_is_a_machine_too(tmp_path: Path) -> None:
    """The folder on whose disk flushes are timed is made by builds, and a fresh checkout has built nothing."""
    folder = tmp_path / "build"
    assert machine(folder, nginx=None, opa=None).flush_ms > 0
    assert list(folder.iterdir()) == []
