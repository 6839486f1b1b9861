"""The desk of a sidecar: other users of the machine answer approvals there, and the kernel says who they are.

Needs root: the agent and the people are user ids of their own.
"""

import json
import os
import pwd
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import pytest

from proxy.approval_client import Desk, Unanswered
from tests.peers.raw import call
from tests.peers.servers import HttpServer
from tests.peers.sidecar import Folders, Sidecar, agentgate, sidecar

AGENT: Final = 54321
ANN, BOB, STRANGER = "daemon", "bin", "games"
"""Login names that every Debian has."""

POLICY: Final = """package agentgate

decision := {"effect": "allow", "reason": "ok"} if input.approval.id
else := {"effect": "require_approval", "reason": "ask", "obligations": {"approval": APPROVAL}}

listing := {"hide": []}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A sidecar, and the socket of its desk."""

    gate: Sidecar
    path: Path

    def called(self, amount: int = 1) -> dict[str, Any]:
        """Make the call: what a refusal says of it, or the result."""
        answer = call(self.gate.url("everything"), "add", {"a": amount, "b": 2})
        result: dict[str, Any] = json.loads(answer.body)["result"]
        return dict(result.get("_meta", {}).get("agentgate/decision", result))

    def states(self) -> list[str]:
        """What became of approvals, as evidence has it."""
        bodies = [each["body"] for each in self.gate.folders.records() if each["header"]["kind"] == "approval"]
        return [body["state"] for body in bodies]


@contextmanager
def _place(folder: Path, server: HttpServer, approval: str = "{}", *, more: str = "") -> Iterator[Place]:
    (rules := folder / "policy").mkdir()
    (rules / "policy.rego").write_text(POLICY.replace("APPROVAL", approval))
    # A test's own folder is for its owner alone; the others have to come to the socket.
    with tempfile.TemporaryDirectory(prefix="agentgate-desk-") as open_to_all:
        Path(open_to_all).chmod(0o755)
        path, config = Path(open_to_all, "desk.sock"), folder / "agentgate.toml"
        config.write_text(
            f"[identity]\nagent_uid = {AGENT}\n"
            f'[approvals]\nlisten = "unix:{path}"\napprovers = ["{ANN}", "{BOB}", "root"]\n{more}'
        )
        with sidecar(folder, {"everything": server}, policy=str(rules), more=["-c", str(config)]) as gate:
            yield Place(gate, path)


def _as(user: str | int, asking: Callable[[], Any]) -> Any:
    """What `asking` returns under another user id, or the text of its refusal."""
    uid = user if isinstance(user, int) else pwd.getpwnam(user).pw_uid
    context = get_context("fork")
    ours, theirs = context.Pipe()

    def run() -> None:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        try:
            theirs.send(asking())
        except Unanswered as refused:
            theirs.send(str(refused))

    process = context.Process(target=run)
    process.start()
    assert ours.poll(20), "no answer"
    found = ours.recv()
    process.join()
    return found


def _answer(place: Place, user: str | int, id: str, what: str = "approve") -> Any:
    return _as(user, lambda: Desk(str(place.path)).answer(id, what))


def test_somebody_else_approves(everything_json: HttpServer, tmp_path: Path) -> None:
    with _place(tmp_path, everything_json) as place:
        id = place.called()["approval"]
        (listed,) = _as(ANN, lambda: Desk(str(place.path)).list(every=False))
        assert (listed["id"], listed["name"], listed["state"]) == (id, "add", "waiting")
        assert _answer(place, ANN, id[:6]) == {"id": id, "state": "granted"}
        assert place.called()["content"] == [{"type": "text", "text": "3.0"}]
        assert _as(ANN, lambda: Desk(str(place.path)).list(every=False)) == []
        assert place.states() == ["asked", "granted", "spent"]
    spent = [each["body"] for each in place.gate.folders.records() if each["body"].get("state") == "spent"]
    assert [(one["approvers"], one["authn_method"]) for one in spent] == [([ANN], "peer")]
    assert place.gate.folders.verify()["ok"]


@pytest.mark.parametrize(
    ("user", "said"),
    [
        pytest.param(AGENT, "the agent answers nothing here", id="the-agent"),
        pytest.param(STRANGER, f"{STRANGER} is none of the people", id="somebody-who-is-not-named"),
        pytest.param(65000, "uid 65000 is none of the people", id="a-user-without-a-name"),
        pytest.param(BOB, f"{BOB} is none of {ANN}", id="somebody-whom-policy-does-not-name"),
    ],
)
def test_who_may_not(everything_json: HttpServer, tmp_path: Path, user: str | int, said: str) -> None:
    with _place(tmp_path, everything_json, f'{{"approvers": ["{ANN}"]}}') as place:
        id = place.called()["approval"]
        assert said in _answer(place, user, id)
        assert place.called()["approval"] == id


def test_four_eyes_are_of_two_people(everything_json: HttpServer, tmp_path: Path) -> None:
    with _place(tmp_path, everything_json, '{"steps": 2}') as place:
        id = place.called()["approval"]
        assert _answer(place, ANN, id)["state"] == "waiting"
        assert place.called()["code"] == "ask"
        assert f"{ANN} has approved it already" in _answer(place, ANN, id)
        assert _answer(place, BOB, id)["state"] == "granted"
        assert "content" in place.called()
        assert f"{BOB} has approved it already" not in place.states()
        assert place.states()[-1] == "spent"


def test_what_is_over_is_answered_no_more(everything_json: HttpServer, tmp_path: Path) -> None:
    with _place(tmp_path, everything_json) as place:
        id = place.called()["approval"]
        assert _answer(place, ANN, id, "reject")["state"] == "rejected"
        assert "comes too late" in _answer(place, ANN, id)
        assert "there is no approval 0000" in _answer(place, ANN, "0000")
        assert "is no id" in _answer(place, ANN, "../x")
        assert place.called()["code"] == "approval_rejected"


def test_the_command(everything_json: HttpServer, tmp_path: Path) -> None:
    with _place(tmp_path, everything_json) as place:
        id = place.called()["approval"]
        listed = agentgate("approvals", "list", "--socket", place.path).stdout
        assert listed.startswith(f"{id}  waiting")
        assert agentgate("approvals", "approve", "--socket", place.path, id).stdout == f"{id}  granted\n"
        late = agentgate("approvals", "reject", "--socket", place.path, id)
        assert (late.returncode, "comes too late" in late.stderr) == (1, True)
        assert agentgate("approvals", "list", "--socket", place.path).stdout == "nothing waits\n"
    gone = agentgate("approvals", "list", "--socket", place.path)
    assert (gone.returncode, "no sidecar answers at" in gone.stderr) == (1, True)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param('listen = "127.0.0.1:1"\napprovers = ["root"]', "is no Unix socket", id="tcp"),
        pytest.param('listen = "unix:desk.sock"', "nobody may answer there", id="nobody-named"),
        pytest.param('url = "https://approvals.example/"', "approvals.url", id="a-page-without-an-id"),
        pytest.param("wait_seconds = 1e6", "approvals.wait_seconds", id="held-for-days"),
    ],
)
def test_configurations_that_are_refused(tmp_path: Path, lines: str, said: str) -> None:
    config = tmp_path / "agentgate.toml"
    config.write_text(f"[approvals]\n{lines}\n")
    flags = ["--upstream", "up=http://127.0.0.1:9/mcp", *Folders.under(tmp_path).flags()]
    done = agentgate("config", "check", "-c", config, *flags)
    assert done.returncode == 64
    assert said in done.stderr + done.stdout
