"""What stories share: sending, and reading what came of it."""

import json
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.attacks.documents import CALL
from tests.attacks.gates import ALICE, Gate, request
from tests.attacks.row import check_refusal, refusals_in
from tests.attacks.upstream import events, http
from tests.attacks.wire import Answer, connect
from tests.path.messages import result
from tests.peers.recorder import Received

Teller = Callable[..., None]


def refused(answer: Answer, code: str, status: int = 200) -> None:
    """The answer is this refusal."""
    assert answer.status == status, answer
    found = refusals_in(answer.body)
    assert found, answer
    for each in found:
        check_refusal(each, code)


def passed(answer: Answer) -> Any:
    """The answer is a result, and no refusal."""
    assert answer.status == 200, answer
    assert refusals_in(answer.body) == [], answer
    return json.loads(answer.body)["result"]


def ask_for_task(gate: Gate, task: str, token: str = ALICE) -> Answer:
    """A call that the server lets become this task, whoever's it is already."""
    gate.upstream.answers(http(result(1, resultType="task", taskId=task, status="working", ttlMs=60_000)))
    return gate.ask(CALL, token=token)


def begin_task(gate: Gate, task: str) -> None:
    """Let a call become this task of the agent; then the server is a plain one again."""
    gate.fresh()
    passed(ask_for_task(gate, task))
    gate.fresh()


def begin(gate: Gate, body: bytes, *headers: str, path: str = "/files", token: str = ALICE) -> str:
    """Begin a session: its id, as the upstream gave it."""
    answer = gate.ask(body, *headers, path=path, token=token)
    passed(answer)
    return answer.headers["mcp-session-id"]


def until(
    gate: Gate, method: str, mark: bytes, *headers: str, body: bytes = b"", token: str = ALICE
) -> tuple[socket.socket, bytes]:
    """Open a stream and read until the mark stands in it; the connection stays open."""
    connection = connect(gate.port)
    connection.sendall(request(method, "/files", body, headers, port=gate.port, token=token))
    heard = b""
    while mark not in heard.partition(b"\r\n\r\n")[2]:
        piece = connection.recv(65536)
        assert piece, heard
        heard += piece
    return connection, heard


def legacy_stream(gate: Gate, endpoint: str, *, lasts: float = 3.0) -> tuple[socket.socket, str]:
    """Open a legacy stream whose server names this endpoint: the connection, and the path that an agent gets.

    The server ends it after `lasts` seconds.
    """
    gate.fresh()
    passed(gate.ask(b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'))

    def legacy(asked: Received) -> Any:
        if asked.method == "GET":
            return events(b"event: endpoint\ndata: %b\n\n" % endpoint.encode(), lasts)
        return http(b"", status="202 Accepted", kind=None)

    gate.upstream.reply = legacy
    stream, heard = until(gate, "GET", b"\n\n", "Accept: text/event-stream")
    gate.upstream.received.clear()
    return stream, heard.split(b"data: ")[1].split(b"\n")[0].decode()


def rest(connection: socket.socket) -> bytes:
    """What still comes until the connection ends."""
    heard = b""
    with connection, suppress(ConnectionError):
        while piece := connection.recv(65536):
            heard += piece
    return heard


def without_reference(body: bytes) -> bytes:
    """A refusal without what is different in each."""
    return re.sub(rb"[0-9a-f]{32}", b"", body)
