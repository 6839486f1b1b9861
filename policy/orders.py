"""Local orders: an append-only, signed file in the state folder that operators write and the sidecar watches.

    orders.jsonl   the orders (see `order_chain`)
    orders.mark    the highest number ever seen with its line's digest, so that a shortened file is noticed

Promise: when `issue` has returned, the order is on disk and every sidecar of this state folder obeys it within
two polls; a sidecar that starts later starts with it. A file that turns bad never loosens what was ordered.
"""

import asyncio
import fcntl
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TextIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.clock import Clock
from evidence.files import flush_folder, made, opened
from evidence.keys import existing_key, signing_key
from policy.containment import Order, OrderKind, Orders, Scope
from policy.order_chain import BadOrders, Chain, decode, encode

POLL_SECONDS: Final = 0.05
"""How often the file is looked at: an order must stop a call within a tenth of a second."""

FILE: Final = "orders.jsonl"
WATERMARK: Final = "orders.mark"
KEY: Final = "orders"
_TORN_POLLS: Final = 20
"""A line may be half written when it is read, but not for a second."""


class OrdersProblem(Exception):
    """The orders cannot be relied on; the text names the file and says what to do."""

    def __init__(self, text: str, *, passing: bool = False) -> None:
        """`passing`: it may be over although the order file has not changed."""
        super().__init__(text)
        self.passing = passing


class OrderFile:
    """The orders of one state folder. Not thread safe; `issue` may run in other processes at the same time."""

    def __init__(self, state: Path, key: Ed25519PrivateKey) -> None:
        """Read and verify what is there. Raises OrdersProblem: who cannot know whether it was killed must not start."""
        self._path = state / FILE
        self._mark = state / WATERMARK
        self._key = key
        self._problem: str | None = None
        self._torn = 0
        self._seen: tuple[Any, ...] | None = self._signature()
        self._text, self._chain, self._orders = b"", Chain(), Orders()
        self._take(self._whole_lines()[0])

    @classmethod
    def open(cls, state: Path) -> "OrderFile":
        """The orders under `state`, with its local key. Raises OrdersProblem or KeyProblem."""
        opened = cls(state, signing_key(state, KEY))
        opened._remember()
        return opened

    @property
    def orders(self) -> Orders:
        """The last orders that verified."""
        return self._orders

    def problem(self) -> str | None:
        """Why the file cannot be relied on at present (for /readyz), or None; the last good orders stay in force."""
        return self._problem

    def poll(self) -> bool:
        """Look once; True if the orders have changed."""
        signature = self._signature()
        if signature == self._seen:
            return False
        before = self._chain.number
        try:
            text, complete = self._whole_lines()
            self._take(text)
            self._remember()
        except OrdersProblem as error:
            # An order that could not be read once must not be taken for one that was read: None equals no signature.
            self._seen, self._problem = None if error.passing else signature, str(error)
            return self._chain.number > before
        except OSError as error:
            # What was read is in force; that its mark could not be kept is tried again at the next look.
            self._seen, self._problem = None, f"{self._mark}: {error.strerror}"
            return self._chain.number > before
        self._torn = 0 if complete else self._torn + 1
        if complete or self._torn > _TORN_POLLS:
            self._seen = signature
            self._problem = None if complete else f"{self._path}: the last line is not complete; issue the order again"
        return self._chain.number > before

    async def watch(self, on_change: Callable[[Orders], None]) -> None:
        """Poll until cancelled, and hand over each new state of the orders."""
        while True:
            if self.poll():
                on_change(self.orders)
            await asyncio.sleep(POLL_SECONDS)

    def issue(self, kind: OrderKind, scope: Scope, reason: str, issuer: str, at: str) -> Order:
        """Append an order; it is on disk when this returns. Raises OrdersProblem."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = opened(self._path, os.O_RDWR | os.O_APPEND)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                return self._append(handle, Order(0, kind, scope, reason, issuer, at))
            finally:
                os.close(handle)
        except OSError as error:
            raise OrdersProblem(f"{self._path}: {error.strerror}") from error

    def _append(self, handle: int, order: Order) -> Order:
        whole, complete = self._whole_lines()
        if not complete:
            os.ftruncate(handle, len(whole))
        self._take(whole)
        numbered = replace(order, number=self._chain.number + 1)
        self._write(handle, len(whole), encode(numbered, self._chain.link, self._key))
        self._take(self._whole_lines()[0])
        if self._chain.number != numbered.number:
            raise OrdersProblem(f"{self._path}: the order is not there after it was written; issue it again")
        self._remember()
        return numbered

    def _write(self, handle: int, start: int, line: bytes) -> None:
        """Put `line` at `start`, the end of the file, on disk whole or not at all."""
        if os.write(handle, line) < len(line):
            os.ftruncate(handle, start)
            raise OrdersProblem(f"{self._path}: the order could be written only in part; make room and issue it again")
        os.fsync(handle)
        if start == 0:
            flush_folder(self._path.parent)

    def _whole_lines(self) -> tuple[bytes, bool]:
        """The text up to its last LF, and whether that is all of it: a line without one was never in force."""
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            text = b""
        except OSError as error:
            raise OrdersProblem(f"{self._path}: {error.strerror}", passing=True) from error
        whole = text[: text.rfind(b"\n") + 1]
        return whole, len(whole) == len(text)

    def _take(self, text: bytes) -> None:
        """Verify `text` and obey it; of a text that begins with the verified one, only what follows is verified."""
        goes_on = text.startswith(self._text)
        before = self._chain if goes_on else Chain()
        chain = self._verified(text[len(self._text) :] if goes_on else text, before)
        orders = self._orders if goes_on else Orders()
        self._text, self._chain, self._orders = text, chain, orders.then(chain.orders[before.number :])

    def _verified(self, text: bytes, before: Chain) -> Chain:
        try:
            chain = decode(text, self._key.public_key(), before)
        except BadOrders as error:
            raise OrdersProblem(f"{self._path}: {error}; restore the file from a copy") from error
        number, link = self._marked()
        if chain.number < number or (number > 0 and chain.links[number - 1] != link):
            raise OrdersProblem(f"{self._path}: order {number} was there and is not any more; restore the file")
        return chain

    def _marked(self) -> tuple[int, str]:
        try:
            mark = json.loads(self._mark.read_bytes())
            return int(mark["number"]), str(mark["link"])
        except FileNotFoundError:
            return 0, ""
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OrdersProblem(f"{self._mark}: {error}; restore the file", passing=True) from error

    def _remember(self) -> None:
        if self._chain.number == 0 or self._marked()[0] == self._chain.number:
            return
        draft = self._mark.with_name(f".{self._mark.name}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(made(draft, os.O_WRONLY, 0o644), "w", encoding="utf-8") as file:
                file.write(json.dumps({"number": self._chain.number, "link": self._chain.link}) + "\n")
            draft.replace(self._mark)
        finally:
            draft.unlink(missing_ok=True)

    def _signature(self) -> tuple[Any, ...]:
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def read_orders(state: Path) -> Orders:
    """The orders under `state`, verified; nothing is made or written. Raises OrdersProblem or KeyProblem."""
    key = existing_key(state, KEY)
    if key is not None:
        return OrderFile(state, key).orders
    if (state / FILE).exists() or (state / WATERMARK).exists():
        raise OrdersProblem(f"{state / FILE}: the key that signed it is gone; restore {state / 'keys' / KEY}.key")
    return Orders()


def run_order(
    state: Path,
    kind: OrderKind,
    scope: Scope,
    *,
    reason: str,
    issuer: str,
    clock: Clock,
    out: TextIO,
) -> int:
    """Issue an order: 0, or 64 for a scope that names nothing. Raises OrdersProblem or KeyProblem."""
    if scope == Scope():
        out.write(f"{kind}: name at least one of --agent, --upstream, --tool\n")
        return 64
    order = OrderFile.open(state).issue(kind, scope, reason, issuer, clock.now().rfc3339())
    words = [f"{name} {value}" for name in ("agent", "upstream", "tool") if (value := getattr(scope, name)) is not None]
    out.write(f"order {order.number}: {kind} {', '.join(words)}\n")
    return 0
