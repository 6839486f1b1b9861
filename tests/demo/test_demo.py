"""The demo as a newcomer runs it, and a demo that would not be true."""

import io
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from proxy.config import environment
from proxy.demo import run_demo
from proxy.story.acts import alone
from proxy.story.scene import Scene
from proxy.story.steps import STEPS, Agent, Step
from proxy.story.stranger import TITLES
from proxy.story.telling import NotAsSaid, Telling
from tests.peers.clients import PYTHON_AUTO
from tests.peers.places import AGENTGATE, ROOT
from tests.peers.steps import list_tools


def test_the_demo_does_what_it_says_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(AGENTGATE), "demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**environment(), "TMPDIR": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    titles = [*(step.title for step in STEPS), *TITLES]
    assert re.findall(r"^\d+  (.+)$", done.stdout, re.MULTILINE) == titles
    assert f"{len(titles)} steps, {done.stdout.count('✓')} claims, all of them true" in done.stdout
    assert "isolation none" in done.stdout
    assert "\x1b" not in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "until", "number", "code"),
    [
        pytest.param(["--keep"], "Ctrl-C ends", signal.SIGINT, 0, id="kept-until-ctrl-c"),
        pytest.param(["--keep"], "Ctrl-C ends", signal.SIGTERM, 0, id="kept-until-terminated"),
        pytest.param([], "2  A write", signal.SIGTERM, 128 + signal.SIGTERM, id="terminated-in-the-middle"),
        pytest.param([], "2  A write", signal.SIGINT, 130, id="interrupted-in-the-middle"),
    ],
)
def test_a_signal_ends_it_and_nothing_is_left_behind(
    flags: list[str], until: str, number: signal.Signals, code: int
) -> None:
    with TemporaryDirectory() as folder, _demo(Path(folder), *flags) as demo:
        assert demo.stdout is not None
        printed = ""
        while until not in printed:
            line = demo.stdout.readline()
            assert line, printed
            printed += line
        if flags:
            _answers(printed)
        demo.send_signal(number)
        rest = demo.communicate()[0]
        assert demo.returncode == code, rest
        assert list(Path(folder).iterdir()) == []


@contextmanager
def _demo(folder: Path, *flags: str) -> "Iterator[subprocess.Popen[str]]":
    """The demo with its temporary files in `folder`, whose path is short: a socket's must be."""
    command = [str(AGENTGATE), "demo", *flags]
    known = {**environment(), "TMPDIR": str(folder)}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=known,
        # A test run in the background of a shell ignores SIGINT, and its children would too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as demo:
        try:
            yield demo
        finally:
            demo.kill()


def _answers(printed: str) -> None:
    """A client that enters by the address for Cursor gets the same tools as the demo's agent."""
    url = re.search(r'"url": "(http://127\.0\.0\.1:\d+/git)"', printed)
    assert url is not None
    assert sorted(PYTHON_AUTO.run(url[1], [list_tools()]).outcomes[0]["names"]) == [
        "git_commit",
        "git_create_branch",
        "git_log",
    ]


def test_what_is_missing_is_named_with_its_remedy() -> None:
    """The SDK's packages are hidden from an interpreter that has loaded everything else."""
    code = """
import sys
import proxy.commands.processes, proxy.demo, agentgate
sys.path[:] = [path for path in sys.path if "site-packages" not in path]
sys.exit(agentgate.main(["demo"]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 69
    assert (
        "not installed: mcp, mcp-server-git, alembic, psycopg, sqlalchemy "
        "(in a checkout: make demo, or pip install '.[demo]')" in done.stderr
    )


async def _untrue(scene: Scene, agent: Agent) -> None:
    scene.telling.holds("water runs uphill", truth=False)


async def _unanswered(scene: Scene, agent: Agent) -> None:
    await agent.call("no such tool")
    scene.telling.holds("a tool that does not exist is granted", (await agent.tools()) == ["no such tool"])


@pytest.mark.parametrize(
    ("play", "claim"),
    [
        pytest.param(_untrue, "water runs uphill", id="an-untrue-claim"),
        pytest.param(_unanswered, "a tool that does not exist is granted", id="the-server-does-otherwise"),
    ],
)
def test_a_step_that_does_not_do_what_it_says_ends_the_demo_with_1(
    play: Callable[[Scene, Agent], Awaitable[None]], claim: str
) -> None:
    out = io.StringIO()
    never = Step("Never reached", STEPS[0].play)
    assert run_demo(keep=False, colour=False, out=out, acts=(alone((Step("A step", play), never)),)) == 1
    assert f"This is not true: {claim}" in out.getvalue()
    assert never.title not in out.getvalue()


def test_colour_is_all_that_colour_changes() -> None:
    plain, coloured = io.StringIO(), io.StringIO()
    for out in (plain, coloured):
        telling = Telling(out, colour=out is coloured)
        telling.step(1, "A step")
        telling.does("operator", "$ agentgate kill")
        telling.sees("line\n" * 9)
        with pytest.raises(NotAsSaid):
            telling.holds("this", truth=False)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured.getvalue()) == plain.getvalue()
