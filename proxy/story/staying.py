"""`demo --keep`: the scene stays up for the reader's own MCP client, with what to paste into its configuration."""

import asyncio
import json
import shlex
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Final

from proxy.story.scene import AGENT, UPSTREAM, Scene
from proxy.story.telling import NotAsSaid

USUAL_PORT: Final = 8900
"""Where a sidecar listens if nothing else is said; another port where it is taken."""

_ANNOUNCED: Final = " ready\n"
_LEAVE_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05
_SERVE: Final = """\
import sys
from pathlib import Path
from mcp_server_git.server import create_server
create_server(Path(sys.argv[1])).run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
"""


async def stay(scene: Scene) -> None:
    """Put a sidecar before the tool server over HTTP, print how to enter, and wait for Ctrl-C. Raises NotAsSaid."""
    behind, before = _free_port(0), _free_port(USUAL_PORT)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    upstream = f"{UPSTREAM}=http://127.0.0.1:{behind}/mcp"
    flags = ["--listen", f"127.0.0.1:{before}", "--agent", AGENT, "--state", str(scene.state), "--upstream", upstream]
    async with AsyncExitStack() as stack:
        serve = [sys.executable, "-c", _SERVE, str(scene.repository), str(behind)]
        await stack.enter_async_context(_running(scene, serve, lambda: _listens(behind)))
        sidecar = [*scene.agentgate, "sidecar", *flags]
        await stack.enter_async_context(_running(scene, sidecar, lambda: _ANNOUNCED in scene.log.read_text()))
        for line in entrances(scene, f"http://127.0.0.1:{before}/{UPSTREAM}"):
            scene.telling.plain(line)
        await stopped.wait()


def entrances(scene: Scene, url: str) -> list[str]:
    """What to paste into an MCP client's configuration, and what an operator may try meanwhile."""
    command, *arguments = scene.wrapped
    wrapped = {"command": command, "args": arguments}
    operator = [shlex.join([*scene.agentgate, *words, "--state", str(scene.state)]) for words in _OPERATOR]
    return [
        "",
        f"It stays up for your own MCP client, which is the agent {AGENT} then. Paste one of these:",
        *_entrance("Cursor (.cursor/mcp.json)", _json({"mcpServers": {UPSTREAM: {"url": url}}})),
        *_entrance("VS Code (.vscode/mcp.json)", _json({"servers": {UPSTREAM: {"type": "http", "url": url}}})),
        *_entrance("Claude Code", f"claude mcp add --transport http {UPSTREAM} {url}"),
        *_entrance("Claude Code, on stdio", f"claude mcp add {UPSTREAM} -- {shlex.join(scene.wrapped)}"),
        *_entrance("Claude Desktop (claude_desktop_config.json)", _json({"mcpServers": {UPSTREAM: wrapped}})),
        *_entrance("Meanwhile, as the operator", *operator),
        "",
        f"The repository is {scene.repository}. Ctrl-C ends and removes all of it.",
    ]


_OPERATOR: Final = (["records", "--follow"], ["policy", "denied"], ["kill", "--agent", AGENT])


def _entrance(title: str, *lines: str) -> list[str]:
    return ["", f"{title}:", *lines]


def _json(document: Any) -> str:
    return json.dumps(document, indent=2)


@asynccontextmanager
async def _running(scene: Scene, command: Sequence[str], ready: Callable[[], bool]) -> AsyncIterator[None]:
    """A program of the scene from the moment it is ready; asked to end, then made to. Raises NotAsSaid."""
    with scene.log.open("a") as log:
        process = await asyncio.create_subprocess_exec(
            *command, env=dict(scene.environment), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        while process.returncode is None and not ready():  # noqa: ASYNC110  (another process becomes ready)
            await asyncio.sleep(_POLL_SECONDS)
        if process.returncode is not None:
            raise NotAsSaid(f"{command[0]} goes on until it is stopped ({scene.log_end()})")
        yield
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_LEAVE_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def _free_port(wanted: int) -> int:
    """The wanted port if it is free, else any that is."""
    for port in (wanted, 0):
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(trial.getsockname()[1])
    raise OSError("there is no free port on 127.0.0.1")
