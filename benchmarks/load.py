"""Calls from many connections: as fast as they are answered (closed loop), or on a schedule (open loop).

Both run in one thread without an event loop, whose timers are too coarse (a millisecond) and whose own cost
would be part of what is measured.
"""

import select
import socket
import time
from array import array
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from benchmarks import exchange
from benchmarks.framing import body_of

STALL_SECONDS: Final = 15.0
_RECEIVE_BYTES: Final = 65_536


class Stalled(Exception):
    """Nothing was answered for STALL_SECONDS."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where calls go: a path on a loopback port."""

    port: int
    path: str


@dataclass(slots=True)
class Load:
    """What a run saw: the time of each answered call in nanoseconds, and how many answers were not the right one.

    `seconds` is the time over which calls were counted; `sample` is the first wrong answer, cut short.
    """

    times_ns: "array[int]" = field(default_factory=lambda: array("q"))
    errors: int = 0
    seconds: float = 0.0
    sample: bytes = b""

    @property
    def calls(self) -> int:
        """All answered calls, right or wrong."""
        return len(self.times_ns)

    def rate(self) -> float:
        """Calls for each second."""
        return self.calls / self.seconds if self.seconds else 0.0

    def milliseconds(self, quantile: float) -> float:
        """The time within which this share of the calls was answered; 0 when there were none."""
        ordered = sorted(self.times_ns)
        return ordered[min(int(quantile * len(ordered)), len(ordered) - 1)] / 1e6 if ordered else 0.0


class _Connection:
    """One kept-alive connection with at most one call on its way."""

    def __init__(self, target: Target) -> None:
        self.socket = socket.create_connection(("127.0.0.1", target.port), timeout=STALL_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._expected = b""
        self._since_ns = 0

    def send(self, request: bytes, expected: bytes, since_ns: int) -> None:
        """Sends a call whose time counts from `since_ns`."""
        self._expected, self._since_ns = expected, since_ns
        self.socket.sendall(request)

    def receive(self, load: Load) -> bool:
        """Reads what has come; true once the answer was whole and is counted."""
        data = self.socket.recv(_RECEIVE_BYTES)
        if not data:
            raise ConnectionError("the server closed a connection in the middle of the run")
        self._received += data
        message = body_of(self._received)
        if message is None:
            return False
        load.times_ns.append(time.perf_counter_ns() - self._since_ns)
        if message[0] != self._expected or not self._received.startswith(b"HTTP/1.1 200"):
            load.errors += 1
            load.sample = load.sample or self._received[:2000]
        self._received = message[1]
        return True


_ANSWER: Final = exchange.answer()


class Caller:
    """Sends calls to one target, each with an id that it never used before."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._request = exchange.request(target.port, target.path)
        self._ids = count(exchange.FIRST_ID)

    def closed_loop(self, connections: int, *, seconds: float = float("inf"), calls: int | None = None) -> Load:
        """Each connection sends its next call when the last is answered, until the time or the calls are used up."""
        load, begun = Load(), time.perf_counter()
        deadline = begun + seconds
        with self._connected(connections) as lines, select.epoll() as poll:
            by_number = {line.socket.fileno(): line for line in lines}
            for number, line in by_number.items():
                poll.register(number, select.EPOLLIN)
                self._send(line, time.perf_counter_ns())
            while time.perf_counter() < deadline and (calls is None or load.calls < calls):
                for number, _ in poll.poll(STALL_SECONDS) or _stalled():
                    if by_number[number].receive(load):
                        self._send(by_number[number], time.perf_counter_ns())
            load.seconds = time.perf_counter() - begun
            _drain(lines)
        return load

    def open_loop(self, connections: int, *, rate: float, seconds: float) -> Load:
        """`rate` calls a second on a fixed schedule; each time counts from the scheduled moment, sent or not."""
        load = Load(seconds=seconds)
        with self._connected(connections) as lines:
            schedule = _Schedule(rate, int(rate * seconds))
            free, busy = deque(lines), set[_Connection]()
            while busy or schedule.left():
                while free and (due := schedule.take(time.perf_counter_ns())):
                    self._send(free[0], due)
                    busy.add(free.popleft())
                wait = schedule.seconds_left(time.perf_counter_ns()) if free else STALL_SECONDS
                ready, _, _ = select.select([line.socket for line in busy], [], [], min(wait, STALL_SECONDS))
                if not ready and wait >= STALL_SECONDS:
                    _stalled()
                for line in [line for line in busy if line.socket in ready]:
                    if line.receive(load):
                        busy.discard(line)
                        free.append(line)
        return load

    @contextmanager
    def _connected(self, connections: int) -> Iterator[list[_Connection]]:
        with ExitStack() as stack:
            lines = [_Connection(self._target) for _ in range(connections)]
            for line in lines:
                stack.enter_context(line.socket)
            yield lines

    def _send(self, line: _Connection, since_ns: int) -> None:
        number = next(self._ids)
        line.send(self._request.with_id(number), _ANSWER.with_id(number), since_ns)


class _Schedule:
    """When the calls of an open loop are due."""

    def __init__(self, rate: float, calls: int) -> None:
        self._gap_ns = int(1e9 / rate)
        self._next_ns = time.perf_counter_ns()
        self._calls = calls

    def left(self) -> bool:
        return self._calls > 0

    def take(self, now_ns: int) -> int | None:
        """The moment of the next call, if it has come."""
        if self._calls == 0 or now_ns < self._next_ns:
            return None
        due = self._next_ns
        self._next_ns, self._calls = due + self._gap_ns, self._calls - 1
        return due

    def seconds_left(self, now_ns: int) -> float:
        """How long until the next call is due; for ever when none is left."""
        return max(0.0, (self._next_ns - now_ns) / 1e9) if self._calls else STALL_SECONDS


def _drain(lines: list[_Connection]) -> None:
    """Takes the answers that are still on their way, so that nothing under test sees a call cut off."""
    ignored = Load()
    for line in lines:
        while not line.receive(ignored):
            pass


def _stalled() -> list[tuple[int, int]]:
    raise Stalled(f"no answer for {STALL_SECONDS} s")
