"""`agentgate demo`: a real MCP client, a real tool server on a real repository, and AgentGate between them.

Each step says what it does and checks its own claims against what the client saw, what git itself says, and what
the evidence says. The other planes run as programs of their own, as their users start them.
"""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final, TextIO

from proxy.config import environment
from proxy.refusals import DATA_KEY
from proxy.story.acts import ACTS, Act
from proxy.story.scene import Scene
from proxy.story.staying import stay
from proxy.story.steps import Agent, Answer, Step
from proxy.story.telling import NotAsSaid, Telling

if TYPE_CHECKING:
    from mcp import Client

STEP_SECONDS: Final = 30.0
"""How long a step may take before it counts as one that failed."""

_PACKAGES: Final = ("mcp", "mcp_server_git", "alembic", "psycopg", "sqlalchemy")
_TRUE: Final = 0
_NOT_TRUE: Final = 1


class PartMissing(Exception):
    """The demo needs a program or package that is not installed; the text names it and the remedy."""


class SdkAgent:
    """The MCP client, with what it does told."""

    def __init__(self, client: "Client", scene: Scene) -> None:
        self._client = client
        self._scene = scene

    async def tools(self) -> list[str]:
        """The names of the tools that it sees."""
        return [tool.name for tool in (await self._client.list_tools()).tools]

    async def offered(self) -> list[str]:
        """The names of the tools that the server itself offers, asked without AgentGate."""
        async with _client(self._scene.tools, self._scene) as direct:
            return [tool.name for tool in (await direct.list_tools()).tools]

    async def call(self, tool: str, **arguments: object) -> Answer:
        """Call a tool on the repository. Raises NotAsSaid where the answer is no tool result."""
        from mcp.shared.exceptions import MCPError
        from mcp.types import TextContent

        given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        self._scene.telling.does("agent", f"calls {tool}({given})")
        try:
            result = await self._client.call_tool(tool, {"repo_path": str(self._scene.repository), **arguments})
        except MCPError as error:
            raise NotAsSaid(f"{tool} is answered with a tool result, not with {error}") from error
        text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
        self._scene.telling.sees(text)
        return Answer(text, bool(result.is_error), (result.meta or {}).get(DATA_KEY, {}))


def run_demo(*, keep: bool, colour: bool, out: TextIO, acts: Sequence[Act] = ACTS) -> int:
    """Play the story and give the exit code: 0 each step did what it says, 1 one did not. Nothing is left behind.

    With `keep` the scene stays until Ctrl-C, and how to enter it with one's own MCP client is printed. Raises
    PartMissing.
    """
    _require_parts()
    with tempfile.TemporaryDirectory(prefix="agentgate-demo-") as folder:
        scene = Scene(Path(folder), Telling(out, colour=colour), environment())
        try:
            return asyncio.run(_played(scene, acts, keep=keep))
        except asyncio.CancelledError:
            return 128 + signal.SIGTERM


def _require_parts() -> None:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        packages = ", ".join(name.replace("_", "-") for name in missing)
        raise PartMissing(f"not installed: {packages} (in a checkout: make demo, or pip install '.[demo]')")
    if shutil.which("git") is None:
        raise PartMissing("git is not on PATH, and the demo's tool server works on a git repository: install git")


async def _played(scene: Scene, acts: Sequence[Act], *, keep: bool) -> int:
    if (task := asyncio.current_task()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    telling = scene.telling
    telling.title("AgentGate between a real MCP client and mcp-server-git, on a repository made for this")
    try:
        await _story(scene, acts, keep=keep)
    except NotAsSaid as error:
        telling.plain()
        telling.failed(f"This is not true: {error}")
        return _NOT_TRUE
    return _TRUE


async def _story(scene: Scene, acts: Sequence[Act], *, keep: bool) -> None:
    """Play the acts, each with one client; what an act puts up stays up for those after it. Raises NotAsSaid."""
    telling, began, played = scene.telling, monotonic(), 0
    await scene.furnish()
    await _grant_first(scene)
    async with AsyncExitStack() as stack:
        flags: Sequence[str] = ()
        for act in acts:
            flags, steps = await stack.enter_async_context(act(scene))
            if (untrue := await _session(scene, steps, flags, first=played + 1)) is not None:
                raise NotAsSaid(untrue)
            played += len(steps)
        telling.plain()
        telling.title(f"{played} steps, {telling.claims} claims, all of them true, {monotonic() - began:.1f} s")
        telling.plain("One user ran all of it (isolation none): here AgentGate records and guards, it is no boundary.")
        if keep:
            await stay(scene, *flags)


async def _grant_first(scene: Scene) -> None:
    """What the operator grants before the agent starts; all commands work on the demo's own state folder."""
    scene.telling.plain()
    await scene.grant("git_log")
    await scene.grant("git_create_branch", "--argument", "branch_name=prefix:agent/")


async def _session(scene: Scene, steps: Sequence[Step], flags: Sequence[str], *, first: int) -> str | None:
    """One client's session; the claim that did not hold, or None (an exception would come out of it in a group)."""
    from mcp.shared.exceptions import MCPError

    try:
        async with _client(scene.wrapped(*flags), scene) as client:
            return await _steps(scene, steps, SdkAgent(client, scene), first)
    except (MCPError, ExceptionGroup, OSError) as error:
        return f"the client stays connected through AgentGate ({scene.log_end() or error})"


async def _steps(scene: Scene, steps: Sequence[Step], agent: Agent, first: int) -> str | None:
    for number, step in enumerate(steps, first):
        scene.telling.step(number, step.title)
        try:
            async with asyncio.timeout(STEP_SECONDS):
                await step.play(scene, agent)
        except NotAsSaid as error:
            return str(error)
        except TimeoutError:
            return f"step {number} takes less than {STEP_SECONDS:.0f} s"
    return None


@asynccontextmanager
async def _client(command: Sequence[str], scene: Scene) -> AsyncIterator["Client"]:
    """An MCP client that has started a server on stdio, as Claude Desktop or an IDE does it."""
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client

    program, *arguments = command
    server = StdioServerParameters(command=program, args=arguments)
    with scene.log.open("a") as log:
        async with Client(stdio_client(server, errlog=log), read_timeout_seconds=STEP_SECONDS) as client:
            yield client
