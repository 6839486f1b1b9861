"""Sessions by the thousand: opened, used once, and then ended by half of the clients and forgotten by the others."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import aiohttp

from tests.peers.sidecar import Sidecar
from tests.soak.mixed import REST_SECONDS
from tests.soak.places import NAMES, between, remembering
from tests.soak.trial import Plan, Result, Say, equals, nothing
from tests.soak.watching import look, panels, steady, watched

SESSIONS: Final = 10_000
SHARE: Final = 0.12
WARM: Final = 50
CLIENTS: Final = 8
_LOOKS: Final = 240
_SAID_EVERY: Final = 1_000
_REVISION: Final = "2025-11-25"
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


def run(folder: Path, plan: Plan, say: Say) -> Result:
    """Open and drop while memory and descriptors are looked at."""
    bound, wrong = plan.bound(SESSIONS, SHARE), list[str]()
    with remembering(folder) as upstream, between(folder, upstream) as gate:
        process = gate.program.process.pid
        asyncio.run(_clients(gate, iter(range(WARM)), wrong, say))
        time.sleep(REST_SECONDS)
        before = look(process, time.monotonic())
        with watched(process, max(0.1, bound.seconds / _LOOKS)) as samples:
            done = asyncio.run(_clients(gate, bound.rounds(), wrong, say))
        kept = steady(process, before, samples)
        gate.program.terminate()
        report = gate.folders.verify()
    others = (nothing("wrong answers", wrong), equals("verify", report["error"] or "ok", "ok"))
    return Result(f"{bound.of(done)} sessions, half ended and half forgotten", (*kept, *others), panels(samples)[:3])


async def _clients(gate: Sidecar, numbers: Iterator[int], wrong: list[str], say: Say) -> int:
    """Returns how many sessions there were."""
    done = 0

    async def one_client() -> None:
        nonlocal done
        async with aiohttp.ClientSession() as client:
            for number in numbers:
                await _session(client, gate.url(NAMES[number % 2]), number, wrong)
                done += 1
                if done % _SAID_EVERY == 0:
                    say(f"{done:,} sessions")

    await asyncio.gather(*(one_client() for _ in range(CLIENTS)))
    return done


async def _session(client: aiohttp.ClientSession, url: str, number: int, wrong: list[str]) -> None:
    params = {"protocolVersion": _REVISION, "capabilities": {}, "clientInfo": {"name": "many", "version": "1"}}
    begin = json.dumps({"jsonrpc": "2.0", "id": number, "method": "initialize", "params": params})
    async with client.post(url, data=begin, headers=_HEADERS) as answer:
        session = answer.headers.get("Mcp-Session-Id", "")
        if not session or number != (await answer.json())["id"]:
            wrong.append(await answer.text())
    headers = {**_HEADERS, "Mcp-Session-Id": session, "MCP-Protocol-Version": _REVISION}
    token = f"session-{number}"
    params = {"name": "echo", "arguments": {"token": token}}
    call = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    async with client.post(url, data=call, headers=headers) as answer:
        if token not in (text := await answer.text()):
            wrong.append(text)
    if number % 4 < 2:
        async with client.delete(url, headers=headers) as answer:
            if answer.status != 200:
                wrong.append(await answer.text())
