"""Contain: no order applies to this caller, nor to this call. Asked before policy, and once more before forwarding."""

from collections.abc import Sequence

from policy.containment import Contained, Orders, caller_contained, clear
from policy.vocabulary import Call, Caller, Clearance
from proxy.path.parse import Parsed
from proxy.vocabulary import Exchange, Passage


def contain(orders: Orders, exchange: Exchange, calls: Sequence[Call]) -> tuple[Clearance, ...]:
    """A clearance for each call. Raises Contained for the first order that applies to the caller or to a call."""
    contain_caller(orders, exchange.caller, exchange.upstream)
    return tuple(clear(orders, call) for call in calls)


def contain_caller(orders: Orders, caller: Caller, upstream: str) -> None:
    """Raise Contained if an order stops this caller whatever it sends (every leg, every message)."""
    if (order := caller_contained(orders, caller, upstream)) is not None:
        raise Contained(order)


def passages(orders: Orders, exchange: Exchange, parsed: Sequence[Parsed]) -> tuple[Passage, ...]:
    """What lets the messages pass that policy does not decide. Raises Contained as `contain` does."""
    contain_caller(orders, exchange.caller, exchange.upstream)
    return tuple(Passage(item.message, orders.number) for item in parsed if item.call is None)
