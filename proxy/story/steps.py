"""The steps of the demo: each does what its title says, and checks its own claims from outside."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from proxy.story.scene import AGENT, Scene, kinds
from proxy.story.telling import NotAsSaid

_POLL_SECONDS: Final = 0.1


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


class Agent(Protocol):
    """An MCP client, with what it does told."""

    async def tools(self) -> list[str]:
        """The names of the tools that it sees."""
        ...

    async def offered(self) -> list[str]:
        """The names of the tools that the server itself offers, asked without AgentGate."""
        ...

    async def call(self, tool: str, **arguments: object) -> Answer:
        """Call a tool on the repository. Raises NotAsSaid where the answer is no tool result."""
        ...


class Step(NamedTuple):
    """One step of the story: it raises NotAsSaid if it did not do what it says."""

    title: str
    play: Callable[[Scene, Agent], Awaitable[None]]


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
    offered = await agent.offered()
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
    await _sees(agent, "git_commit")
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


async def _sees(agent: Agent, tool: str) -> None:
    """Wait until a tool is listed: a running sidecar takes up new grants by itself."""
    while tool not in await agent.tools():  # noqa: ASYNC110  (nothing tells an agent of a new grant)
        await asyncio.sleep(_POLL_SECONDS)


async def _kill(scene: Scene) -> None:
    await scene.review(asked=True)
    scene.telling.holds("the tool is at work: git waits for the repository's own check", scene.under_review)
    await scene.operator("kill", "--agent", AGENT, "--reason", "prices need a second pair of eyes")


async def release(scene: Scene, agent: Agent) -> None:
    """What was ordered can be lifted, and the agent goes on in the same session."""
    await scene.operator("release", "--agent", AGENT)
    await _released(scene)
    scene.telling.holds("evidence: the sidecar has recorded both orders", len(await scene.records("order")) >= 2)
    scene.reviewer_says("yes")
    head = await scene.git("rev-parse", "HEAD")
    answer = await agent.call("git_commit", message="Lower the price of plan B")
    now = await scene.git("rev-parse", "HEAD")
    scene.telling.holds(
        "git: the commit is there, in the same session of the same agent",
        not answer.error and now != head and now in answer.text,
    )


async def _released(scene: Scene) -> None:
    """Wait until the running sidecar has taken the release up, and recorded that no order stands."""
    while (await scene.records("order"))[-1]["body"]["standing"]:  # noqa: ASYNC110  (another process records it)
        await asyncio.sleep(_POLL_SECONDS)


async def changed_tool(scene: Scene, agent: Agent) -> None:
    """A tool that is not what somebody has reviewed any more is not called."""
    telling = scene.telling
    telling.holds("the definitions of the server's tools are written down", (await scene.pin()).code == 0)
    scene.was_pinned("git_log", "Shows who changed what")
    telling.sees("the server comes back, with another description of git_log than was reviewed")
    answer = await _until(agent, refused=True)
    telling.holds("the call is refused, grant or not", answer.refused("definition_changed"))
    checked = await scene.pin("--check")
    telling.sees(next((line.strip() for line in checked.text.splitlines() if "~" in line), ""))
    telling.holds(
        "the operator is shown what is another", checked.code == 1 and '"Shows who changed what" -> ' in checked.text
    )
    telling.holds("somebody reviews it, and pins it anew", (await scene.pin()).code == 0)
    answer = await _until(agent, refused=False)
    telling.holds("the agent calls it again, in the same session", not answer.error)


async def _until(agent: Agent, *, refused: bool) -> Answer:
    """Call git_log until the running sidecar has taken up a lock file, which it does by itself."""
    while (  # noqa: ASYNC110  (nothing tells an agent that a lock file is taken up)
        answer := await agent.call("git_log", max_count=1)
    ).refused("definition_changed") is not refused:
        await asyncio.sleep(_POLL_SECONDS)
    return answer


async def tampered(scene: Scene, agent: Agent) -> None:
    """Whoever changes a record afterwards is seen by anybody who has the files."""
    telling = scene.telling
    telling.does("auditor", "$ agentgate verify evidence")
    code, report = await scene.verify(scene.evidence)
    telling.holds(
        f"ok: {report['records']} records, {report['intents']} intents with {report['outcomes']} outcomes,"
        f" {report['refusals']} refusals, {report['open']} open",
        code == 0 and report["ok"] and report["intents"] == report["outcomes"] and report["open"] == 0,
    )
    copy = scene.folder / "copy"
    shutil.copytree(scene.evidence, copy)
    changed = _change(copy, b'"outcome":"killed"', b'"outcome":"failed"')
    telling.does("auditor", "$ agentgate verify copy      # in which somebody has turned killed into failed")
    code, report = await scene.verify(copy)
    fault = report["error"] or {}
    telling.sees(f"line {fault.get('line')}, record {fault.get('seq')}: {fault.get('what')}")
    telling.holds("the changed record is found, by its line", code == 1 and fault.get("line") == changed)
    telling.holds("the original is as good as before", (await scene.verify(scene.evidence))[0] == 0)


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
    Step("A tool that is not what was reviewed", changed_tool),
    Step("A record that somebody changed afterwards", tampered),
)
