"""Approvals through the client: what it brings back opens nothing by itself, and never another call."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from policy.approval_store import MAX_WAITING
from tests.attacks.approving import answer_approval
from tests.attacks.gates import ALICE, BOB, Gate, Gates
from tests.attacks.row import Story, refusals_in
from tests.attacks.stopping import give
from tests.attacks.stories import begin, passed, refused, rest, until
from tests.attacks.wire import Answer
from tests.path.messages import request
from tests.peers.sidecar import agentgate

WAIT_SECONDS: Final = 1.5
LINES: Final = f"[approvals]\nsame_user = true\nwait_seconds = {WAIT_SECONDS}\n"
HUMAN: Final = """package agentgate

decision := {"effect": "allow", "reason": "ok"} if input.approval.id
else := {"effect": "require_approval", "reason": "ask"} if input.call.name == "pay"
else := {"effect": "allow", "reason": "ok"}

listing := {"hide": []}
"""
CLIENTS_WORD: Final = HUMAN.replace(
    '"reason": "ask"', '"reason": "ask", "obligations": {"approval": {"client_attested": true}}'
)
_META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"url": {}, "form": {}}},
}
_HEADERS: Final = ("MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: pay")
_CAPABLE: Final[dict[str, Any]] = {"elicitation": {"url": {}, "form": {}}}
_INIT: Final = request(0, "initialize", protocolVersion="2025-11-25", capabilities=_CAPABLE)


def rows() -> Iterator[Story]:
    """Every row of the class."""
    for name, sent, expected, tell in _STORIES:
        yield Story(f"approval/{name}", sent, expected, tell)
    yield Story("approval/page-granted", "the client opens the page, and somebody agrees meanwhile",
                "the call arrives as it was made at first", _granted, passes=True)  # fmt: skip
    yield Story("approval/state-after-restart", "kill -9 between the question and the call that comes back",
                "it arrives, once", _restarted, passes=True)  # fmt: skip
    yield Story("approval/round-carried", "the call that needs approval answers questions of the server",
                "the answers and the server's own state arrive as they were", _carried, passes=True)  # fmt: skip
    yield Story("approval/legacy-granted", "a legacy client is asked on the stream of its call, and opens the page",
                "the call arrives when somebody has agreed", _legacy_granted, passes=True)  # fmt: skip


@contextmanager
def _asking(gates: Gates, policy: str = HUMAN, lines: str = LINES, folder: Path | None = None) -> Iterator[Gate]:
    rules = (folder or gates.folder()) / "rules"
    rules.mkdir(exist_ok=True)
    (rules / "policy.rego").write_text(policy)
    with gates.gate(policy=str(rules), lines=lines, folder=folder) as gate:
        yield gate


def _pay(id: int = 1, amount: int = 7, **members: Any) -> bytes:
    return request(id, "tools/call", name="pay", arguments={"amount": amount}, _meta=_META, **members)


def _ask(gate: Gate, body: bytes, token: str = ALICE) -> Answer:
    return gate.ask(body, *_HEADERS, token=token)


def _question(gate: Gate, body: bytes | None = None) -> tuple[str, str, dict[str, Any]]:
    """Make the call: key and state of the question that answers it, and what is asked."""
    result = passed(_ask(gate, _pay() if body is None else body))
    assert result["resultType"] == "input_required", result
    ((key, asked),) = result["inputRequests"].items()
    assert asked["method"] == "elicitation/create"
    return key, result["requestState"], asked["params"]


def _back(key: str, state: str, action: str = "accept", amount: int = 7, **content: Any) -> bytes:
    reply = {"action": action, **({"content": content} if content else {})}
    return _pay(2, amount, inputResponses={key: reply}, requestState=state)


def _id(params: dict[str, Any]) -> str:
    return str(params["url"]).rpartition("/")[2]


def _granted(gates: Gates) -> None:
    with _asking(gates) as gate:
        key, state, params = _question(gate)
        page = gate.ask(method="GET", path=f"/-/approvals/{_id(params)}", token="none")
        assert (page.status, b"Waiting" in page.body) == (200, True)
        assert answer_approval(gate, "approve", _id(params)) == 0
        passed(_ask(gate, _back(key, state)))
        (arrived,) = gate.upstream.bodies
        assert json.loads(arrived) == json.loads(_pay(2))
        assert b"Done" in gate.ask(method="GET", path=f"/-/approvals/{_id(params)}").body


def _carried(gates: Gates) -> None:
    with _asking(gates) as gate:
        body = _pay(inputResponses={"c": {"action": "accept", "content": {"x": 1}}}, requestState="server's own")
        key, state, params = _question(gate, body)
        answer_approval(gate, "approve", _id(params))
        passed(_ask(gate, _back(key, state)))
        (arrived,) = gate.upstream.bodies
        assert json.loads(arrived)["params"] == json.loads(body)["params"]


def _foreign(gates: Gates) -> None:
    with _asking(gates) as gate:
        key, state, params = _question(gate)
        answer_approval(gate, "approve", _id(params))
        refused(_ask(gate, _back(key, state), BOB), "approval_unknown")
        assert gate.upstream.received == []


def _tampered(gates: Gates) -> None:
    with _asking(gates) as gate:
        key, state, params = _question(gate)
        answer_approval(gate, "approve", _id(params))
        for text in (state[:-9] + "AAAAAAAAA", state[:40], "agentgate.", "agentgate.!!", state + "A" * 40_000):
            refused(_ask(gate, _back(key, text)), "approval_unknown")
        assert gate.upstream.received == []


def _other_call(gates: Gates) -> None:
    with _asking(gates) as gate:
        key, state, params = _question(gate)
        answer_approval(gate, "approve", _id(params))
        another = passed(_ask(gate, _back(key, state, amount=8)))
        assert another["resultType"] == "input_required"
        assert another["requestState"] != state
        assert gate.upstream.received == []


def _elsewhere(gates: Gates) -> None:
    with _asking(gates) as gate, _asking(gates) as another:
        key, state, params = _question(gate)
        answer_approval(gate, "approve", _id(params))
        refused(_ask(another, _back(key, state)), "approval_unknown")
        assert another.upstream.received == []


def _restarted(gates: Gates) -> None:
    place = gates.folder()
    with _asking(gates, folder=place) as gate:
        key, state, params = _question(gate)
        gate.sidecar.program.kill()
        assert answer_approval(gate, "approve", _id(params)) == 0
    with _asking(gates, folder=place) as gate:
        passed(_ask(gate, _back(key, state)))
        assert passed(_ask(gate, _back(key, state)))["resultType"] == "input_required"
        assert len(gate.upstream.received) == 1


def _asks_and_cancels(gates: Gates) -> None:
    with _asking(gates) as gate:
        for amount in range(2 * MAX_WAITING):
            key, state, _ = _question(gate, _pay(amount=amount))
            refused(_ask(gate, _back(key, state, "decline", amount)), "ask")
        listed = agentgate("approvals", "list", "--json", "--state", gate.folders.state)
        assert listed.stdout == ""
        assert gate.upstream.received == []


def _browser(gates: Gates) -> None:
    with _asking(gates) as gate:
        _, _, params = _question(gate)
        path = f"/-/approvals/{_id(params)}"
        form = ("Content-Type: application/x-www-form-urlencoded", "Origin: https://evil.example")
        for method, body in (("POST", b"answer=approve"), ("GET", b"")):
            assert gate.ask(body, *form, method=method, path=path, token="none").status == 403
        assert gate.ask(b"answer=approve", form[0], method="POST", path=path, token="none").status == 405
        assert gate.ask(method="GET", path=f"{path}?answer=approve", token="none").status in (401, 404)
        refused(_ask(gate, _back(*_question(gate)[:2])), "ask")
        assert gate.upstream.received == []


def _opened(gates: Gates) -> None:
    with _asking(gates) as gate:
        key, state, _ = _question(gate)
        began = time.monotonic()
        refused(_ask(gate, _back(key, state, approve=True)), "ask")
        assert time.monotonic() - began >= WAIT_SECONDS
        assert gate.upstream.received == []


def _again(gates: Gates) -> None:
    with _asking(gates) as gate:
        key, state, params = _question(gate)
        answer_approval(gate, "approve", _id(params))
        passed(_ask(gate, _back(key, state)))
        assert passed(_ask(gate, _back(key, state)))["resultType"] == "input_required"
        assert len(gate.upstream.received) == 1


def _more_answers(gates: Gates) -> None:
    with _asking(gates) as gate:
        key, state, params = _question(gate)
        answer_approval(gate, "approve", _id(params))
        several: tuple[Any, ...] = ({key: {"action": "accept"}, "c": {}}, {"c": {"action": "accept"}}, {}, [], None)
        for responses in several:
            body = _pay(2, inputResponses=responses, requestState=state)
            refused(_ask(gate, body), "approval_unknown")
        assert gate.upstream.received == []


def _declined(gates: Gates) -> None:
    with _asking(gates) as gate:
        key, state, params = _question(gate)
        refused(_ask(gate, _back(key, state, "decline")), "ask")
        assert answer_approval(gate, "approve", _id(params)) == 1
        assert gate.upstream.received == []


def _form_declined(gates: Gates) -> None:
    with _asking(gates, CLIENTS_WORD) as gate:
        answers: tuple[dict[str, Any], ...] = (
            {"approve": False},
            {},
            {"approve": "true"},
            {"approve": 1},
            {"other": True},
        )
        replies = [{"action": "accept", "content": content} for content in answers]
        for number, reply in enumerate(({"action": "decline"}, {"action": "accept"}, *replies)):
            key, state, params = _question(gate, _pay(amount=number))
            assert params["requestedSchema"]["required"] == ["approve"]
            body = _pay(2, number, inputResponses={key: reply}, requestState=state)
            refused(_ask(gate, body), "approval_rejected")
        assert gate.upstream.received == []


def _no_answer(gates: Gates) -> None:
    with _asking(gates, CLIENTS_WORD) as gate:
        key, state, _ = _question(gate)
        for reply in ({}, {"action": "yes"}, {"action": True, "content": {"approve": True}}, "accept", None):
            refused(_ask(gate, _pay(2, inputResponses={key: reply}, requestState=state)), "ask")
        assert gate.upstream.received == []


def _killed(gates: Gates) -> None:
    with _asking(gates, lines=LINES.replace(str(WAIT_SECONDS), "30")) as gate:
        session = begin(gate, _INIT)
        stream, heard = until(gate, "POST", b"elicitation/create", f"Mcp-Session-Id: {session}",
                              "MCP-Protocol-Version: 2025-11-25", body=_legacy_pay())  # fmt: skip
        gate.ask(_reply(heard), f"Mcp-Session-Id: {session}", "MCP-Protocol-Version: 2025-11-25")
        give(gate, "kill", "--agent", "alice")
        assert b"contained" in rest(stream)
        assert len(gate.upstream.received) == 1, "initialize alone"


def _contained(gates: Gates) -> None:
    with _asking(gates) as gate:
        key, state, params = _question(gate)
        answer_approval(gate, "approve", _id(params))
        give(gate, "quarantine", "--tool", "pay")
        refused(_ask(gate, _back(key, state)), "contained")
        assert gate.upstream.received == []


def _legacy_pay() -> bytes:
    return request(1, "tools/call", name="pay", arguments={"amount": 7})


def _asked_id(heard: bytes) -> str:
    data = heard.partition(b"data: ")[2].partition(b"\n")[0]
    return str(json.loads(data)["id"])


def _reply(heard: bytes, action: str = "accept") -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": _asked_id(heard), "result": {"action": action}}).encode()


def _waiting(gate: Gate) -> tuple[tuple[str, str], Any, bytes]:
    """A legacy call that waits for its client's answer: the headers of its session, its stream, and the question."""
    headers = (f"Mcp-Session-Id: {begin(gate, _INIT)}", "MCP-Protocol-Version: 2025-11-25")
    stream, heard = until(gate, "POST", b"elicitation/create", *headers, body=_legacy_pay())
    gate.upstream.received.clear()
    return headers, stream, heard


def _legacy_granted(gates: Gates) -> None:
    with _asking(gates) as gate:
        headers, stream, heard = _waiting(gate)
        assert gate.ask(_reply(heard), *headers).status == 202
        asked = json.loads(heard.partition(b"data: ")[2].partition(b"\n")[0])["params"]
        assert asked["elicitationId"] == _id(asked)
        assert answer_approval(gate, "approve", _id(asked)) == 0
        assert b'"resultType": "complete"' in rest(stream)
        assert gate.upstream.bodies == [_legacy_pay()]


def _foreign_reply(gates: Gates) -> None:
    with _asking(gates, CLIENTS_WORD) as gate:
        _, stream, heard = _waiting(gate)
        said = json.loads(_reply(heard)) | {"result": {"action": "accept", "content": {"approve": True}}}
        theirs = f"Mcp-Session-Id: {begin(gate, _INIT, token=BOB)}"
        gate.upstream.received.clear()
        answer = gate.ask(json.dumps(said).encode(), theirs, "MCP-Protocol-Version: 2025-11-25", token=BOB)
        assert answer.status == 202
        assert b'"code":"ask"' in rest(stream)
        assert gate.upstream.received == []


def _late_reply(gates: Gates) -> None:
    with _asking(gates, CLIENTS_WORD) as gate:
        headers, stream, heard = _waiting(gate)
        assert b'"code":"ask"' in rest(stream)
        said = json.loads(_reply(heard)) | {"result": {"action": "accept", "content": {"approve": True}}}
        answer = gate.ask(json.dumps(said).encode(), *headers)
        assert (answer.status, refusals_in(answer.body)) == (202, [])
        assert gate.upstream.received == []


def _page(gates: Gates) -> None:
    with _asking(gates) as gate:
        _, _, params = _question(gate)
        path = f"/-/approvals/{_id(params)}"
        for method, where, status in (("POST", path, 405), ("DELETE", path, 405), ("GET", path[:-1] + "0" * 2, 404),
                                      ("GET", "/-/approvals/" + "0" * 32, 404)):  # fmt: skip
            assert gate.ask(method=method, path=where).status == status, (method, where)
        assert gate.ask(b"", "Host: evil.example", method="GET", path=path).status == 403
        answer = gate.ask(method="GET", path=path)
        assert b"7" not in answer.body.partition(b"<dl>")[2].replace(_id(params).encode(), b"")
        assert b"script" not in answer.body
        assert gate.upstream.received == []


_STORIES: Final[list[tuple[str, str, str, Callable[[Gates], None]]]] = [
    ("state-of-another", "another agent brings back the state of an approved call", "`approval_unknown`", _foreign),
    ("state-tampered", "states that are changed, cut or empty", "`approval_unknown`", _tampered),
    ("state-for-another-call", "the state of an approved call with another argument", "asked anew", _other_call),
    ("state-again", "the state of a call that has passed already", "asked anew", _again),
    ("state-at-another-sidecar", "the state of an approved call at a sidecar of another installation",
     "`approval_unknown`", _elsewhere),
    ("ask-and-cancel", "an agent asks and cancels more often than may wait", "nothing waits", _asks_and_cancels),
    ("page-from-a-browser", "forms and links of another site to the page of an approval",
     "403, 405, 404; nothing is approved", _browser),
    ("page-opened", "the client accepts to open the page, and says that it approves", "refused when the time is over",
     _opened),
    ("answers-beside", "answers to what nobody asked in this round, or none", "`approval_unknown`", _more_answers),
    ("page-declined", "the client's user will not open the page", "refused, and nobody can approve it any more",
     _declined),
    ("form-declined", "forms that decline, or do not say yes", "`approval_rejected`", _form_declined),
    ("form-unanswered", "answers of other shapes", "refused as if nobody had been asked", _no_answer),
    ("killed-while-held", "a kill while the call is held", "`contained` on its stream", _killed),
    ("contained-while-asked", "an order stops the tool while its approval is on its way", "`contained`", _contained),
    ("reply-of-another", "another agent answers what this one was asked", "it answers nothing", _foreign_reply),
    ("reply-too-late", "the answer comes when the call was refused already", "it answers nothing", _late_reply),
    ("page", "other methods, ids and hosts at the page of an approval", "405, 404, 403; no argument on it", _page),
]  # fmt: skip
