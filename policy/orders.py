"""Local orders: a signed, numbered, append-only file in the state folder, read while calls are in flight.

Each line is one order with the link of the line before it and a signature by the orders key, so that a
line can neither be changed, dropped from the middle, nor moved. A watermark beside it remembers the highest
number that the sidecar has obeyed: a file that was cut back is noticed.

    OrdersProblem     the file cannot be obeyed as it is; a sidecar does not start with it, and a running
                      one keeps the orders that it has
"""

import asyncio
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.canonical import canonical, read
from evidence.clock import Clock
from evidence.keys import signing_key
from evidence.signing import BadSignature, check
from policy.containment import Order, OrderKind, Orders, Scope

POLL_SECONDS: Final = 0.05
"""How often the file is looked at: an order must stop a call within a tenth of a second."""

FILE: Final = "orders.jsonl"
WATERMARK: Final = "orders.seen"
KEY: Final = "orders"

_DOMAIN: Final = b"agentgate/order/v1\0"
_NO_LINK: Final = "0" * 64
_SCOPE: Final = ("agent", "upstream", "tool")


class OrdersProblem(Exception):
    """The order file cannot be obeyed; the text names the file, the line and what to do."""


@dataclass(frozen=True, slots=True)
class _Chain:
    """The orders of a file, the link that the next line must name, and the bytes of the whole lines."""

    orders: tuple[Order, ...] = ()
    link: str = _NO_LINK
    size: int = 0


class OrderFile:
    """The orders of one state folder, for a sidecar: read at start, then watched."""

    def __init__(self, state: Path) -> None:
        """Read the file as it is. Raises OrdersProblem, KeyProblem."""
        self._path = state / FILE
        self._watermark = state / WATERMARK
        self._public = signing_key(state, KEY).public_key().public_bytes_raw()
        self._problem: str | None = None
        self._stamp = self._look()
        self._current = self._load()

    @property
    def current(self) -> Orders:
        """The orders in force now."""
        return self._current

    def problem(self) -> str | None:
        """Why the file as it is now is not obeyed (the orders before it are), or None."""
        return self._problem

    async def watch(self, changed: Callable[[Orders], None]) -> None:
        """Call `changed` with each new state, at most POLL_SECONDS after it was written; runs until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            self.poll(changed)

    def poll(self, changed: Callable[[Orders], None]) -> None:
        """Look once."""
        stamp = self._look()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            orders = self._load()
        except (OrdersProblem, OSError) as problem:
            self._problem = str(problem)
            return
        self._problem = None
        if orders != self._current:
            self._current = orders
            changed(orders)

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _load(self) -> Orders:
        orders = Orders.after(_read(self._path, self._public).orders)
        seen = _seen(self._watermark)
        if orders.number < seen:
            raise OrdersProblem(
                f"{self._path} ends at order {orders.number}, but order {seen} has been obeyed: restore the file"
            )
        if orders.number > seen:
            _write_seen(self._watermark, orders.number)
        return orders


def issue(state: Path, kind: OrderKind, scope: Scope, *, reason: str, issuer: str, clock: Clock) -> Order:
    """Append one signed order and flush it to disk; a running sidecar obeys it at once.

    Raises OrdersProblem if the file is not one that it may be appended to, KeyProblem for the key.
    """
    key = signing_key(state, KEY)
    path = state / FILE
    with _locked(path) as handle:
        chain = _read(path, key.public_key().public_bytes_raw())
        number = (chain.orders[-1].number if chain.orders else 0) + 1
        if number <= _seen(state / WATERMARK):
            raise OrdersProblem(f"{path} was cut back: restore it before a new order is issued")
        order = Order(number, kind, scope, reason, issuer, clock.now().rfc3339())
        os.ftruncate(handle, chain.size)
        os.write(handle, _line(order, chain.link, key))
        os.fsync(handle)
    return order


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _line(order: Order, prev: str, key: Ed25519PrivateKey) -> bytes:
    statement = _statement(order, prev)
    signature = key.sign(_DOMAIN + statement)
    return statement + b"\t" + signature.hex().encode() + b"\n"


def _statement(order: Order, prev: str) -> bytes:
    scope = {name: getattr(order.scope, name) for name in _SCOPE}
    return canonical(
        {
            "v": 1,
            "number": order.number,
            "prev": prev,
            "kind": order.kind,
            "scope": scope,
            "reason": order.reason,
            "issuer": order.issuer,
            "at": order.at,
        }
    )


def _read(path: Path, public: bytes) -> _Chain:
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return _Chain()
    # What has no line end yet is still being written: not an order yet.
    lines.pop()
    orders: list[Order] = []
    link = _NO_LINK
    for number, line in enumerate(lines, 1):
        order = _checked(line, link, public, f"{path}:{number}")
        if order.number != number:
            raise OrdersProblem(
                f"{path}:{number}: order {order.number} stands where {number} belongs; restore the file"
            )
        orders.append(order)
        link = hashlib.sha256(line).hexdigest()
    return _Chain(tuple(orders), link, sum(len(line) + 1 for line in lines))


def _checked(line: bytes, link: str, public: bytes, where: str) -> Order:
    statement, _, signature = line.partition(b"\t")
    try:
        check(public, bytes.fromhex(signature.decode("ascii")), _DOMAIN + statement)
    except (BadSignature, ValueError) as error:
        raise OrdersProblem(f"{where}: not signed by this sidecar's orders key; restore the file") from error
    body = read(statement)
    if body["prev"] != link:
        raise OrdersProblem(f"{where}: does not follow the line before it; restore the file")
    return _order(body)


def _order(body: dict[str, Any]) -> Order:
    return Order(body["number"], body["kind"], Scope(**body["scope"]), body["reason"], body["issuer"], body["at"])


def _seen(path: Path) -> int:
    try:
        text = path.read_text()
    except FileNotFoundError:
        return 0
    if not text.strip().isdigit():
        raise OrdersProblem(f"{path} does not hold a number; restore it")
    return int(text)


def _write_seen(path: Path, number: int) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(f"{number}\n")
    draft.replace(path)


def run_order(
    state: Path, kind: OrderKind, scope: Scope, *, reason: str, issuer: str, clock: Clock, out: TextIO
) -> int:
    """`agentgate kill|quarantine|release`: issue one order and say what it does. Raises OrdersProblem, KeyProblem."""
    order = issue(state, kind, scope, reason=reason, issuer=issuer, clock=clock)
    named = [f"{name} {value}" for name in _SCOPE if (value := getattr(scope, name)) is not None]
    out.write(f"order {order.number}: {kind} {', '.join(named) or 'everything'}\n")
    return 0
