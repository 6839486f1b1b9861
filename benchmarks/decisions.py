"""Section `decisions`: what a decision takes, asked of each engine as the sidecar asks it, and nothing else around it.

OPA has the core under test. It is asked from there, as a sidecar that shares its core with its OPA asks (so they do in
the main table), and from the other core, which has to be woken for each answer. The embedded engine is in this process.
"""

import asyncio
import json
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Plan
from benchmarks.policies import AGENT, UPSTREAM, starter, starter_and_templates
from benchmarks.process import on_core
from benchmarks.section import Section, Wrong
from benchmarks.subjects import Stage
from benchmarks.verdict import Verdict, at_most
from evidence.clock import SystemClock
from policy.decision import input_text, input_values
from policy.embedded import EmbeddedEngine
from policy.engine import Engine, EntryPoint, Policy
from policy.opa import OpaEngine
from policy.opa_process import OpaProcess, find_opa
from policy.opa_wire import Connections
from policy.peer import trusted_users
from policy.vocabulary import Call, Caller, Definition, SessionView, SidecarView
from proxy.config import environment

MAX_MS: Final[Mapping[str, float]] = {"embedded": 1.0, "opa": 0.4}
MAX_RATIO: Final = 1.5
SMALL, LARGE = (10, 10), (1_000, 200)
_SECONDS: Final = 10.0

ASKED: Final[Mapping[str, tuple[str, Mapping[str, Any], str]]] = {
    "granted": ("tool-5", {"text": "x" * 400}, "allow"),
    "granted to nobody": ("tool-x", {"text": "x" * 400}, "deny"),
    "inside the jail": ("read_file", {"path": "/srv/share/reports/2026/summary.txt"}, "allow"),
    "outside of it": ("read_file", {"path": "/etc/passwd"}, "deny"),
    "sent to a friend": ("send_mail", {"to": "ann@example.com", "body": "x" * 400}, "allow"),
    "sent elsewhere": ("send_mail", {"to": "eve@example.net", "body": "x" * 400}, "deny"),
}
"""Names, arguments, and what the starter beside the templates says; the starter alone is asked the first two."""


@dataclass(frozen=True, slots=True)
class _Times:
    """Median microseconds of a question: on the clock, from the other core, and what the engine says is its own."""

    asked: float
    apart: float | None = None
    own: float | None = None

    def cells(self) -> tuple[str | float, ...]:
        """The numbers, with a dash where there is none."""
        return tuple("-" if value is None else value for value in (self.asked, self.apart, self.own))


def run(stage: Stage, plan: Plan) -> Section:
    """Microseconds of a decision by the starter, with few grants and many, and beside three templates."""
    return asyncio.run(_run(stage, 2000 if plan.thorough else 10))


async def _run(stage: Stage, questions: int) -> Section:
    wrong, lines, targets = Wrong(), list[tuple[str | float, ...]](), list[Verdict]()
    policies = {
        f"starter, {SMALL[0]} agents x {SMALL[1]} tools": starter(*SMALL),
        f"starter, {LARGE[0]:,} agents x {LARGE[1]} tools": starter(*LARGE),
        "starter and three templates": starter_and_templates(stage.folder / "templates"),
    }
    found: dict[tuple[str, str], _Times] = {}
    for engine in ("embedded", "opa"):
        for name, policy in policies.items():
            asked = dict(list(ASKED.items())[: None if "templates" in name else 2])
            times = found[engine, name] = await _measured(engine, policy, asked, questions, stage, wrong)
            lines.append((name, engine, *times.cells()))
        few, many, composed = (found[engine, name].asked for name in policies)
        targets.append(at_most(f"starter and three templates, {engine}: ms", composed / 1000, MAX_MS[engine]))
        targets.append(
            at_most(f"{LARGE[0]:,} x {LARGE[1]} grants of {SMALL[0]} x {SMALL[1]}, {engine}", many / few, MAX_RATIO)
        )
    columns = ("policy", "engine", "p50 us of a decision", "from another core", "the engine's own")
    return Section("Decisions", columns, tuple(lines), tuple(targets), wrong.errors, wrong.sample)


async def _measured(
    engine: str, policy: Policy, asked: Mapping[str, Any], questions: int, stage: Stage, wrong: Wrong
) -> _Times:
    async with _running(engine, policy, stage) as (running, own):
        documents = {name: _document(running, tool, arguments) for name, (tool, arguments, _) in asked.items()}
        for name, document in documents.items():
            answer = (await running.ask(EntryPoint.DECISION, document)).value
            wrong.unless(right=answer["effect"] == asked[name][2], met=(engine, name, answer))

        async def clocked() -> float:
            return await _median(lambda document: _clocked(running, document), documents, questions)

        if own is None:
            return _Times(await clocked())
        with on_core(stage.core):
            asked_there = await clocked()
        return _Times(asked_there, await clocked(), await _median(own, documents, questions))


async def _median(micros: Callable[[bytes], Awaitable[float]], documents: Mapping[str, bytes], times: int) -> float:
    """The median of so many measurements of each document, one after the other."""
    return statistics.median([await micros(document) for _ in range(times) for document in documents.values()])


async def _clocked(engine: Engine, document: bytes) -> float:
    begun = time.perf_counter()
    await engine.ask(EntryPoint.DECISION, document)
    return (time.perf_counter() - begun) * 1e6


def _document(engine: Engine, tool: str, arguments: Mapping[str, Any]) -> bytes:
    """A question as the sidecar puts it: narrowed to what the policy reads."""
    caller = Caller("default", AGENT, None, None, "static")
    params = {"name": tool, "arguments": arguments}
    call = Call("0" * 32, caller, None, "client", "http", "2026-07-28", "2026-07-28", "tools/call", UPSTREAM, tool,
                params, arguments, Definition("sha256:0", {}))  # fmt: skip
    values = input_values(call, session=SessionView(None), sidecar=SidecarView("0", 0, "uid"), now=SystemClock().now())
    return input_text(engine.reads.narrowed(values))


@asynccontextmanager
async def _running(
    kind: str, policy: Policy, stage: Stage
) -> AsyncIterator[tuple[Engine, Callable[[bytes], Awaitable[float]] | None]]:
    """The engine with this policy, and, of OPA, what it says of its own time."""
    if kind == "embedded":
        engine = EmbeddedEngine()
        await engine.activate(policy)
        yield engine, None
        await engine.close()
        return
    async with opa_on(stage.core, policy, stage.new_folder()) as process:
        opa = OpaEngine(process.address, budget_seconds=_SECONDS)
        await opa.activate(policy)
        connections = Connections(process.address, trusted_users(os.geteuid()))
        yield opa, lambda document: _own(connections, document)
        connections.close()
        await opa.close()


@asynccontextmanager
async def opa_on(core: int, policy: Policy, folder: Path, *, authorization: bool = False) -> AsyncIterator[OpaProcess]:
    """An OPA with this policy that runs on one core."""
    process = OpaProcess(find_opa(environment()), folder, authorization=authorization)
    try:
        with on_core(core):
            await process.start(policy)
        yield process
    finally:
        await process.stop()


async def _own(connections: Connections, document: bytes) -> float:
    path = f"/v1/data/{EntryPoint.DECISION.value}?metrics=true"
    answered = await connections.post(path, b'{"input":' + document + b"}", seconds=_SECONDS)
    return float(json.loads(answered.body)["metrics"]["timer_server_handler_ns"]) / 1000
