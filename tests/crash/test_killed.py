"""Fifty times kill -9 under load: nothing reached the upstream without an intent, and every call has one end."""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from tests.crash.load import Calls, call_until
from tests.peers.processes import accepts, free_port, running
from tests.peers.sidecar import Folders, agentgate, sidecar

KILLS: Final = 50
LOAD_SECONDS: Final = 0.25


def _opened(folders: Folders) -> list[dict[str, Any]]:
    """Every record with what was sealed in it."""
    key = folders.state / "keys" / "tenant-default.key"
    done = agentgate("records", folders.evidence, "--json", "--key", key, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _token(record: dict[str, Any]) -> str:
    given = record["opened"]["input"]
    document = json.loads(given) if isinstance(given, str) else given
    return str(document["call"]["arguments"]["token"])


async def _load_and_kill(folder: Path, url: str, life: int) -> Calls:
    with sidecar(folder, {"up": url}) as gate:
        stop = asyncio.Event()
        load = asyncio.ensure_future(call_until(gate.url("up"), stop, str(life)))  # noqa: TID251  (awaited below)
        await asyncio.sleep(LOAD_SECONDS)
        gate.program.kill()
        stop.set()
        return await load


@pytest.mark.timeout(400)
async def test_nothing_reaches_the_upstream_unrecorded(tmp_path: Path) -> None:
    port, journal = free_port(), tmp_path / "reached"
    command = [sys.executable, "-m", "tests.crash.upstream", str(port), str(journal)]
    url = f"http://127.0.0.1:{port}/mcp"
    answered: set[str] = set()
    with running(command, log=tmp_path / "upstream.log", ready=lambda: accepts(port)):
        for life in range(KILLS):
            answered |= (await _load_and_kill(tmp_path, url, life)).answered
        with sidecar(tmp_path, {"up": url}) as gate:
            folders = gate.folders
    reached = set(journal.read_text().split())
    records = _opened(folders)
    intents = {record["header"]["call"]: _token(record) for record in records if record["header"]["kind"] == "intent"}
    ends = Counter(record["header"]["call"] for record in records if record["header"]["kind"] == "outcome")
    report = folders.verify()

    assert len(reached) > KILLS
    assert reached <= set(intents.values())
    assert answered <= reached
    assert ends == dict.fromkeys(intents, 1)
    assert report["ok"], report["error"]
    assert report["open"] == 0
    assert report["unknown"] > 0
