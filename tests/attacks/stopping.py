"""Kill switch: an order stops everything of an agent, at once and for good, whatever is under way."""

import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Final

from tests.attacks.documents import CALL
from tests.attacks.gates import BOB, Gate, Gates
from tests.attacks.pipes import Wrapped, wrapped
from tests.attacks.row import Story
from tests.attacks.stories import begin_task, legacy_stream, passed, refused, rest, until
from tests.attacks.trail import Trail
from tests.attacks.upstream import events, http
from tests.path.messages import MESSAGES, batch, call, notification, request, result
from tests.peers.recorder import Received
from tests.peers.sidecar import agentgate

SOON: Final = 5.0
"""Seconds within which an order must have taken hold: a tenth of one, and what a busy machine adds."""

_METHODS: Final = {
    "call": CALL,
    "ping": request(1, "ping"),
    "initialize": MESSAGES["INIT"],
    "discover": request(1, "server/discover"),
    "list": request(1, "tools/list"),
    "resources": request(1, "resources/list"),
    "read": request(1, "resources/read", uri="file:///srv/a"),
    "prompt": request(1, "prompts/get", name="p"),
    "task": request(1, "tasks/get", taskId="t"),
    "level": request(1, "logging/setLevel", level="debug"),
    "unknown": request(1, "no/such"),
    "batch": batch(request(1, "ping"), CALL.replace(b'"id":1', b'"id":2')),
}


def rows() -> Iterator[Story]:
    """Every row of the class."""
    for name, body in _METHODS.items():
        told = partial(_refused, body=body)
        yield Story(f"kill/{name}", f"`{name}` after a kill of its agent", "`contained`; nothing arrives", told)
    for method in ("GET", "DELETE"):
        said = f"`{method}` after a kill of its agent"
        told = partial(_leg, method=method)
        yield Story(f"kill/{method.lower()}", said, "503 `contained`; nothing arrives", told)
    for name, body in (("cancel", MESSAGES["CANCEL"]), ("progress", MESSAGES["PROGRESS"])):
        told = partial(_dropped, body=body)
        yield Story(f"kill/notification-{name}", "a notification after a kill", "202; nothing arrives", told)
    for name, tell, said, expected in _STORIES:
        yield Story(f"kill/{name}", said, expected, tell, passes=name in ("release", "another-agent"))


@contextmanager
def _order(gate: Gate, kind: str = "kill", *scope: str) -> Iterator[None]:
    """The order stands until the block ends."""
    scope = scope or ("--agent", "alice")
    give(gate, kind, *scope)
    try:
        yield
    finally:
        give(gate, "release", *scope)


def give(gate: Gate | Wrapped, kind: str, *scope: str) -> None:
    """Give an order, and wait until the sidecar has taken it up."""
    gate.trail.more()
    done = agentgate(kind, "--state", gate.folders.state, *scope)
    assert done.returncode == 0, done
    _until_it_is_recorded(gate, "order")


def _refused(gates: Gates, body: bytes) -> None:
    gate = gates.stopped
    gate.fresh()
    refused(gate.ask(body), "contained")
    assert gate.upstream.received == gate.upstream.own == []


def _leg(gates: Gates, method: str) -> None:
    gate = gates.stopped
    gate.fresh()
    refused(gate.ask(method=method), "contained", 503)
    assert gate.upstream.received == []


def _dropped(gates: Gates, body: bytes) -> None:
    gate = gates.stopped
    gate.fresh()
    assert gate.ask(body).status == 202
    assert gate.upstream.received == []


def _cached(gates: Gates) -> None:
    gate = gates.stopping
    gate.fresh()
    passed(gate.ask(CALL))
    with _order(gate):
        refused(gate.ask(CALL), "contained")
    assert gate.upstream.bodies == [CALL]


def _during_a_call(gates: Gates) -> None:
    gate = gates.stopping
    gate.fresh()
    late = http(result(1, content=["late"]))
    gate.upstream.reply = lambda asked: [10.0, late] if asked.body == CALL else gate.upstream.plain(asked)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(gate.ask, CALL)
        _until_it_arrived(gate.upstream.received)
        with _order(gate):
            refused(asked.result(SOON), "contained")
    said, cancelled = gate.upstream.bodies
    assert said == CALL
    assert b'"method":"notifications/cancelled","params":{"requestId":1,' in cancelled
    outcomes = [each["outcome"] for each in Trail(gate.folders.evidence).more() if each["kind"] == "outcome"]
    assert outcomes[-1] == "killed"


def _until_it_arrived(received: Sequence[Received]) -> None:
    deadline = time.monotonic() + SOON
    while not received:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _during_an_answer(gates: Gates) -> None:
    gate = gates.stopping
    gate.fresh()
    first = b"data: " + notification("notifications/progress", progress=1) + b"\n\n"
    gate.upstream.answers(events(first, 10.0, b"data: " + result(1, content=["late"]) + b"\n\n"))
    stream, _ = until(gate, "POST", b"progress", "Content-Type: application/json", body=CALL)
    with _order(gate):
        heard = rest(stream)
    assert b'"code":"contained"' in heard
    assert b"late" not in heard


def _during_a_stream(gates: Gates) -> None:
    gate = gates.stopping
    gate.fresh()
    note = b"data: " + notification("notifications/message", level="info", data="x") + b"\n\n"
    gate.upstream.answers(events(note, 10.0, note))
    stream, _ = until(gate, "GET", b"notifications/message")
    with _order(gate):
        assert b"notifications/message" not in rest(stream)


def _during_a_legacy_stream(gates: Gates) -> None:
    gate = gates.stopping
    stream, path = legacy_stream(gate, "/messages", lasts=30.0)
    with _order(gate):
        began = time.monotonic()
        rest(stream)
        assert time.monotonic() - began < SOON
        refused(gate.ask(CALL, path=path), "session_not_found", 404)
    assert gate.upstream.received == []


def _tells_the_child(gates: Gates) -> None:
    with wrapped(gates.folder()) as wrap:
        wrap.agent.say(CALL + b"\n")
        wrap.child.until(b'"tools/call"')
        give(wrap, "kill", "--agent", "default")
        began = time.monotonic()
        assert wrap.agent.until(b'"code":"contained"') == b""
        assert wrap.child.until(b'"method":"notifications/cancelled","params":{"requestId":1,') == b""
        assert time.monotonic() - began < SOON
        wrap.child.say(result(1, content=["late"]) + b"\n")
        give(wrap, "release", "--agent", "default")
        assert wrap.settle(b"") == (b"", b"")


def _another_agent(gates: Gates) -> None:
    gate = gates.stopping
    gate.fresh()
    with _order(gate):
        passed(gate.ask(CALL, token=BOB))


def _one_tool(gates: Gates) -> None:
    gate = gates.stopping
    gate.fresh()
    both = batch(call(1, "echo"), call(2, "drop"))
    with _order(gate, "kill", "--tool", "drop"):
        refused(gate.ask(call(1, "drop")), "contained")
        refused(gate.ask(both), "contained")
        assert gate.upstream.received == []
        passed(gate.ask(CALL))


_DRIVES: Final = {
    method: request(2, method, taskId="running") for method in ("tasks/get", "tasks/result", "tasks/update")
}
_OF_ECHO: Final = ("--tool", "echo")


def _drive(gate: Gate) -> None:
    """Nothing that would bring the result of the task, or let it go on, reaches the tool server."""
    gate.fresh()
    for body in _DRIVES.values():
        refused(gate.ask(body), "contained")
    assert gate.upstream.received == []


def _task_of_a_tool(gates: Gates) -> None:
    gate = gates.stopping
    begin_task(gate, "running")
    with _order(gate, "kill", *_OF_ECHO):
        _until_it_arrived(gate.upstream.own)
        assert b'"method":"tasks/cancel"' in gate.upstream.own[0].body
        _drive(gate)
        cancel = request(2, "tasks/cancel", taskId="running")
        passed(gate.ask(cancel))
        assert gate.upstream.bodies == [cancel]


def _task_told_of(gates: Gates) -> None:
    gate = gates.stopping
    begin_task(gate, "running")
    told = notification("notifications/tasks", taskId="running", status="completed", result={"content": ["late"]})
    with _order(gate, "kill", *_OF_ECHO):
        gate.upstream.answers(events(b"data: " + told + b"\n\n"))
        answer = gate.ask(b"", "Accept: text/event-stream", method="GET")
    assert answer.status == 200
    assert b"late" not in answer.body


def _task_after_a_restart(gates: Gates) -> None:
    folder = gates.folder()
    with gates.gate(folder=folder) as gate:
        begin_task(gate, "running")
        gate.sidecar.program.kill()
    with gates.gate(folder=folder) as gate:
        give(gate, "kill", *_OF_ECHO)
        _drive(gate)
        assert gate.folders.verify()["ok"]


def _everybody(gates: Gates) -> None:
    gate = gates.stopping
    gate.fresh()
    with _order(gate, "kill", "--upstream", "files"):
        refused(gate.ask(CALL), "contained")
        refused(gate.ask(CALL, token=BOB), "contained")
        passed(gate.ask(CALL, path="/other"))
    assert len(gate.upstream.received) == 1


def _quarantine(gates: Gates) -> None:
    gate = gates.stopping
    gate.fresh()
    with _order(gate, "quarantine"):
        refused(gate.ask(CALL), "contained")
    assert gate.upstream.received == []


def _while_connecting(gates: Gates) -> None:
    """The tool server's backlog is full: the kernel takes up nobody until there is room."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening, ExitStack() as stack:
        where = listening.getsockname()
        stack.enter_context(socket.create_connection(where))
        lines = f'[upstreams.slow]\nurl = "http://127.0.0.1:{where[1]}/mcp"\n'
        with gates.gate(lines=lines) as gate, ThreadPoolExecutor(1) as threads:
            asked = threads.submit(gate.ask, request(1, "resources/read", uri="file:///srv/a"), path="/slow")
            _until_it_is_recorded(gate, "intent")
            with _order(gate, "quarantine"):
                stack.enter_context(listening.accept()[0])
                listening.settimeout(SOON)
                connected = stack.enter_context(listening.accept()[0])
                connected.settimeout(SOON)
                with suppress(ConnectionResetError):
                    assert connected.recv(1) == b""
                refused(asked.result(SOON), "contained")


def _until_it_is_recorded(gate: Gate | Wrapped, kind: str) -> None:
    deadline = time.monotonic() + SOON
    while not any(each["kind"] == kind for each in gate.trail.more()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _release(gates: Gates) -> None:
    gate = gates.stopping
    gate.fresh()
    with _order(gate):
        pass
    passed(gate.ask(CALL))


def _restart(gates: Gates) -> None:
    folder = gates.folder()
    with gates.gate(folder=folder) as gate:
        give(gate, "kill", "--agent", "alice")
        gate.sidecar.program.kill()
    with gates.gate(folder=folder) as gate:
        refused(gate.ask(CALL), "contained")
        assert gate.upstream.received == []
        assert gate.folders.verify()["ok"]


_STORIES: Final = [
    ("cached-decision", _cached, "a call that passed before, again after a kill", "`contained`; arrives once"),
    ("during-a-call", _during_a_call, "a kill while the tool server works", "`contained` at once, outcome `killed`"),
    ("during-an-answer", _during_an_answer, "a kill while an answer streams", "`contained` as its last event"),
    ("during-a-stream", _during_a_stream, "a kill while a GET stream is open", "the stream ends"),
    (
        "during-a-legacy-stream",
        _during_a_legacy_stream,
        "a kill while a legacy stream is open that would last",
        "it ends at once, and its endpoint is gone",
    ),
    (
        "stdio-tells-the-child",
        _tells_the_child,
        "a kill while the child of a wrap works, which answers all the same",
        "the agent gets `contained` at once, the child `notifications/cancelled`; its answer goes no further",
    ),
    ("another-agent", _another_agent, "a call of another agent after a kill", "passes"),
    (
        "one-tool",
        _one_tool,
        "a kill of one tool, called alone and in a batch",
        "`contained`; other tools pass",
    ),
    (
        "task-of-a-tool",
        _task_of_a_tool,
        "`tasks/get`, `tasks/result` and `tasks/update` of a running task after a kill of its tool",
        "`contained`, nothing arrives but our `tasks/cancel`; the agent's own `tasks/cancel` passes",
    ),
    (
        "task-of-a-tool-told-of",
        _task_told_of,
        "`notifications/tasks` with the result of a running task after a kill of its tool",
        "kept back",
    ),
    (
        "task-of-a-tool-restart",
        _task_after_a_restart,
        "kill -9 of the sidecar while a task runs, a new start, a kill of the tool, then what drives the task",
        "`contained`; nothing arrives",
    ),
    ("one-upstream", _everybody, "a kill of one upstream", "`contained` for everybody there, and only there"),
    ("quarantine", _quarantine, "a call after a quarantine", "`contained`; nothing arrives"),
    (
        "quarantine-while-connecting",
        _while_connecting,
        "a quarantine while a call that was decided waits for a connection to its tool server",
        "`contained`; a connection is made and brings no byte",
    ),
    ("release", _release, "a call after the release", "passes"),
    ("restart", _restart, "kill, then kill -9 of the sidecar, then a new start", "it starts killed"),
]
