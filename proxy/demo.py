"""`agentgate demo`: a real MCP client, a real tool server on a real repository, and AgentGate between them.

Each step says what it does and checks its own claims against what the client saw, what git itself says, and what
the evidence says. The other planes run as programs of their own, as their users start them.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

from proxy.config import environment
from proxy.refusals import DATA_KEY
from proxy.story.scene import AGENT, Scene, kinds
from proxy.story.telling import NotAsSaid, Telling

if TYPE_CHECKING:
    from mcp import Client

STEP_SECONDS: Final = 30.0
"""How long a step may take before it counts as one that failed."""

_POLL_SECONDS: Final = 0.1
_TRUE: Final = 0
_NOT_TRUE: Final = 1


class PartMissing(Exception):
    """The demo needs a program or package that is not installed; the text names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent got for a call. `decision` is what AgentGate says about a refusal to programs."""

    text: str
    error: bool
    decision: Mapping[str, Any] = field(default_factory=dict)

    def refused(self, code: str) -> bool:
        """Whether AgentGate refused the call for this reason, and said so."""
        return self.error and self.decision.get("code") == code and code in self.text

    @property
    def reference(self) -> str:
        """What the agent may tell its operator."""
        return str(self.decision.get("reference"))


class Agent:
    """The MCP client, with what it does told."""

    def __init__(self, client: "Client", scene: Scene) -> None:
        self._client = client
        self._scene = scene

    async def tools(self) -> list[str]:
        """The names of the tools that it sees."""
        return [tool.name for tool in (await self._client.list_tools()).tools]

    async def sees(self, tool: str) -> None:
        """Wait until a tool is listed: a running sidecar takes up new grants by itself."""
        while tool not in await self.tools():  # noqa: ASYNC110  (nothing tells an agent of a new grant)
            await asyncio.sleep(_POLL_SECONDS)

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


class Step(NamedTuple):
    """One step of the story: it raises NotAsSaid if it did not do what it says."""

    title: str
    play: Callable[[Scene, Agent], Awaitable[None]]


def run_demo(*, keep: bool, colour: bool, out: TextIO, steps: "Sequence[Step] | None" = None) -> int:
    """Play the story and give the exit code: 0 each step did what it says, 1 one did not.

    With `keep` the scene stays until Ctrl-C, and how to enter it with one's own MCP client is printed. Raises
    PartMissing.
    """
    _require_parts()
    with tempfile.TemporaryDirectory(prefix="agentgate-demo-") as folder:
        scene = Scene(Path(folder), Telling(out, colour=colour), environment())
        return asyncio.run(_played(scene, STEPS if steps is None else steps, keep=keep))


def _require_parts() -> None:
    missing = [name for name in ("mcp", "mcp_server_git") if find_spec(name) is None]
    if missing:
        packages = ", ".join(name.replace("_", "-") for name in missing)
        raise PartMissing(f"not installed: {packages} (make demo, or pip install 'agentgate[demo]')")
    if shutil.which("git") is None:
        raise PartMissing("git is not on PATH, and the demo's tool server works on a git repository: install git")


async def _played(scene: Scene, steps: Sequence[Step], *, keep: bool) -> int:
    telling = scene.telling
    began = monotonic()
    telling.title("AgentGate between a real MCP client and mcp-server-git, on a repository made for this")
    try:
        await scene.furnish()
        await _grant_first(scene)
        failed = await _story(scene, steps)
    except NotAsSaid as error:
        failed = str(error)
    telling.plain()
    if failed is not None:
        telling.failed(f"This is not true: {failed}")
        return _NOT_TRUE
    telling.title(f"{len(steps)} steps, {telling.claims} claims, all of them true, {monotonic() - began:.1f} s")
    telling.plain("One user ran all of it (isolation none): here AgentGate records and guards, it is no boundary.")
    if keep:
        from proxy.story.staying import stay

        await stay(scene)
    return _TRUE


async def _grant_first(scene: Scene) -> None:
    """What the operator grants before the agent starts; all commands work on the demo's own state folder."""
    scene.telling.plain()
    await scene.grant("git_log")
    await scene.grant("git_create_branch", "--argument", "branch_name=prefix:agent/")


async def _story(scene: Scene, steps: Sequence[Step]) -> str | None:
    """Play the steps with one client; the claim that did not hold, or None."""
    from mcp.shared.exceptions import MCPError

    try:
        async with _client(scene.wrapped, scene) as client:
            return await _steps(scene, steps, Agent(client, scene))
    except (MCPError, ExceptionGroup, OSError) as error:
        return f"the client stays connected through AgentGate ({scene.log_end() or error})"


async def _steps(scene: Scene, steps: Sequence[Step], agent: Agent) -> str | None:
    for number, step in enumerate(steps, 1):
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


async def granted_read(scene: Scene, agent: Agent) -> None:
    """What was granted is done, and recorded before and after."""
    answer = await agent.call("git_log", max_count=1)
    scene.telling.holds(
        "the agent sees the commit that git itself calls HEAD",
        not answer.error and await scene.git("rev-parse", "HEAD") in answer.text,
    )
    records = await scene.last_call("git_log")
    scene.telling.holds(
        "evidence: the intent before the tool saw the call, then its outcome: completed",
        kinds(records) == ["intent", "outcome"] and records[-1]["body"]["outcome"] == "completed",
    )


async def denied_write(scene: Scene, agent: Agent) -> None:
    """What nobody granted never reaches the tool."""
    head = await scene.git("rev-parse", "HEAD")
    answer = await agent.call("git_commit", message="Lower the price of plan B")
    scene.telling.holds("the agent learns the reason and a reference, and goes on", answer.refused("not_granted"))
    scene.telling.holds("git: HEAD has not moved", await scene.git("rev-parse", "HEAD") == head)
    scene.telling.holds(
        "evidence: a refusal under that reference, and no intent",
        kinds(await scene.call(answer.reference)) == ["refusal"],
    )


async def argument_decides(scene: Scene, agent: Agent) -> None:
    """One tool, two arguments, two answers."""
    made = await agent.call("git_create_branch", branch_name="agent/cheaper-plan-b")
    refused = await agent.call("git_create_branch", branch_name="release")
    scene.telling.holds("the first is done, the second refused", not made.error and refused.refused("argument_refused"))
    branches = (await scene.git("branch", "--format=%(refname:short)")).split()
    scene.telling.holds(
        "git: there is a branch agent/cheaper-plan-b, and none called release",
        "agent/cheaper-plan-b" in branches and "release" not in branches,
    )


async def hidden_tool(scene: Scene, agent: Agent) -> None:
    """What no call of it could get is not even listed."""
    async with _client(scene.tools, scene) as direct:
        offered = [tool.name for tool in (await direct.list_tools()).tools]
    seen = await agent.tools()
    scene.telling.does("agent", f"lists the tools: {', '.join(seen)}")
    scene.telling.holds(
        f"the server offers {len(offered)} tools; the agent sees those that a grant can open",
        sorted(seen) == ["git_create_branch", "git_log"] and len(offered) > len(seen),
    )
    answer = await agent.call("git_reset")
    scene.telling.holds(
        "a tool that is not listed is refused all the same, and the staged change is still staged",
        "git_reset" in offered and answer.refused("not_granted") and bool(await scene.git("diff", "--cached")),
    )


async def kill(scene: Scene, agent: Agent) -> None:
    """An order stops a call that is under way, and all that follow."""
    telling = scene.telling
    telling.sees((await scene.operator("policy", "denied")).text)
    await scene.grant("git_commit")
    await agent.sees("git_commit")
    telling.holds("the running sidecar has taken the grant up: the agent now sees git_commit", truth=True)
    head = await scene.git("rev-parse", "HEAD")
    answer, _ = await asyncio.gather(agent.call("git_commit", message="Lower the price of plan B"), _kill(scene))
    telling.holds(
        "the call has ended for the agent, and the tool is still at it",
        answer.refused("contained") and scene.under_review,
    )
    telling.holds("every other call is refused, granted or not", (await agent.call("git_log")).refused("contained"))
    scene.reviewer_says("no")
    await scene.review(asked=False)
    outcome = (await scene.last_call("git_commit"))[-1]["body"]
    telling.holds(
        "evidence: killed; its effect is unknown, since nobody can make a tool obey a cancel",
        (outcome["outcome"], outcome["effect"]) == ("killed", "unknown"),
    )
    telling.holds("git: the check said no, HEAD has not moved", await scene.git("rev-parse", "HEAD") == head)


async def _kill(scene: Scene) -> None:
    await scene.review(asked=True)
    scene.telling.holds("the tool is at work: git waits for the repository's own check", scene.under_review)
    await scene.operator("kill", "--agent", AGENT, "--reason", "prices need a second pair of eyes")


async def release(scene: Scene, agent: Agent) -> None:
    """What was ordered can be lifted, and the agent goes on in the same session."""
    await scene.operator("release", "--agent", AGENT)
    scene.reviewer_says("yes")
    head = await scene.git("rev-parse", "HEAD")
    answer = await agent.call("git_commit", message="Lower the price of plan B")
    now = await scene.git("rev-parse", "HEAD")
    scene.telling.holds(
        "git: the commit is there, in the same session of the same agent",
        not answer.error and now != head and now in answer.text,
    )


async def tampered(scene: Scene, agent: Agent) -> None:
    """Whoever changes a record afterwards is seen by anybody who has the files."""
    telling = scene.telling
    telling.does("auditor", "$ agentgate verify evidence")
    code, report = await scene.verify(scene.evidence)
    telling.holds(
        f"ok: {report['records']} records, {report['intents']} intents with {report['outcomes']} outcomes,"
        f" {report['refusals']} refusals, {report['open']} open",
        code == _TRUE and report["ok"] and report["intents"] == report["outcomes"] and report["open"] == 0,
    )
    copy = scene.folder / "copy"
    shutil.copytree(scene.evidence, copy)
    changed = _change(copy, b'"outcome":"killed"', b'"outcome":"failed"')
    telling.does("auditor", "$ agentgate verify copy      # in which somebody has turned killed into failed")
    code, report = await scene.verify(copy)
    fault = report["error"] or {}
    telling.sees(f"line {fault.get('line')}, record {fault.get('seq')}: {fault.get('what')}")
    telling.holds("the changed record is found, by its line", code == _NOT_TRUE and fault.get("line") == changed)
    telling.holds("the original is as good as before", (await scene.verify(scene.evidence))[0] == _TRUE)


def _change(evidence: Path, old: bytes, new: bytes) -> int:
    """Replace the one place where `old` stands in some evidence; the number of its line, from 1."""
    for path in sorted(evidence.rglob("records-*")):
        text = path.read_bytes()
        if (at := text.find(old)) >= 0:
            path.write_bytes(text.replace(old, new, 1))
            return text.count(b"\n", 0, at) + 1
    raise NotAsSaid(f"evidence holds {old.decode()}")


STEPS: Final = (
    Step("A read that was granted", granted_read),
    Step("A write that nobody granted", denied_write),
    Step("One tool, two arguments, two answers", argument_decides),
    Step("A tool that the agent does not see", hidden_tool),
    Step("A kill, in the middle of a call", kill),
    Step("Its release", release),
    Step("A record that somebody changed afterwards", tampered),
)
