"""Tending: the work of a data plane beside its calls. What it learns there is obeyed, counted and recorded."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Final

from evidence.journal import NotRecorded
from evidence.record import Entry, Kind
from policy.containment import Order, Orders
from policy.engine import CannotDecide
from policy.following import Asked, Following, SourceEvent
from policy.orders import POLL_SECONDS, OrderFile
from proxy.assembly import Assembly
from proxy.excepting import keep_time
from proxy.gate import Gate
from proxy.going_on import keep
from proxy.noting import append_unwaited, note_policy
from proxy.path.approve import note_news
from proxy.path.own import cancel
from proxy.trimming import keep_trimmed

Work = Callable[[], Coroutine[None, None, None]]

EXPIRE_SECONDS: Final = 5.0
"""How often detached calls are looked through."""


def tend(assembly: Assembly, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
    """Start the background work: orders, policy, detached calls, memory. Cancel what is returned to end it."""
    gate = assembly.gate
    note = note_policy(assembly.metrics, assembly.exceptions, gate.journals)
    work: dict[str, Work] = {
        "watching the policy": partial(assembly.source.watch, gate.engine, note),
        **_following(assembly),
        **_shipping(assembly),
        "keeping the time": partial(keep_time, assembly.clock, assembly.config.state, lambda: gate.engine.active),
        "giving up calls": partial(_expire, gate),
        "recording approvals": partial(_note_approvals, gate),
        "trimming memory": keep_trimmed,
    }
    obeying = keep_obeying(assembly.orders, _obey(assembly, tasks))
    return [tasks.create_task(obeying), *(tasks.create_task(keep(what, each)) for what, each in work.items())]


async def keep_obeying(file: OrderFile, obey: Callable[[Orders], None]) -> None:
    """Hand over each new state of the orders, until cancelled and whatever fails; what was read is never left out."""
    told = file.orders

    def hand_over(orders: Orders) -> None:
        nonlocal told
        told = orders
        obey(orders)

    async def watch() -> None:
        if file.orders.number != told.number:
            hand_over(file.orders)
        await file.watch(hand_over)

    await keep("watching the orders", watch, POLL_SECONDS)


def _shipping(assembly: Assembly) -> dict[str, Work]:
    """Evidence goes to central, where there is one."""
    return {} if assembly.uplink is None else {"shipping evidence": assembly.uplink.run}


def _following(assembly: Assembly) -> dict[str, Work]:
    """The server of the policy, where there is one, is asked for news."""
    served = assembly.source.served
    return {} if served is None else {"asking for policy": partial(served.follow, _note_source(assembly, served))}


def _obey(assembly: Assembly, tasks: asyncio.TaskGroup) -> Callable[[Orders], None]:
    """The state has changed already when this is called: then what is in flight is swept, and the order recorded."""
    gate = assembly.gate

    def obey(orders: Orders) -> None:
        stopped, detached = gate.obey(orders)
        for waiting in detached:
            tasks.create_task(cancel(gate, waiting))
        body = {"orders": orders.number, "standing": [_order_body(order) for order in orders.standing]}
        for journal in gate.journals.values():
            append_unwaited(journal, Entry(Kind.ORDER, {**body, "stopped": stopped}))

    return obey


def _order_body(order: Order) -> dict[str, object]:
    scope = {"agent": order.scope.agent, "upstream": order.scope.upstream, "tool": order.scope.tool}
    return {"number": order.number, "kind": order.kind, "scope": scope}


def _note_source(assembly: Assembly, served: Following) -> Callable[[SourceEvent], None]:
    """Each answer is counted; evidence has when the server began to fail, and when it was there again."""

    def note(event: SourceEvent) -> None:
        assembly.metrics.policy_asked(event.result)
        if not event.turned:
            return
        failed = {"event": "policy_server_failed", "server": served.server.shown, "problem": event.problem}
        back = {"event": "policy_server_back", "server": served.server.shown}
        for journal in assembly.gate.journals.values():
            append_unwaited(journal, Entry(Kind.NOTICE, failed if event.result is Asked.FAILED else back))

    return note


async def _expire(gate: Gate) -> None:
    while True:
        await asyncio.sleep(EXPIRE_SECONDS)
        gate.expire()


async def _note_approvals(gate: Gate) -> None:
    """Record what becomes of approvals, until cancelled; what cannot be written now is told the next time."""
    while True:
        await asyncio.sleep(1)
        with suppress(CannotDecide, NotRecorded):
            await note_news(gate)
