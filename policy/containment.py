"""Whether an order of an operator applies: pure, and the only maker of a Clearance.

An order is a kill or a quarantine with a scope, or the release of that scope. A scope names an agent, an
upstream, a tool, or several of them (all must then match); an empty scope is everybody.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from policy.vocabulary import Call, Caller, Clearance

OrderKind = Literal["kill", "quarantine", "release"]

_ENDS_A_TASK: Final = "tasks/cancel"


UNKNOWN_TOOL: Final = "unknown"
"""The mark of a task of which it is not known which tool it runs: a kill of any tool stops it."""

NO_TOOL: Final = "none"
"""The mark of a task that runs no tool."""


def tool_mark(name: str) -> str:
    """What a task remembers its tool by: as long for every name (SHA-256, hex)."""
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()


def mark_of(call: Call) -> str:
    """The mark of the tool that a call runs, or asks about as a task."""
    if call.task_tool is not None:
        return call.task_tool
    return tool_mark(call.name) if call.method == "tools/call" and call.name is not None else NO_TOOL


@dataclass(frozen=True, slots=True)
class Scope:
    """Who and what an order is about; None means any."""

    agent: str | None = None
    upstream: str | None = None
    tool: str | None = None

    def covers(self, caller: Caller, upstream: str) -> bool:
        """Whether caller and upstream are inside, whatever the tool."""
        return self.agent in (None, caller.agent) and self.upstream in (None, upstream)

    def covers_call(self, call: Call) -> bool:
        """Whether `call` is inside; a scope with a tool is about calls of that tool only."""
        if not self.covers(call.caller, call.upstream):
            return False
        return self.tool is None or (call.method == "tools/call" and call.name == self.tool)

    def covers_task(self, caller: Caller, upstream: str, mark: str) -> bool:
        """Whether a task is inside whose tool has this mark, or may be; only a scope with a tool is about tasks."""
        if self.tool is None or not self.covers(caller, upstream):
            return False
        return mark in (UNKNOWN_TOOL, tool_mark(self.tool))


@dataclass(frozen=True, slots=True)
class Order:
    """One order. `number` only rises, `at` is RFC 3339 in UTC.

    A quarantine refuses new calls; a kill also ends the running ones.
    """

    number: int
    kind: OrderKind
    scope: Scope
    reason: str
    issuer: str
    at: str

    def stops(self, call: Call) -> bool:
        """Whether it applies to `call`; a kill of a tool does to all that is about its tasks but their end."""
        if self.scope.covers_call(call):
            return True
        if call.task_tool is None or call.method == _ENDS_A_TASK:
            return False
        return self.stops_task(call.caller, call.upstream, call.task_tool)

    def stops_task(self, caller: Caller, upstream: str, mark: str) -> bool:
        """Whether it ends a task whose tool has this mark: a quarantine lets it go on, as all that runs."""
        return self.kind == "kill" and self.scope.covers_task(caller, upstream, mark)


class Contained(Exception):
    """An order applies to this caller or call."""

    code = "contained"

    def __init__(self, order: Order) -> None:
        super().__init__(f"contained by order {order.number}")
        self.order = order


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders that stand after all those up to `number`: kills first, then by number."""

    number: int = 0
    standing: tuple[Order, ...] = ()

    @staticmethod
    def after(orders: Iterable[Order]) -> "Orders":
        """The state after orders in rising number. A release ends every earlier order of the same scope."""
        return Orders().then(orders)

    def then(self, orders: Iterable[Order]) -> "Orders":
        """The state after further orders in rising number."""
        number = self.number
        standing = list(self.standing)
        for order in orders:
            number = order.number
            if order.kind == "release":
                standing = [one for one in standing if one.scope != order.scope]
            else:
                standing.append(order)
        standing.sort(key=lambda one: (one.kind != "kill", one.number))
        return Orders(number, tuple(standing))

    def against(self, call: Call) -> Order | None:
        """The order that applies to `call`, a kill before a quarantine; None when there is none."""
        return next((order for order in self.standing if order.stops(call)), None)

    def against_task(self, caller: Caller, upstream: str, mark: str) -> Order | None:
        """The kill of the tool that a task runs, by the mark of that; None when there is none."""
        return next((order for order in self.standing if order.stops_task(caller, upstream, mark)), None)


def clear(orders: Orders, call: Call) -> Clearance:
    """Proof that no order applies to `call`. Raises Contained."""
    order = orders.against(call)
    if order is not None:
        raise Contained(order)
    return Clearance(call.id, orders.number)


def caller_contained(orders: Orders, caller: Caller, upstream: str) -> Order | None:
    """The order that keeps a caller from an upstream altogether (control messages, GET, DELETE); tool scopes do not."""
    return next(
        (order for order in orders.standing if order.scope.tool is None and order.scope.covers(caller, upstream)), None
    )
