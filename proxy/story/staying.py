"""`demo --keep`: the scene stays up for the reader's own MCP client, with what to paste into its configuration."""

import asyncio
import json
import shlex
import signal
import sys
from contextlib import AsyncExitStack
from typing import Any, Final

from proxy.story.running import free_port, listens, running
from proxy.story.scene import AGENT, UPSTREAM, Scene

USUAL_PORT: Final = 8900
"""Where a sidecar listens if nothing else is said; another port where it is taken."""

_SERVE: Final = """\
import sys
from pathlib import Path
from mcp_server_git.server import create_server
create_server(Path(sys.argv[1])).run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
"""


async def stay(scene: Scene, *more: str) -> None:
    """Put a sidecar, with `more` flags, before the tool server over HTTP, and tell how to enter, until Ctrl-C.

    Raises NotAsSaid.
    """
    behind, before = free_port(), free_port(USUAL_PORT)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    upstream, url = f"http://127.0.0.1:{behind}/mcp", f"http://127.0.0.1:{before}/{UPSTREAM}"
    flags = ["--listen", f"127.0.0.1:{before}", "--agent", AGENT, "--state", str(scene.state), *more]
    async with AsyncExitStack() as stack:
        serve = [sys.executable, "-c", _SERVE, str(scene.repository), str(behind)]
        await stack.enter_async_context(running(scene, serve, lambda: listens(behind)))
        sidecar = [*scene.agentgate, "sidecar", *flags, "--upstream", f"{UPSTREAM}={upstream}"]
        announced = f"{url}  ->  {upstream}"
        await stack.enter_async_context(running(scene, sidecar, lambda: announced in scene.log.read_text()))
        for line in entrances(scene, url, *more):
            scene.telling.plain(line)
        await stopped.wait()


def entrances(scene: Scene, url: str, *more: str) -> list[str]:
    """What to paste into an MCP client's configuration, and what an operator may try meanwhile."""
    wrap = scene.wrapped(*more)
    command, *arguments = wrap
    wrapped = {"command": command, "args": arguments}
    operator = [shlex.join([*scene.agentgate, *words, "--state", str(scene.state)]) for words in _OPERATOR]
    return [
        "",
        f"It stays up for your own MCP client, which is the agent {AGENT} then. Paste one of these:",
        *_entrance("Cursor (.cursor/mcp.json)", _json({"mcpServers": {UPSTREAM: {"url": url}}})),
        *_entrance("VS Code (.vscode/mcp.json)", _json({"servers": {UPSTREAM: {"type": "http", "url": url}}})),
        *_entrance("Claude Code", f"claude mcp add --transport http {UPSTREAM} {url}"),
        *_entrance("Claude Code, on stdio", f"claude mcp add {UPSTREAM} -- {shlex.join(wrap)}"),
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
