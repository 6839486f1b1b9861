"""Whether an order of an operator applies: pure, and the only maker of a Clearance.

An order is a kill or a quarantine with a scope, or the release of that scope. A scope names an agent, an
upstream, a tool, or several of them (all must then match); an empty scope is everybody.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from policy.vocabulary import Call, Caller, Clearance

OrderKind = Literal["kill", "quarantine", "release"]


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
        return next((order for order in self.standing if order.scope.covers_call(call)), None)


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
