"""A running `agentgate wrap` with both of its ends in the test's hands, and rows that are lines on them."""

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from tests.attacks.row import check_refusal, refusals_in, shown
from tests.attacks.trail import Trail, recorded
from tests.attacks.upstream import TOOLS
from tests.path.messages import request, result
from tests.peers.places import AGENTGATE, ROOT
from tests.peers.sidecar import Folders

if TYPE_CHECKING:
    from tests.attacks.gates import Gates

SECONDS: Final = 10.0
MESSAGE_BYTES: Final = 1 << 16


class Ended(Exception):
    """One end was closed, or said nothing in time."""


@dataclass(slots=True)
class End:
    """One end of the wrap: what is written goes in, and everything that came out so far is kept."""

    reading: int
    writing: int
    heard: bytes = b""

    def say(self, data: bytes) -> None:
        """Write all of it."""
        while data:
            data = data[os.write(self.writing, data) :]

    def until(self, mark: bytes) -> bytes:
        """What came before the line with this mark; that line is taken too."""
        deadline = time.monotonic() + SECONDS
        while (at := self.heard.find(mark)) < 0 or (end := self.heard.find(b"\n", at)) < 0:
            self._more(deadline)
        begin = self.heard.rfind(b"\n", 0, at) + 1
        found, self.heard = self.heard[:begin], self.heard[end + 1 :]
        return found

    def _more(self, deadline: float) -> None:
        ready, _, _ = select.select([self.reading], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(self.reading, 65536) if ready else b""
        if not piece:
            raise Ended(self.heard)
        self.heard += piece


@dataclass(slots=True)
class Wrapped:
    """One wrap; the test is both its agent and its child."""

    process: "subprocess.Popen[bytes]"
    agent: End
    child: End
    folders: Folders
    trail: Trail
    _numbers: Iterator[int] = field(default_factory=count)

    def settle(self, said: bytes, prints: bytes = b"") -> tuple[bytes, bytes]:
        """The agent says something, the child prints something: what arrives at the child, what at the agent.

        A ping behind them, and its answer, tell when everything has gone through.
        """
        mark = b"sentinel-%d" % next(self._numbers)
        self.agent.say(said + b'{"jsonrpc":"2.0","id":"%b","method":"ping"}\n' % mark)
        arrived = self.child.until(mark)
        self.child.say(prints + b'{"jsonrpc":"2.0","id":"%b","result":{}}\n' % mark)
        return arrived, self.agent.until(mark)

    def list_tools(self) -> None:
        """Let the wrap learn every tool, so that it asks the child for none."""
        self.agent.say(request("list", "tools/list") + b"\n")
        self.child.until(b'"list"')
        self.child.say(result("list", tools=TOOLS) + b"\n")
        self.agent.until(b'"list"')


@contextmanager
def wrapped(
    folder: Path,
    *,
    policy: str = "observe",
    grants: Sequence[Mapping[str, object]] = (),
    child: Sequence[str] = (sys.executable, "-m", "tests.attacks.child"),
) -> Iterator[Wrapped]:
    """Start one; it ends with the block."""
    folders = Folders.under(folder)
    (folders.state / "grants.json").write_text(json.dumps({"version": 1, "grants": list(grants)}))
    (folder / "wrap.toml").write_text(f"[limits]\nmessage_bytes = {MESSAGE_BYTES}\nanswer_bytes = {MESSAGE_BYTES}\n")
    flags = ["-c", str(folder / "wrap.toml"), "--name", "files", "--policy", policy, *folders.flags()]
    with socket.socket(socket.AF_UNIX) as listening, (folder / "wrap.log").open("wb") as log:
        listening.bind(str(folder / "child.sock"))
        listening.listen(1)
        listening.settimeout(SECONDS)
        command = [str(AGENTGATE), "wrap", *flags, "--", *child, str(folder / "child.sock")]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        try:
            wrap = _joined(process, listening, folders)
            wrap.list_tools()
            yield wrap
        finally:
            _end(process)


def _joined(process: "subprocess.Popen[bytes]", listening: socket.socket, folders: Folders) -> Wrapped:
    connection, _ = listening.accept()
    handle = connection.detach()
    assert process.stdin is not None
    assert process.stdout is not None
    agent = End(process.stdout.fileno(), process.stdin.fileno())
    return Wrapped(process, agent, End(handle, handle), folders, Trail(folders.evidence))


def _end(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(SECONDS)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass(frozen=True, slots=True)
class StdioRow:
    """Lines of an agent, or of a child. `code` is what each refusal in the agent's answers must be.

    `arrives` is what reaches the child, `hears` what reaches the agent besides refusals of ours (None: not looked at);
    `answered` is what the child gets for what it has printed.
    """

    name: str
    code: str | None = None
    says: bytes = b""
    prints: bytes = b""
    arrives: bytes = b""
    hears: bytes | None = None
    answered: bytes = b""
    notes: str | None = None
    lacks: Sequence[bytes] = ()
    wrap: Literal["observing", "granting"] = "observing"
    passes: bool = False
    said: str = ""

    @property
    def sent(self) -> str:
        """The bytes themselves, unless there are words for them."""
        who = "the server prints " if self.prints else ""
        return self.said or who + shown(self.prints or self.says)

    @property
    def expected(self) -> str:
        """What must come of it, from the fields."""
        if self.passes:
            return "passes as it is"
        parts = [f"`{self.code}`"] if self.code else ["not delivered" if self.prints else "dropped"]
        if self.notes:
            parts.append(f"noted as `{self.notes}`")
        if self.answered:
            parts.append(f"the server gets {shown(self.answered)}")
        return ", ".join([*parts, *([] if self.prints or self.arrives else ["nothing arrives"])])

    def play(self, gates: "Gates") -> None:
        """Say or print it, and look at both ends and at the evidence."""
        wrap: Wrapped = getattr(gates, self.wrap)
        wrap.trail.more()
        arrived, heard = wrap.settle(self.says, self.prints)
        assert arrived == self.arrives
        assert not self.answered or wrap.settle(b"") == (self.answered, b"")
        assert [each for each in self.lacks if each in heard] == []
        assert self.hears is None or heard == self.hears
        refused = [each for line in heard.splitlines() for each in refusals_in(line)]
        records = wrap.trail.more()
        assert bool(refused) == (self.code is not None), heard
        for each in refused:
            check_refusal(each, str(self.code))
            assert recorded(records, each["reference"], str(self.code))
        assert self.notes is None or self.notes in str(records), records
