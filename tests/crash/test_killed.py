"""Fifty times kill -9 under load: nothing reached the upstream without an intent, and every call has one end.

The load calls two upstreams, reads streams, gives calls up and is denied some.
"""

import asyncio
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.crash.load import Calls, call_until
from tests.crash.reckoning import grant, reckon
from tests.peers.processes import accepts, free_port, running
from tests.peers.sidecar import Folders, sidecar

KILLS: Final = 50
LOAD_SECONDS: Final = 0.25


async def _load_and_kill(folder: Path, upstreams: dict[str, str], life: int) -> Calls:
    with sidecar(folder, upstreams, policy="starter") as gate:
        stop = asyncio.Event()
        urls = [gate.url(name) for name in upstreams]
        load = asyncio.ensure_future(call_until(urls, stop, str(life)))  # noqa: TID251  (awaited below)
        await asyncio.sleep(LOAD_SECONDS)
        gate.program.kill()
        stop.set()
        return await load


@pytest.mark.timeout(400)
async def test_nothing_reaches_the_upstream_unrecorded(tmp_path: Path) -> None:
    port, journal = free_port(), tmp_path / "reached"
    command = [sys.executable, "-m", "tests.crash.upstream", str(port), str(journal)]
    upstreams = dict.fromkeys(("one", "two"), f"http://127.0.0.1:{port}/mcp")
    folders, calls = Folders.under(tmp_path), Calls()
    grant(folders)
    with running(command, log=tmp_path / "upstream.log", ready=lambda: accepts(port)):
        for life in range(KILLS):
            calls.add(await _load_and_kill(tmp_path, upstreams, life))
        with sidecar(tmp_path, upstreams, policy="starter"):
            pass
    found = reckon(folders, set(journal.read_text().split()), calls)

    assert found.reached > KILLS
    assert found.unrecorded == set()
    assert found.answered_unreached == set()
    assert found.denied_reached == set()
    assert found.not_once == {}
    assert found.wrong == ()
    assert calls.refused == {}
    assert found.report["ok"], found.report["error"]
    assert found.report["open"] == 0
    assert found.report["unknown"] > 0
    assert all((calls.answered, calls.denied, calls.cancelled))
