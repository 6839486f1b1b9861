"""Session cross-talk, tenant collision, session reset: what is one caller's is nobody else's, whatever it is called."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from tests.attacks.documents import CALL
from tests.attacks.gates import ALICE, BOB, TWIN, Gate, Gates
from tests.attacks.row import Story
from tests.attacks.stories import ask_for_task, begin, legacy_stream, passed, refused, without_reference
from tests.attacks.upstream import TOOLS, events, http
from tests.path.messages import MESSAGES, call, notification, request, result
from tests.peers.recorder import Received

INIT: Final = MESSAGES["INIT"]
LIST: Final = request(3, "tools/list")
_LEGS: Final = {"post": ("POST", CALL), "get": ("GET", b""), "delete": ("DELETE", b"")}
_THIEVES: Final = {"another-caller": BOB, "the-namesake-of-another-tenant": TWIN}


def rows() -> Iterator[Story]:
    """Every row of the three classes."""
    yield from _cross_talk()
    yield from _tenants()
    for name, headers, body in _RESETS:
        told = partial(_reset, headers=headers, body=body)
        yield Story(f"reset/{name}", name.replace("-", " ") + " after two denials", "`too_many_denials`", told)


def _cross_talk() -> Iterator[Story]:
    for leg, (method, body) in _LEGS.items():
        for who, token in _THIEVES.items():
            told = partial(_stolen, method=method, body=body, token=token)
            said = f"`{method}` by {who.replace('-', ' ')} with a session id that is not theirs"
            yield Story(f"cross-talk/{leg}-{who}", said, "404, as for an id that nobody has; nothing arrives", told)
    told = partial(_stolen, method="GET", body=b"", token=BOB, more="Last-Event-ID: 1")
    said = "`GET` with another's session id and `Last-Event-ID`"
    yield Story("cross-talk/resumption", said, "404; nothing arrives", told)
    said = "a message for the legacy stream of another caller"
    yield Story("cross-talk/legacy-stream", said, "404 `session_not_found`; nothing arrives", _stolen_stream)
    said = "the tool server gives one session id to two callers"
    yield Story("cross-talk/one-id-for-two", said, "404 for the second caller", _given_twice)
    said = "two callers at the same time, same JSON-RPC id"
    yield Story("cross-talk/same-ids-at-once", said, "each gets its own answer", _at_once, passes=True)


def _stolen(gates: Gates, method: str, body: bytes, token: str, more: str = "X-A: b") -> None:
    gate = gates.open
    gate.fresh()
    session = begin(gate, INIT)
    gate.upstream.received.clear()
    answers = [
        gate.ask(body, f"Mcp-Session-Id: {id}", more, method=method, token=token) for id in (session, "nobody-has-this")
    ]
    for answer in answers:
        refused(answer, "session_not_found", 404)
    assert without_reference(answers[0].body) == without_reference(answers[1].body)
    assert gate.upstream.received == []


def _stolen_stream(gates: Gates) -> None:
    gate = gates.open
    stream, path = legacy_stream(gate, "/messages?x=1")
    with stream:
        for token in (BOB, TWIN):
            refused(gate.ask(CALL, path=path, token=token), "session_not_found", 404)
        assert gate.upstream.received == []
        assert gate.ask(CALL, path=path).status == 202
        assert gate.upstream.bodies == [CALL]


def _given_twice(gates: Gates) -> None:
    gate = gates.open
    gate.fresh()
    gate.upstream.answers(http(MESSAGES["INIT_RESULT"], "Mcp-Session-Id: the-same-for-all"))
    assert begin(gate, INIT) == "the-same-for-all"
    answer = gate.ask(INIT, token=BOB)
    refused(answer, "session_not_found", 404)
    assert "mcp-session-id" not in answer.headers


def _at_once(gates: Gates) -> None:
    gate = gates.open
    gate.fresh()

    def slowly(asked: Received) -> Any:
        tool = b"echo" if b"echo" in asked.body else b"drop"
        return [0.2 if tool == b"echo" else 0.01, http(result(1, content=[tool.decode()]))]

    gate.upstream.reply = slowly
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(gate.ask, call(1, "echo"), token=ALICE)
        second = threads.submit(gate.ask, call(1, "drop"), token=BOB)
    assert passed(first.result())["content"] == ["echo"]
    assert passed(second.result())["content"] == ["drop"]


def _tenants() -> Iterator[Story]:
    said = "a call that is granted to the agent of the same name in another tenant"
    yield Story("tenant/grant-of-a-namesake", said, "`not_granted`; nothing arrives", _namesake)
    for who in _THIEVES:
        told = partial(_one_task, who=who)
        said = f"the tool server names one task to an agent, and then to {who.replace('-', ' ')}"
        expected = "the second gets `task_not_found`, the first goes on with it"
        yield Story(f"tenant/one-task-for-{who}", said, expected, told)
        told = partial(_told_of, who=who)
        said = f"a notification about an agent's task, to {who.replace('-', ' ')}"
        yield Story(f"tenant/a-task-told-to-{who}", said, "it stays back, noted as `task_not_found`", told)
    said = "calls of namesakes of two tenants"
    yield Story("tenant/evidence-apart", said, "each chain has its own tenant's records only", _apart, passes=True)
    said = "a tool that is defined otherwise for each of two tenants"
    yield Story(
        "tenant/definitions-apart", said, "each call is recorded with its own definition", _defined, passes=True
    )


def _namesake(gates: Gates) -> None:
    gate = gates.strict
    gate.fresh()
    passed(gate.ask(CALL, token=ALICE))
    gate.upstream.received.clear()
    refused(gate.ask(CALL, token=TWIN), "not_granted")
    assert gate.upstream.received == []


def _one_task(gates: Gates, who: str) -> None:
    gate, task, token = gates.open, f"one-for-{who}", _THIEVES[who]
    gate.fresh()
    passed(ask_for_task(gate, task, ALICE))
    refused(ask_for_task(gate, task, token), "task_not_found")
    gate.upstream.answers(http(result(2, taskId=task, status="completed", result={"content": []})))
    get = request(2, "tasks/get", taskId=task)
    refused(gate.ask(get, token=token), "task_not_found")
    passed(gate.ask(get))


def _told_of(gates: Gates, who: str) -> None:
    gate, task, token = gates.open, f"told-to-{who}", _THIEVES[who]
    gate.fresh()
    passed(ask_for_task(gate, task, ALICE))
    gate.trail.more()
    told = notification("notifications/tasks", taskId=task, status="completed", result={"content": ["secret"]})
    gate.upstream.answers(events(b"data: " + told + b"\n\n"))
    answer = gate.ask(b"", "Accept: text/event-stream", method="GET", token=token)
    assert answer.status == 200
    assert b"secret" not in answer.body
    assert "task_not_found" in str(gate.trail.more())


def _apart(gates: Gates) -> None:
    gate = gates.open
    gate.fresh()
    for token, tenant in ((ALICE, "acme"), (TWIN, "beta")):
        gate.trail.more()
        passed(gate.ask(CALL, token=token))
        assert {each["tenant"] for each in gate.trail.more()} == {tenant}


def _defined(gates: Gates) -> None:
    gate = gates.open
    gate.fresh()
    digests = []
    for token, text in ((ALICE, "one"), (TWIN, "two")):
        gate.upstream.tools = [{**TOOLS[0], "description": text}]
        passed(gate.ask(LIST, token=token))
    for token in (ALICE, TWIN):
        gate.trail.more()
        passed(gate.ask(CALL, token=token))
        digests.append(definition(gate))
    assert len(set(digests)) == 2
    assert None not in digests


def definition(gate: Gate) -> str | None:
    """The digest of the definition under which the latest call was decided."""
    calls = [each for each in gate.trail.more() if each["kind"] in ("intent", "refusal")]
    digest: str | None = calls[-1]["request"]["definition"]
    return digest


_TRACE: Final = "traceparent: 00-11111111111111111111111111111111-2222222222222222-01"
_RESETS: Final[list[tuple[str, list[str], bytes]]] = [
    ("a-fresh-initialize", [], INIT),
    ("an-initialize-under-another-name", [], INIT.replace(b'"capab', b'"clientInfo":{"name":"new"},"capab')),
    ("another-trace", [_TRACE, "baggage: user=new"], b""),
    ("another-trace-in-the-body", [], CALL.replace(b'"name"', b'"_meta":{"traceparent":"00-1-2-01"},"name"')),
    ("another-address-of-the-client", ["X-Forwarded-For: 10.0.0.1", "User-Agent: new"], b""),
]  # fmt: skip


def _reset(gates: Gates, headers: list[str], body: bytes) -> None:
    gate = gates.counting
    gate.fresh()
    for _ in range(2):
        gate.ask(call(1, "drop"))
    given = list(headers)
    if body == INIT or b"clientInfo" in body:
        given.append(f"Mcp-Session-Id: {begin(gate, body)}")
    gate.upstream.received.clear()
    refused(gate.ask(body if b"_meta" in body else CALL, *given), "too_many_denials")
    refused(gate.ask(CALL, path="/other"), "too_many_denials")
    assert gate.upstream.received == []
    assert passed(gate.ask(CALL, token=BOB)) is not None
