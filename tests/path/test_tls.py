"""TLS to upstreams: the private authority or the pinned certificate of the configuration, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.path.certificates import Issued, issue
from tests.peers.processes import free_port
from tests.peers.raw import call
from tests.peers.sidecar import sidecar

TEXT = "over TLS"


async def _answer(request: web.BaseRequest) -> web.Response:
    message = await request.json()
    if message["method"] != "tools/call":
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": {"tools": []}})
    result = {"resultType": "complete", "content": [{"type": "text", "text": TEXT}], "isError": False}
    return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})


@pytest.fixture
async def upstream(tmp_path: Path) -> AsyncIterator[tuple[str, Issued]]:
    """An MCP server behind TLS: its URL, and what it was issued."""
    issued, port = issue(tmp_path), free_port()
    runner = web.ServerRunner(web.Server(_answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=issued.context).start()
    yield f"https://127.0.0.1:{port}/mcp", issued
    await runner.cleanup()


def _nothing(_: Issued, __: Path) -> str:
    return ""


def _authority(issued: Issued, _: Path) -> str:
    return f'ca_file = "{issued.authority}"\n'


def _other_authority(_: Issued, folder: Path) -> str:
    other = folder / "other"
    other.mkdir()
    return f'ca_file = "{issue(other).authority}"\n'


def _pinned(issued: Issued, _: Path) -> str:
    return f'fingerprint = "{issued.fingerprint}"\n'


def _other_pin(issued: Issued, _: Path) -> str:
    return f'fingerprint = "{issued.fingerprint[::-1]}"\n'


@pytest.mark.parametrize(
    ("settings", "reached"),
    [
        pytest.param(_authority, True, id="its-authority"),
        pytest.param(_pinned, True, id="its-certificate-pinned"),
        pytest.param(_nothing, False, id="an-authority-that-nobody-knows"),
        pytest.param(_other_authority, False, id="another-private-authority"),
        pytest.param(_other_pin, False, id="another-certificate-pinned"),
    ],
)
async def test_only_the_configured_identity_is_spoken_to(
    tmp_path: Path, upstream: tuple[str, Issued], settings: Callable[[Issued, Path], str], *, reached: bool
) -> None:
    url, issued = upstream
    config = tmp_path / "agentgate.toml"
    config.write_text(f'[upstreams.up]\nurl = "{url}"\n{settings(issued, tmp_path)}')
    with sidecar(tmp_path, {}, more=["-c", str(config)]) as gate:
        result: dict[str, Any] = (await asyncio.to_thread(call, gate.url("up"), "echo")).result()
        records = gate.folders.records()
    outcome = next(record["body"] for record in records if record["header"]["kind"] == "outcome")
    if reached:
        assert result["content"][0]["text"] == TEXT
        assert outcome["outcome"] == "completed"
    else:
        assert result["isError"]
        assert (outcome["outcome"], outcome["effect"]) == ("not_sent", "none")
