"""`agentgate sidecar`: assemble, listen, tend, drain. The MCP socket is bound when everything behind it is ready."""

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Final

import uvloop

from evidence.version import own_version
from proxy.admin import Readiness, admin_app
from proxy.approval_page import page_url
from proxy.assembly import Assembly, assembled
from proxy.config import Config
from proxy.forward import HttpUpstream
from proxy.listen import Listener
from proxy.noting import named
from proxy.server import EVERYBODY, serving, serving_app
from proxy.settings.addresses import Address, TcpAddress
from proxy.settings.upstreams import Upstream
from proxy.targets import http_upstream
from proxy.tending import tend
from proxy.trimming import give_back_large_blocks
from proxy.wire.origins import LOOPBACK_NAMES, Hosts

COLLECT_AFTER_OBJECTS: Final = 20_000
"""So many new objects may wait for the collector: a few megabytes."""

TURN_SECONDS: Final = 0.001
"""How long a thread that reads or cuts a long list keeps the interpreter while calls wait; Python's own is 5 ms."""


def run_sidecar(config: Config) -> int:
    """Run until SIGTERM or SIGINT, then drain. Returns the exit code; raises what `assembled` raises."""
    uvloop.run(_sidecar(config))
    return 0


async def _sidecar(config: Config) -> None:
    async with AsyncExitStack() as stack:
        upstreams = {each.name: await _upstream(each, config, stack) for each in config.upstreams}
        assembly = await stack.enter_async_context(
            assembled(config, upstreams, own_version(), page=page_url(config.listen))
        )
        async with asyncio.TaskGroup() as tasks:
            tending = tend(assembly, tasks)
            async with _listening(assembly, upstreams):
                # Only who listens can say that it is ready; the admin end still outlives the listening one.
                await stack.enter_async_context(_admin(assembly))
                await stack.enter_async_context(_desk(assembly))
                _settle_memory()
                sys.setswitchinterval(TURN_SECONDS)
                _announce(assembly)
                await _stop_signal()
                await _drain(assembly)
            for task in tending:
                task.cancel()


async def _upstream(given: Upstream, config: Config, stack: AsyncExitStack) -> HttpUpstream:
    upstream = http_upstream(given, config)
    stack.push_async_callback(upstream.close)
    return upstream


@asynccontextmanager
async def _listening(assembly: Assembly, upstreams: dict[str, HttpUpstream]) -> AsyncIterator[None]:
    config = assembly.config
    keeping = frozenset(each.name for each in config.upstreams if each.resource == "keep")
    listener = Listener(assembly.gate, upstreams, assembly.identity, _hosts(config), keeping=keeping)
    mode, limit = int(config.listen_mode, 8), config.limits.header_bytes
    try:
        async with serving(listener.handle, config.listen, metrics=assembly.metrics, header_bytes=limit, mode=mode):
            yield
    finally:
        await listener.close()


def _admin(assembly: Assembly) -> AbstractAsyncContextManager[None]:
    names = frozenset(name.partition(":")[0] for name in assembly.config.hosts.names)
    app = admin_app(lambda: _readiness(assembly), assembly.metrics, names=names)
    return serving_app(app, assembly.config.admin)


@asynccontextmanager
async def _desk(assembly: Assembly) -> AsyncIterator[None]:
    """The socket on which approvals are answered, where there is one: everybody may connect, and is asked who he is."""
    config = assembly.config
    if config.approvals_listen is None:
        yield
        return
    from proxy.approval_desk import desk_app  # only where it is configured

    agent = None if config.approvals.same_user else config.identity.agent_uid
    app = desk_app(assembly.gate, frozenset(config.approvals.approvers), agent)
    async with serving_app(app, config.approvals_listen, mode=EVERYBODY):
        yield


def _hosts(config: Config) -> Hosts:
    names, origins = frozenset(config.hosts.names), frozenset(config.hosts.origins)
    if isinstance(config.listen, TcpAddress):
        return Hosts.listening(config.listen.host, config.listen.port, names=names, origins=origins)
    local = LOOPBACK_NAMES | {f"{name}:*" for name in LOOPBACK_NAMES}
    return Hosts(local | names, origins)


def _readiness(assembly: Assembly) -> Readiness:
    policy = assembly.gate.engine.active
    return Readiness(
        problems=tuple(assembly.problems()),
        isolation=assembly.isolation.isolation,
        policy=None if policy is None else named(policy),
        reason=assembly.isolation.reason,
        notes=tuple(assembly.notes()),
        more=_policy_server(assembly),
    )


def _policy_server(assembly: Assembly) -> dict[str, Any]:
    served = assembly.source.served
    if served is None:
        return {}
    said = {"url": served.server.shown, "confirmed_seconds": served.confirmed_seconds, "problem": served.problem}
    return {"policy_server": said}


def _settle_memory() -> None:
    """What the start made stays: the collector need not look at it again, and looks at calls in larger lots.

    One call makes some hundred objects, so that the default of 700 has the collector run in the middle of every other.
    """
    give_back_large_blocks()
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS, 20, 20)


def _announce(assembly: Assembly) -> None:
    """Say on stderr where clients connect, and what stands behind it."""
    listen = assembly.config.listen
    served = [f"{each.name:<12} {_url(listen, each.name)}  ->  {each.url}" for each in assembly.config.upstreams]
    lines = [f"agentgate {own_version()} ready", *served, *assembly.described()]
    sys.stderr.write("\n  ".join(lines) + "\n")
    sys.stderr.flush()


def _url(address: Address, name: str) -> str:
    return f"http://{address}/{name}" if isinstance(address, TcpAddress) else f"{address} /{name}"


async def _stop_signal() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


async def _drain(assembly: Assembly) -> None:
    """Take nothing new; let calls end, then streams, which have no end of their own."""
    await assembly.gate.flights.drain(assembly.config.limits.drain_seconds)
    await assembly.gate.open_streams.drain(0)
