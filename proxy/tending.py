"""Tending: the work of a data plane beside its calls. What it learns there is obeyed, counted and recorded."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from evidence.journal import NotRecorded
from evidence.record import Entry, Kind
from policy.containment import Order, Orders
from policy.engine import CannotDecide
from policy.following import Asked, Following, SourceEvent
from proxy.assembly import Assembly
from proxy.demux import STOPPED
from proxy.detached import Waiting
from proxy.excepting import keep_time
from proxy.gate import Gate
from proxy.noting import append_unwaited, note_policy
from proxy.path.approve import note_news
from proxy.trimming import keep_trimmed

EXPIRE_SECONDS: Final = 5.0
"""How often detached calls are looked through."""


def tend(assembly: Assembly, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
    """Start the background work: orders, policy, detached calls, memory. Cancel what is returned to end it."""
    gate = assembly.gate
    return [
        tasks.create_task(assembly.orders.watch(_obey(assembly, tasks))),
        tasks.create_task(
            assembly.source.watch(gate.engine, note_policy(assembly.metrics, assembly.exceptions, gate.journals))
        ),
        *_following(assembly, tasks),
        *_shipping(assembly, tasks),
        tasks.create_task(keep_time(assembly.clock, assembly.config.state, lambda: gate.engine.active)),
        tasks.create_task(_expire(gate)),
        tasks.create_task(_note_approvals(gate)),
        tasks.create_task(keep_trimmed()),
    ]


def _shipping(assembly: Assembly, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
    """Evidence goes to central, where there is one."""
    return [] if assembly.uplink is None else [tasks.create_task(assembly.uplink.run())]


def _following(assembly: Assembly, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
    """The server of the policy, where there is one, is asked for news."""
    served = assembly.source.served
    return [] if served is None else [tasks.create_task(served.follow(_note_source(assembly, served)))]


def _obey(assembly: Assembly, tasks: asyncio.TaskGroup) -> Callable[[Orders], None]:
    """The state has changed already when this is called: then what is in flight is swept, and the order recorded."""
    gate = assembly.gate

    def obey(orders: Orders) -> None:
        stopped, detached = gate.obey(orders)
        for waiting in detached:
            tasks.create_task(_cancel(gate, waiting))
        body = {"orders": orders.number, "standing": [_order_body(order) for order in orders.standing]}
        for journal in gate.journals.values():
            append_unwaited(journal, Entry(Kind.ORDER, {**body, "stopped": stopped}))

    return obey


async def _cancel(gate: Gate, waiting: Waiting) -> None:
    """Tell the upstream that nobody waits for a detached call any more."""
    leg = gate.upstreams[waiting.exchange.upstream].leg()
    if waiting.own:
        await leg.tell(waiting.exchange)
    else:
        await leg.cancel(waiting.exchange, [waiting.request], STOPPED)
    await leg.close()


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
