"""Where the demo plays: a folder with a repository, a state folder and evidence, and the commands that work on them."""

import asyncio
import json
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from proxy.story.telling import NotAsSaid, Telling

AGENT: Final = "demo"
UPSTREAM: Final = "git"

_POLL_SECONDS: Final = 0.02
_AUTHOR: Final = (("user.name", "Ada"), ("user.email", "ada@example.com"), ("commit.gpgsign", "false"))
_CHECK: Final = """\
#!/bin/sh
# The repository's own check: a commit waits here for a reviewer's word, for twenty seconds at most.
trap 'rm -f .git/review-asked' EXIT
: > .git/review-asked
for _ in $(seq 200); do
    if [ -f .git/review ]; then read -r word < .git/review && [ "$word" = yes ]; exit; fi
    sleep 0.1
done
exit 1
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended: its exit code and what it printed."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One folder with everything in it, and `environment` for the commands that work there."""

    folder: Path
    telling: Telling
    environment: Mapping[str, str]

    @property
    def repository(self) -> Path:
        """What the tool server works on."""
        return self.folder / "repository"

    @property
    def state(self) -> Path:
        """The state folder: keys, grants, orders, evidence."""
        return self.folder / "state"

    @property
    def evidence(self) -> Path:
        """The evidence folder."""
        return self.state / "evidence"

    @property
    def log(self) -> Path:
        """What programs say on stderr."""
        return self.folder / "stderr.log"

    def log_end(self) -> str:
        """The last line that a program said on stderr."""
        lines = self.log.read_text("utf-8", "replace").strip().splitlines() if self.log.exists() else []
        return lines[-1] if lines else ""

    @property
    def agentgate(self) -> list[str]:
        """The command of this very program."""
        return program("agentgate")

    @property
    def tools(self) -> list[str]:
        """The command of the tool server, confined to the repository."""
        return [*program("mcp-server-git"), "--repository", str(self.repository)]

    def wrapped(self, *more: str) -> list[str]:
        """The same tool server with AgentGate around it: what an MCP client's configuration names."""
        flags = ["--name", UPSTREAM, "--agent", AGENT, "--state", str(self.state), *more]
        return [*self.agentgate, "wrap", *flags, "--", *self.tools]

    async def furnish(self) -> None:
        """Make the repository: one commit, one staged change, and a check that a commit waits for."""
        self.state.mkdir(mode=0o700)
        await self.git("init", "--quiet", "--initial-branch=main", str(self.repository), at=self.folder)
        for name, value in _AUTHOR:
            await self.git("config", name, value)
        prices = self.repository / "prices.txt"
        prices.write_text("plan A: 10\nplan B: 25\n")
        await self.git("add", ".")
        await self.git("commit", "--quiet", "--no-verify", "--message=Publish the prices")
        prices.write_text("plan A: 10\nplan B: 5\n")
        await self.git("add", ".")
        check = self.repository / ".git" / "hooks" / "pre-commit"
        check.parent.mkdir(exist_ok=True)
        check.write_text(_CHECK)
        check.chmod(0o755)

    def reviewer_says(self, word: str) -> None:
        """Answer the repository's check, this time and from now on."""
        draft = self.repository / ".git" / "review-draft"
        draft.write_text(f"{word}\n")
        draft.replace(draft.with_name("review"))

    @property
    def under_review(self) -> bool:
        """Whether a commit waits for the reviewer at this moment."""
        return (self.repository / ".git" / "review-asked").exists()

    async def review(self, *, asked: bool) -> None:
        """Wait until a commit waits for the reviewer (the tool is at work then), or until none does."""
        while self.under_review is not asked:  # noqa: ASYNC110  (a shell script of git's sets it)
            await asyncio.sleep(_POLL_SECONDS)

    async def git(self, *arguments: str, at: Path | None = None) -> str:
        """What git itself says, asked beside the sidecar. Raises NotAsSaid where git fails."""
        ended = await self._run(["git", *arguments], at or self.repository)
        if ended.code:
            raise NotAsSaid(f"git {shlex.join(arguments)}: {ended.text}")
        return ended.text.strip()

    async def operator(self, *arguments: str) -> Ended:
        """Run an operator's command on the demo's state folder, in front of everybody. Raises NotAsSaid if it fails."""
        self.telling.does("operator", f"$ agentgate {shlex.join(arguments)}")
        ended = await self.quietly(*arguments, "--state", str(self.state))
        if ended.code:
            raise NotAsSaid(f"agentgate {shlex.join(arguments)} ended with {ended.code}: {ended.text}")
        return ended

    async def pin(self, *flags: str) -> Ended:
        """Run `agentgate policy pin` on the tool server, in front of everybody."""
        command = ["policy", "pin", UPSTREAM, *flags]
        self.telling.does("operator", f"$ agentgate {shlex.join(command)} -- mcp-server-git --repository repository")
        return await self.quietly(*command, "--state", str(self.state), "--", *self.tools)

    def was_pinned(self, tool: str, description: str) -> None:
        """Have the lock file say what it would if the server had changed a description since it was pinned."""
        lock = self.state / "pins.json"
        pins = json.loads(lock.read_text())
        pins["upstreams"][UPSTREAM][tool]["description"] = description
        lock.write_text(json.dumps(pins))

    async def grant(self, tool: str, *more: str) -> None:
        """The operator grants the agent a tool."""
        await self.operator("policy", "allow", UPSTREAM, tool, "--agent", AGENT, *more)

    async def verify(self, evidence: Path) -> tuple[int, dict[str, Any]]:
        """`agentgate verify --json` on a folder: its exit code and its report."""
        ended = await self.quietly("verify", "--json", str(evidence))
        return ended.code, json.loads(ended.text)

    async def quietly(self, *arguments: str) -> Ended:
        """Run a command of AgentGate without telling."""
        return await self._run([*self.agentgate, *arguments], self.folder)

    async def records(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The records, oldest first, as evidence on disk has them now; only those of a kind, if one is given."""
        ended = await self.quietly("records", str(self.evidence), "--json")
        records = [json.loads(line) for line in ended.text.splitlines()]
        return [record for record in records if kind in (None, record["header"]["kind"])]

    async def call(self, reference: str) -> list[dict[str, Any]]:
        """The records of one call."""
        return [record for record in await self.records() if record["header"]["call"] == reference]

    async def last_call(self, tool: str) -> list[dict[str, Any]]:
        """The records of the latest call of a tool that was let through."""
        intents = [record for record in await self.records("intent") if record["body"]["request"]["name"] == tool]
        return await self.call(intents[-1]["header"]["call"]) if intents else []

    async def _run(self, command: Sequence[str], at: Path) -> Ended:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=at,
            env={**self.environment, "GIT_CONFIG_GLOBAL": "/dev/null"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return Ended(process.returncode or 0, said.decode("utf-8", "replace"))


def program(name: str) -> list[str]:
    """The command of a program of our own environment, else the one on PATH, else the name itself."""
    beside = Path(sys.executable).with_name(name)
    return [str(beside) if beside.exists() else shutil.which(name) or name]


def kinds(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kinds of some records."""
    return [record["header"]["kind"] for record in records]
