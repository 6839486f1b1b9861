"""Obligations and memory: what a decision asks for beside yes and no is kept, or the call does not pass."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from tests.attacks.gates import BOB, Gate, Gates
from tests.attacks.row import Story, refusals_in
from tests.attacks.stories import passed, refused
from tests.attacks.upstream import Reply, events, http
from tests.path.messages import batch, call, notification, result

POLICY: Final = """package agentgate

default decision := {"effect": "deny", "reason": "after_secret"}

decision := {"effect": "allow", "reason": "listed", "obligations": obligations} if allowed

allowed if input.call.name != "send"

allowed if not "saw_secret" in input.session.labels

obligations := {"redact": {
	"params": ["/arguments/ssn", "/arguments/people/1/ssn"],
	"result": ["/structuredContent/ssn", "/content/0/text", "/ssn"],
}} if {
	input.call.name == "person"
} else := {"limit": [{"key": "pay", "count": 2, "window": 3600}]} if {
	input.call.name == "pay"
} else := {"limit": [{"key": "mail", "count": 1, "window": 1}, {"key": "mail", "count": 2, "window": 3600}]} if {
	input.call.name == "mail"
} else := {"limit": {"key": input.caller.agent, "count": 3, "window": 3600}} if {
	input.call.name == "burst"
} else := {"label": ["saw_secret"]} if {
	input.call.name == "secret"
} else := {}

listing := {"hide": []}
"""
RESULTS: Final = """package agentgate

decision := {"effect": "allow", "reason": "listed"} if not "saw_secret" in input.session.labels

listing := {"hide": []}

result := {"effect": "deny", "reason": "too_secret", "message": "This is not for agents."} if {
	input.result.structuredContent.secret == true
} else := {"effect": "allow", "reason": "fits", "obligations": {"redact": {"result": ["/structuredContent/ssn"]}}} if {
	input.call.name == "person"
} else := {"effect": "allow", "reason": "fits", "obligations": {"label": "saw_secret"}} if {
	contains(input.result.content[0].text, "BEGIN")
} else := {"effect": "allow", "reason": "fits", "obligations": {"limit": {"key": "k", "count": 1, "window": 1}}} if {
	input.call.name == "limited"
} else := {"effect": "allow", "reason": "fits"} if {
	input.call.name in {"plain", "fails"}
}
"""
SSN: Final = "078-05-1120"
_SHORTER_WINDOW: Final = 1.1
GONE: Final = '"[redacted]"'
_ASKED: Final = call(1, "person", ssn=SSN, name="Ann", people=[{"ssn": "1"}, {"ssn": SSN}])
_HELD: Final = result(1, content=[{"type": "text", "text": SSN}], structuredContent={"ssn": SSN, "name": "Ann"})
_FAILED: Final = b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no","data":{"ssn":"078-05-1120","at":7}}}'
_LOGGED: Final = notification("notifications/message", level="info", data={"ssn": SSN, "step": 2})
_TASK: Final = (
    b'{"jsonrpc":"2.0","id":1,"result":{"resultType":"task","taskId":"t-1","status":"working","ttlMs":60000}}'
)


def rows() -> Iterator[Story]:
    """Every row of the classes redaction, limit and memory."""
    yield _story("redaction/argument", "a value in arguments that policy redacts", "it does not arrive", _argument)
    yield _story("redaction/argument-in-a-batch", "the same in a batch", "the other message arrives as it is", _batch)
    for name, told, answer in _ANSWERS:
        yield _story(f"redaction/{name}", f"{told}, with values that policy redacts", "the agent does not get them",
                     partial(_answer, answer=answer))  # fmt: skip
    yield _story("redaction/mirrored-in-a-header", "the value stands in a header too", "`obligation_unmet`", _mirrored)
    yield _story("redaction/answer-as-a-task", "the answer is a task, whose result comes later",
                 "`task_unredactable`; its id does not reach the agent", _task)  # fmt: skip
    yield _story("limit/one-call-too-many", "three calls where policy allows two an hour", "`limit_reached`", _limit)
    yield _story("limit/another-session-id", "the third call under another session", "`limit_reached`", _limit_session)
    yield _story("limit/another-agent", "the third call by another agent, where they share the limit",
                 "`limit_reached`", _limit_agent)  # fmt: skip
    yield _story("limit/eight-at-once", "eight calls at once where policy allows three", "three arrive", _burst)
    yield _story("limit/restart", "kill -9 of the sidecar between two calls", "`limit_reached`", _limit_restart)
    yield _story("limit/two-windows-under-one-key", "calls slow enough for the shorter window, too many for the longer",
                 "`limit_reached`", _limit_windows)  # fmt: skip
    yield _story("redaction/text-under-500", "text under an HTTP error, with values that policy redacts in answers",
                 "the agent does not get it; the status stands", _under_500)  # fmt: skip
    for name, sent, expected, asked, answer in _DECIDED:
        yield _story(f"result/{name}", sent, expected, partial(_decided, asked=asked, answer=answer, expected=expected))
    yield _story("result/label", "an answer that policy labels, then a call", "`policy_undefined`", _result_label)
    yield Story(
        "result/plain", "an answer that policy lets go on", "it comes back as it is", _result_plain, passes=True
    )
    yield _story("memory/secret-then-send", "a tool that reads a secret, then one that sends", "`after_secret`", _label)
    yield _story(
        "memory/another-session-id", "the sending call under another session", "`after_secret`", _label_session
    )
    yield _story("memory/restart", "kill -9 of the sidecar between the two calls", "`after_secret`", _label_restart)
    yield Story(
        "memory/another-agent", "another agent sends, which has read no secret", "it arrives", _other, passes=True
    )


def _story(name: str, sent: str, expected: str, tell: Callable[[Gates], None]) -> Story:
    return Story(name, sent, expected, tell)


def write(folder: Path) -> None:
    """The policy of these rows."""
    (folder / "policy.rego").write_text(POLICY)


def _gate(gates: Gates) -> Gate:
    gate = gates.obliging
    gate.fresh()
    return gate


def _argument(gates: Gates) -> None:
    gate = _gate(gates)
    passed(gate.ask(_ASKED))
    assert gate.upstream.bodies == [_ASKED.replace(b'"078-05-1120"', GONE.encode())]


def _batch(gates: Gates) -> None:
    gate = _gate(gates)
    other = b'{"id":2 ,"jsonrpc":"2.0","method":"tools/call","params":{"name":"plain","arguments":{"ssn":"1"}}}'
    gate.ask(batch(_ASKED, other), "MCP-Protocol-Version: 2025-03-26")
    (body,) = gate.upstream.bodies
    assert SSN.encode() not in body
    assert other in body


def _answer(gates: Gates, answer: Reply) -> None:
    gate = _gate(gates)
    gate.upstream.answers(answer)
    found = gate.ask(_ASKED)
    assert found.status == 200
    assert b"AgentGate" not in found.body
    assert SSN.encode() not in found.body
    assert GONE.encode() in found.body


def _under_500(gates: Gates) -> None:
    gate = _gate(gates)
    gate.upstream.answers(http(SSN.encode(), status="500 Broken", kind="text/plain"))
    found = gate.ask(_ASKED)
    assert (found.status, found.body) == (500, b"")


def _mirrored(gates: Gates) -> None:
    gate = _gate(gates)
    body = json.loads(_ASKED)
    body["params"]["_meta"] = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
    gate.upstream.tools = [{"name": "person", "inputSchema": {"type": "object", "properties": {"ssn": {
        "type": "string", "x-mcp-header": "Ssn"}}}}]  # fmt: skip
    headers = (
        "MCP-Protocol-Version: 2026-07-28",
        "Mcp-Method: tools/call",
        "Mcp-Name: person",
        f"Mcp-Param-Ssn: {SSN}",
    )
    refused(gate.ask(json.dumps(body).encode(), *headers), "obligation_unmet")
    assert gate.upstream.received == []


def _task(gates: Gates) -> None:
    gate = _gate(gates)
    gate.upstream.answers(http(_TASK))
    found = gate.ask(_ASKED)
    refused(found, "task_unredactable")
    assert b"t-1" not in found.body


def _fresh(gates: Gates) -> Path:
    folder = gates.folder()
    write(folder)
    return folder


def _paying(gates: Gates, third: Callable[[Gate], None]) -> None:
    folder = _fresh(gates)
    with gates.gate(policy=str(folder)) as gate:
        for number in (1, 2):
            passed(gate.ask(call(number, "pay")))
        third(gate)
        assert len(gate.upstream.received) == 2


def _limit(gates: Gates) -> None:
    _paying(gates, lambda gate: refused(gate.ask(call(3, "pay")), "limit_reached"))


def _limit_session(gates: Gates) -> None:
    def third(gate: Gate) -> None:
        begun = gate.ask(b'{"jsonrpc":"2.0","id":9,"method":"initialize","params":{}}').headers["mcp-session-id"]
        gate.upstream.received.pop()
        refused(gate.ask(call(3, "pay"), f"Mcp-Session-Id: {begun}"), "limit_reached")

    _paying(gates, third)


def _limit_agent(gates: Gates) -> None:
    _paying(gates, lambda gate: refused(gate.ask(call(3, "pay"), token=BOB), "limit_reached"))


def _burst(gates: Gates) -> None:
    gate = _gate(gates)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: gate.ask(call(number, "burst")), range(8)))
    assert sum(refusals_in(answer.body) == [] for answer in answers) == 3
    assert len(gate.upstream.received) == 3


def _again(gates: Gates, first: Callable[[Gate], None], then: Callable[[Gate], None]) -> None:
    """Something, kill -9, something else."""
    folder, place = _fresh(gates), gates.folder()
    with gates.gate(policy=str(folder), folder=place) as gate:
        first(gate)
        gate.sidecar.program.kill()
    with gates.gate(policy=str(folder), folder=place) as gate:
        then(gate)
        assert gate.upstream.received == []


def _limit_restart(gates: Gates) -> None:
    def first(gate: Gate) -> None:
        for number in (1, 2):
            passed(gate.ask(call(number, "pay")))

    _again(gates, first, lambda gate: refused(gate.ask(call(3, "pay")), "limit_reached"))


def _limit_windows(gates: Gates) -> None:
    with gates.gate(policy=str(_fresh(gates))) as gate:
        for number in (1, 2):
            passed(gate.ask(call(number, "mail")))
            time.sleep(_SHORTER_WINDOW)
        refused(gate.ask(call(3, "mail")), "limit_reached")
        assert len(gate.upstream.received) == 2


def _label(gates: Gates) -> None:
    folder = _fresh(gates)
    with gates.gate(policy=str(folder)) as gate:
        passed(gate.ask(call(1, "send")))
        passed(gate.ask(call(2, "secret")))
        refused(gate.ask(call(3, "send")), "after_secret")
        assert len(gate.upstream.received) == 2


def _label_session(gates: Gates) -> None:
    folder = _fresh(gates)
    with gates.gate(policy=str(folder)) as gate:
        passed(gate.ask(call(2, "secret")))
        begun = gate.ask(b'{"jsonrpc":"2.0","id":9,"method":"initialize","params":{}}').headers["mcp-session-id"]
        refused(gate.ask(call(3, "send"), f"Mcp-Session-Id: {begun}"), "after_secret")


def _label_restart(gates: Gates) -> None:
    _again(
        gates,
        lambda gate: passed(gate.ask(call(1, "secret"))),
        lambda gate: refused(gate.ask(call(2, "send")), "after_secret"),
    )


def _other(gates: Gates) -> None:
    folder = _fresh(gates)
    with gates.gate(policy=str(folder)) as gate:
        passed(gate.ask(call(1, "secret")))
        passed(gate.ask(call(2, "send"), token=BOB))


def _deciding(gates: Gates) -> Gate:
    gate = gates.deciding
    gate.fresh()
    return gate


def _decided(gates: Gates, asked: bytes, answer: Reply, expected: str) -> None:
    gate = _deciding(gates)
    gate.upstream.answers(answer)
    found = gate.ask(asked)
    assert SSN.encode() not in found.body
    if expected.startswith("`"):
        refused(found, expected.strip("`"), found.status)
    assert len(gate.upstream.received) == 1


def _result_label(gates: Gates) -> None:
    folder = gates.folder()
    (folder / "policy.rego").write_text(RESULTS)
    with gates.gate(policy=str(folder)) as gate:
        gate.upstream.answers(http(result(1, content=[{"type": "text", "text": "-----BEGIN KEY"}])))
        passed(gate.ask(call(1, "key")))
        refused(gate.ask(call(2, "plain")), "policy_undefined")
        assert len(gate.upstream.received) == 1


def _result_plain(gates: Gates) -> None:
    gate = _deciding(gates)
    held = result(1, content=[{"type": "text", "text": SSN}])
    gate.upstream.answers(http(held))
    assert gate.ask(call(1, "plain")).body == held


def _pieces() -> list[bytes | float]:
    """The event, cut in the middle of the value."""
    event = b"data: " + _HELD + b"\n\n"
    cut = event.index(SSN.encode()) + 3
    return events(event[:cut], 0.05, event[cut:])


_ANSWERS: Final[list[tuple[str, str, Reply]]] = [
    ("answer", "an answer", http(_HELD)),
    ("answer-in-a-stream", "an answer on a stream", events(b"data: " + _HELD + b"\n\n")),
    ("secret-split-over-chunks", "an event that comes in two pieces", _pieces()),
    ("error-data", "the data of an error", http(_FAILED)),
    ("notification-beside", "a log message on the call's stream",
     events(b"data: " + _LOGGED + b"\n\n", b"data: " + _HELD + b"\n\n")),
]  # fmt: skip
_SECRET: Final = result(1, content=[], structuredContent={"secret": True, "ssn": SSN})
_DECIDED: Final[list[tuple[str, str, str, bytes, Reply]]] = [
    ("denied", "an answer that policy denies", "`too_secret`", call(1, "plain"), http(_SECRET)),
    ("denied-in-a-stream", "the same on a stream", "`too_secret`", call(1, "plain"),
     events(b"data: " + _SECRET + b"\n\n")),
    ("redacted", "an answer that policy redacts", "the agent does not get the value", call(1, "person"),
     http(result(1, content=[], structuredContent={"ssn": SSN}))),
    ("undecided", "an answer that policy has no value for", "`policy_undefined`", call(1, "unheard"),
     http(result(1, content=[{"type": "text", "text": SSN}]))),
    ("obligation-too-late", "an answer under an obligation of calls", "`obligation_unmet`", call(1, "limited"),
     http(result(1, content=[{"type": "text", "text": SSN}]))),
    ("error-undecided", "an error that policy has no value for", "`policy_undefined`", call(1, "unheard"),
     http(_FAILED)),
    ("error-to-nobody", "an error to another id under an HTTP error, which clients take for theirs",
     "`policy_undefined`", call(1, "unheard"), http(_FAILED.replace(b'"id":1', b'"id":"x"'), status="400 Bad Request")),
    ("text-under-500", "text under an HTTP error", "the agent does not get the text", call(1, "plain"),
     http(SSN.encode(), status="500 Broken", kind="text/plain")),
    ("result-as-text-under-500", "a result as text under an HTTP error", "the agent does not get it", call(1, "plain"),
     http(_HELD, status="500 Broken", kind="text/plain")),
    ("error-with-two-ids-under-400", "an error with two ids under an HTTP error", "the agent does not get it",
     call(1, "plain"), http(_FAILED[:-1] + b',"id":2}', status="400 Bad Request")),
]  # fmt: skip
