"""Approvals: what a human has agreed to is exactly one call, once."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policy.approval import Answer, Event, seal
from policy.approval_store import FILE, MAX_WAITING
from tests.attacks.gates import BOB, Gate, Gates
from tests.attacks.row import Story, refusals_in
from tests.attacks.stopping import give
from tests.attacks.stories import passed, refused
from tests.attacks.wire import Answer as Heard
from tests.path.messages import batch, call, request
from tests.peers.sidecar import agentgate

GRANTS: Final = [{"upstream": "files", "tool": "pay", "effect": "require_approval"}]
SAME_USER: Final = "[approvals]\nsame_user = true\n"
PAY: Final = call(1, "pay", amount=7, to="Ann")
SHORT: Final = """package agentgate

decision := {"effect": "allow", "reason": "ok"} if input.approval.id
else := {"effect": "require_approval", "reason": "ask", "obligations": {"approval": {"expires": 1}}}

listing := {"hide": []}
"""


TAINTED: Final = """package agentgate

decision := {"effect": "allow", "reason": "ok"} if input.approval.id
else := {"effect": "allow", "reason": "ok", "obligations": {"label": "secret"}} if input.call.name == "read"
else := {"effect": "require_approval", "reason": "ask", "obligations": {"approval": {"approvers": ["nobody"]}}} if {
	"secret" in input.session.labels
} else := {"effect": "require_approval", "reason": "ask"}

listing := {"hide": []}
"""


def rows() -> Iterator[Story]:
    """Every row of the class."""
    for name, sent, expected, tell in _STORIES:
        yield Story(f"approval/{name}", sent, expected, tell)
    yield Story("approval/granted", "the identical call, after somebody has approved it", "it arrives", _granted,
                passes=True)  # fmt: skip
    yield Story("approval/restart", "kill -9 between the question, the answer and the repeated call", "it arrives",
                _restart, passes=True)  # fmt: skip


@contextmanager
def _asking(
    gates: Gates, *, lines: str = SAME_USER, policy: str = "starter", folder: Path | None = None
) -> Iterator[Gate]:
    with gates.gate(policy=policy, grants=GRANTS if policy == "starter" else (), lines=lines, folder=folder) as gate:
        yield gate


def _data(answer: Heard) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(answer.body)["result"]["_meta"]["agentgate/decision"]
    return data


def _asked(gate: Gate, body: bytes = PAY, code: str = "approval_required") -> str:
    """Make the call that needs approval: the id of its approval."""
    answer = gate.ask(body)
    refused(answer, code)
    return str(_data(answer)["approval"])


def answer_approval(gate: Gate, what: str, id: str) -> int:
    """Answer as an operator: the exit code."""
    return agentgate("approvals", what, "--state", gate.folders.state, id).returncode


def _granted(gates: Gates) -> None:
    with _asking(gates) as gate:
        id = _asked(gate)
        assert gate.upstream.received == []
        assert answer_approval(gate, "approve", id) == 0
        repeated = PAY.replace(b'"id":1', b'"id":2')
        passed(gate.ask(repeated))
        assert gate.upstream.bodies == [repeated]
        events = [body["state"] for body in gate.trail.more() if body["kind"] == "approval" and body["call"]]
        assert events == ["asked", "spent"]


def _changed(gates: Gates) -> None:
    with _asking(gates) as gate:
        id = _asked(gate)
        assert answer_approval(gate, "approve", id) == 0
        assert _asked(gate, PAY.replace(b":7", b":8")) != id
        assert gate.upstream.received == []


def _twice(gates: Gates) -> None:
    with _asking(gates) as gate:
        id = _asked(gate)
        answer_approval(gate, "approve", id)
        passed(gate.ask(PAY))
        assert _asked(gate) != id
        assert len(gate.upstream.received) == 1


def _at_once(gates: Gates) -> None:
    with _asking(gates) as gate:
        answer_approval(gate, "approve", _asked(gate))
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: gate.ask(PAY), range(8)))
        assert sum(refusals_in(answer.body) == [] for answer in answers) == 1
        assert len(gate.upstream.received) == 1


def _expired(gates: Gates) -> None:
    folder = gates.folder()
    (folder / "policy.rego").write_text(SHORT)
    with _asking(gates, policy=str(folder)) as gate:
        id = _asked(gate, code="ask")
        assert answer_approval(gate, "approve", id) in (0, 1)
        time.sleep(1.1)
        assert _asked(gate, code="ask") != id
        assert gate.upstream.received == []


def _requester(gates: Gates) -> None:
    with _asking(gates, lines="") as gate:
        answer = gate.ask(PAY)
        refused(answer, "approval_required")
        assert "approval" not in _data(answer)
        assert not (gate.folders.state / FILE).exists()
        assert answer_approval(gate, "approve", "0") == 1
        key = gate.folders.state / "keys/tenant-acme.key"
        told = agentgate("records", gate.folders.evidence, "--json", "--key", key).stdout
        assert "set approvals.same_user" in told, "the operator is not told why nothing was asked"


def _flood(gates: Gates) -> None:
    with _asking(gates) as gate:
        for number in range(MAX_WAITING):
            _asked(gate, call(1, "pay", amount=number))
        refused(gate.ask(call(1, "pay", amount=-1)), "too_many_approvals")
        assert gate.upstream.received == []


def _hundred(gates: Gates) -> None:
    with _asking(gates) as gate:
        assert len({_asked(gate) for _ in range(100)}) == 1
        assert gate.upstream.received == []


def _look_alikes(gates: Gates) -> None:
    with _asking(gates) as gate:
        _asked(gate, call(1, "pay", to="Ann\u202e\u200b\x1b[2J", amount=7))
        listed = agentgate("approvals", "list", "--state", gate.folders.state).stdout
        assert "\\u202e" in listed
        assert all(character.isprintable() or character == "\n" for character in listed)


def _another(gates: Gates) -> None:
    with _asking(gates) as gate:
        answer_approval(gate, "approve", _asked(gate))
        refused(gate.ask(PAY, token=BOB), "approval_required")
        assert gate.upstream.received == []


def _rejected(gates: Gates) -> None:
    with _asking(gates) as gate:
        id = _asked(gate)
        assert answer_approval(gate, "reject", id) == 0
        refused(gate.ask(PAY), "approval_rejected")
        assert answer_approval(gate, "approve", id) == 1
        refused(gate.ask(PAY), "approval_rejected")
        assert gate.upstream.received == []


def _forged(gates: Gates) -> None:
    with _asking(gates) as gate:
        id = _asked(gate)
        answer_approval(gate, "approve", _asked(gate, call(2, "pay", amount=1)))
        database = sqlite3.connect(gate.folders.state / FILE, isolation_level=None)
        (binding,) = database.execute("SELECT binding FROM approvals WHERE id = ?", (id,)).fetchone()
        answer = Answer(id, binding, Event.GRANT, "root", "local", int(time.time()))
        forged = seal(answer, Ed25519PrivateKey.generate())
        (others,) = database.execute("SELECT answers FROM approvals WHERE answers != '[]'").fetchone()
        for answers in ([forged], json.loads(others), [], ["{}"], ["no json"], [forged, *json.loads(others)]):
            row = (json.dumps(answers), id)
            database.execute("UPDATE approvals SET state = 'granted', answers = ? WHERE id = ?", row)
            refused(gate.ask(PAY), "approval_required")
        database.close()
        assert gate.upstream.received == []


def _contained(gates: Gates) -> None:
    with _asking(gates) as gate:
        answer_approval(gate, "approve", _asked(gate))
        give(gate, "quarantine", "--tool", "pay")
        refused(gate.ask(PAY), "contained")
        assert gate.upstream.received == []


def _restart(gates: Gates) -> None:
    place = gates.folder()
    with _asking(gates, folder=place) as gate:
        id = _asked(gate)
        gate.sidecar.program.kill()
        assert answer_approval(gate, "approve", id) == 0
    with gates.gate(policy="starter", lines=SAME_USER, folder=place) as gate:
        passed(gate.ask(PAY))
        assert gate.upstream.bodies == [PAY]


def _padded(gates: Gates) -> None:
    with _asking(gates) as gate:
        _asked(gate, call(1, "pay", note="x" * 50_000, amount=7_000_000))
        _asked(
            gate, request(1, "tools/call", _meta={"note": "x" * 50_000}, name="pay", arguments={"amount": 8_000_000})
        )
        listed = agentgate("approvals", "list", "--state", gate.folders.state).stdout
        assert '"amount":7000000' in listed
        assert "characters) ..." in listed
        assert '"amount":8000000' in listed


def _batch(gates: Gates) -> None:
    version = "MCP-Protocol-Version: 2025-03-26"
    with _asking(gates) as gate:
        id = _asked(gate)
        assert answer_approval(gate, "approve", id) == 0
        for beside in (call(2, "else"), PAY.replace(b'"id":1', b'"id":2')):
            answer = gate.ask(batch(PAY, beside), version)
            assert len(refusals_in(answer.body)) == 2
            assert gate.upstream.received == []
        passed(gate.ask(PAY))
        assert gate.upstream.bodies == [PAY]


def _policy_changed(gates: Gates) -> None:
    folder = gates.folder()
    (folder / "policy.rego").write_text(SHORT.replace('"expires": 1', '"expires": 600'))
    with _asking(gates, policy=str(folder)) as gate:
        id = _asked(gate, code="ask")
        assert answer_approval(gate, "approve", id) == 0
        (folder / "policy.rego").write_text(SHORT.replace('"expires": 1', '"expires": 601').replace('"ask"', '"new"'))
        deadline = time.monotonic() + 20
        while "new" not in {each["code"] for each in refusals_in(gate.ask(call(1, "other")).body)}:
            assert time.monotonic() < deadline, "the new policy was not taken up"
        assert _asked(gate, code="new") != id
        assert gate.upstream.received == []


def _definition_changed(gates: Gates) -> None:
    with _asking(gates) as gate:
        listing = b'{"jsonrpc":"2.0","id":9,"method":"tools/list"}'
        gate.upstream.tools = [_TOOL]
        passed(gate.ask(listing))
        id = _asked(gate)
        assert answer_approval(gate, "approve", id) == 0
        gate.upstream.tools = [{**_TOOL, "description": "Pays ten times as much."}]
        passed(gate.ask(listing))
        gate.upstream.received.clear()
        assert _asked(gate) != id
        assert gate.upstream.received == []


def _laxer_terms(gates: Gates) -> None:
    folder = gates.folder()
    (folder / "policy.rego").write_text(TAINTED)
    with _asking(gates, policy=str(folder)) as gate:
        id = _asked(gate, code="ask")
        assert answer_approval(gate, "approve", id) == 0
        passed(gate.ask(call(1, "read")))
        gate.upstream.received.clear()
        assert _asked(gate, code="ask") != id
        assert gate.upstream.received == []


_TOOL: Final = {"name": "pay", "description": "Pays.", "inputSchema": {"type": "object"}}
_STORIES: Final[list[tuple[str, str, str, Callable[[Gates], None]]]] = [
    ("one-byte-changed-after-approval", "one digit of an argument is another than was approved",
     "`approval_required`, another approval", _changed),
    ("used-twice", "the approved call is made twice", "the second is refused", _twice),
    ("two-at-once", "the approved call is made eight times at once", "one arrives", _at_once),
    ("expired", "the approved call is made after the approval has expired", "refused, another approval", _expired),
    ("requester-approves", "the agent may be the same user as the sidecar, and nobody has said that this is fine",
     "`approval_required`; nothing is asked, and no answer counts", _requester),
    ("flood", "one agent asks for more approvals than may wait", "`too_many_approvals`", _flood),
    ("hundred-for-one-call", "the same call a hundred times", "one approval", _hundred),
    ("look-alikes-in-the-text", "arguments that would print as something else", "they are shown escaped", _look_alikes),
    ("another-agent", "another agent makes the approved call", "`approval_required`", _another),
    ("rejected", "a human says no, and then yes", "`approval_rejected`", _rejected),
    ("forged-answer", "answers that another key has signed, or that are for another approval, or none",
     "`approval_required`", _forged),
    ("padded-arguments", "an argument behind 50,000 characters of another one, or of `_meta`",
     "whoever approves is shown it", _padded),
    ("in-a-batch", "the approved call in a batch with one that is refused, and with itself",
     "all are refused, and the approval is not spent", _batch),
    ("policy-changed-after-approval", "the approved call under another revision of the policy",
     "refused, another approval", _policy_changed),
    ("definition-changed-after-approval", "the approved call when the server says something else of its tool",
     "`approval_required`, another approval", _definition_changed),
    ("laxer-terms", "an approval that anybody may give is kept until policy wants one by named people",
     "refused, another approval", _laxer_terms),
    ("contained-after-approval", "an order stops the tool after the approval", "`contained`", _contained),
]  # fmt: skip
