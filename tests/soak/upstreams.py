"""Upstreams that hang, reset, trickle and never end, while others are called: nobody else notices, nothing is kept."""

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import aiohttp

from tests.crash.load import Calls, refusal_code
from tests.crash.reckoning import grant
from tests.peers.processes import accepts, free_port, running
from tests.peers.raw import document, modern_headers
from tests.peers.sidecar import Folders, Sidecar, sidecar
from tests.soak.misbehaving import ANSWER, EVENT, WAYS
from tests.soak.mixed import REST_SECONDS, WARM_SECONDS, load
from tests.soak.places import configured, remembering, until
from tests.soak.trial import Plan, Promise, Result, Say, at_most, equals, nothing
from tests.soak.watching import Sample, descriptors, look, panels, settled, watched

SHARE: Final = 0.05
LEAST_SECONDS: Final = 4.0
PATIENCE: Final = 60.0
IMPATIENCE: Final = 7.0
"""For what never ends: longer than the sidecar asks such an upstream for its tools before it decides without (5 s)."""

PAUSE_SECONDS: Final = 0.2
MAX_KEPT: Final = 4_096
MAX_PEAK_MB: Final = 256.0
"""Three answers at a time that have no end, each of which may be 32 MiB long before it is refused, the same once more
for what was freed and not given back to the system yet, and some room."""

PASSED: Final = "passed"
GIVEN_UP: Final = "given up"
EVENTS: Final = "events until given up"
EXPECTED: Final[Mapping[str, str]] = {
    "hang": GIVEN_UP,
    "reset": "upstream_down",
    "cut": "upstream_down",
    "garbage": "upstream_down",
    "trickle": PASSED,
    "endless-events": EVENTS,
    "endless-event": "too_large",
    "endless-body": "too_large",
    "endless-head": "upstream_down",
}


def run(folder: Path, plan: Plan, say: Say) -> Result:
    """Each way again and again, one caller each, while the mixed load goes on at two good upstreams."""
    seconds = max(LEAST_SECONDS, plan.seconds(SHARE))
    with (
        remembering(folder) as upstream,
        _misbehaving(folder) as bad,
        _between(folder, {**upstream.upstreams(), **bad}) as gate,
    ):
        process = gate.program.process.pid
        asyncio.run(load(gate, WARM_SECONDS, "warm", say))
        time.sleep(REST_SECONDS)
        before = look(process, time.monotonic())
        with watched(process, 0.1) as samples:
            calls, met = asyncio.run(_both(gate, seconds, say))
        left = settled(lambda: descriptors(process), before.descriptors)
        gate.program.terminate()
        report = gate.folders.verify()
    did = f"{sum(map(len, met.values())):,} calls in {len(WAYS)} bad ways beside {calls.count():,} others"
    return Result(did, (
        *(_as_expected(way, met[way]) for way in WAYS),
        nothing("others: wrong answers", calls.wrong),
        nothing("others: refused", calls.refused),
        nothing("others: unanswered", calls.unanswered),
        at_most("MB above the start, at most", _peak(before, samples), MAX_PEAK_MB),
        at_most("descriptors afterwards", left, before.descriptors),
        equals("intents less outcomes", report["intents"] - report["outcomes"], 0),
        equals("verify", report["error"] or "ok", "ok"),
    ), panels(samples)[:3])  # fmt: skip


@contextmanager
def _misbehaving(folder: Path) -> Iterator[dict[str, str]]:
    """Gives a name and a URL for each way."""
    port = free_port()
    command = [sys.executable, "-m", "tests.soak.misbehaving", str(port)]
    with running(command, log=folder / "misbehaving.log", ready=lambda: accepts(port)):
        yield {way: f"http://127.0.0.1:{port}/{way}" for way in WAYS}


@contextmanager
def _between(folder: Path, upstreams: Mapping[str, str]) -> Iterator[Sidecar]:
    folders = Folders.under(folder)
    grant(folders)
    with sidecar(folder, upstreams, policy="starter", more=configured(folder)) as gate:
        until(lambda: accepts(gate.port), "the sidecar does not listen")
        yield gate


async def _both(gate: Sidecar, seconds: float, say: Say) -> tuple[Calls, dict[str, list[str]]]:
    """The mixed load, and beside it one caller for each way; what each of them met."""
    met = {way: list[str]() for way in WAYS}
    until_when = time.monotonic() + seconds
    async with asyncio.TaskGroup() as tasks:
        calls = tasks.create_task(load(gate, seconds, "others", say))
        for way in WAYS:
            tasks.create_task(_again_and_again(gate, way, until_when, met[way]))
    return calls.result(), met


async def _again_and_again(gate: Sidecar, way: str, until_when: float, met: list[str]) -> None:
    while not met or time.monotonic() < until_when:
        met.append(await _one(gate.url(way), IMPATIENCE if EXPECTED[way] in {GIVEN_UP, EVENTS} else PATIENCE))
        await asyncio.sleep(PAUSE_SECONDS)


async def _one(url: str, seconds: float) -> str:
    """What one call came to: the code of a refusal, or what was received until it was given up."""
    body, received = document("tools/call", {"name": "echo", "arguments": {}}), b""
    try:
        async with (
            asyncio.timeout(seconds),
            aiohttp.ClientSession() as session,
            session.post(url, data=body, headers=modern_headers("tools/call", "echo")) as answer,
        ):
            async for piece in answer.content.iter_any():
                received = (received + piece)[-MAX_KEPT:]
    except TimeoutError:
        return EVENTS if EVENT in received else GIVEN_UP
    except aiohttp.ClientError as error:
        return type(error).__name__
    last = received.decode().rpartition("data: ")[2]
    return PASSED if received == ANSWER else refusal_code(last) or last[-200:]


def _as_expected(way: str, met: Sequence[str]) -> Promise:
    return equals(f"{way}: each call", ", ".join(sorted(set(met))), EXPECTED[way])


def _peak(before: Sample, samples: Sequence[Sample]) -> float:
    return max(sample.own for sample in samples) - before.own
