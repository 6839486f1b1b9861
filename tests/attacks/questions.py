"""Questions of tool servers that policy denies: the client never sees them, and the server is answered in its place."""

from collections.abc import Iterator
from typing import Final

from tests.attacks.documents import CALL
from tests.attacks.exchanges import HttpRow
from tests.attacks.gates import Gates
from tests.attacks.mirrors import META, READ, V
from tests.attacks.row import Row, Story
from tests.attacks.stories import begin_task, refused
from tests.attacks.upstream import events, http
from tests.path.messages import input_required, request, result

QUESTIONS: Final[dict[str, tuple[bytes, bytes]]] = {
    "sampling": (
        request("q", "sampling/createMessage", messages=[]),
        b'{"jsonrpc":"2.0","id":"q","error":{"code":-1,"message":"User rejected sampling request"}}',
    ),
    "elicitation": (
        request("q", "elicitation/create", message="?", requestedSchema={"type": "object"}),
        b'{"jsonrpc":"2.0","id":"q","result":{"resultType":"complete","action":"decline"}}',
    ),
    "roots": (
        request("q", "roots/list"),
        b'{"jsonrpc":"2.0","id":"q","error":{"code":-32601,"message":"Method not found"}}',
    ),
}
"""Each with what the server is answered."""

_OK: Final = b"data: " + result(1, content=[]) + b"\n\n"
_PROMPT: Final = request(1, "prompts/get", name="p", _meta=META)
_RESULTS: Final = {"resources/read": (READ, "file:///srv/a"), "prompts/get": (_PROMPT, "p")}
_ASKED: Final = {"a": "elicitation/create", "b": "sampling/createMessage"}
"""Two questions inside a result, of which policy allows the first."""


def rows() -> Iterator[Row]:
    """Those inside results, and those on streams."""
    for method, (body, name) in _RESULTS.items():
        yield HttpRow(
            f"response/denied-question-inside-a-result-of-{method}", 200, "no_sampling", body=body, gate="questioned",
            headers=[V, f"Mcp-Method: {method}", f"Mcp-Name: {name}"], arrives=[body],
            answer=http(input_required(**_ASKED)), lacks=[each.encode() for each in _ASKED.values()],
            said=f"a result of `{method}` with two questions in it, of which policy allows one",
        )  # fmt: skip
    yield Story(
        "response/denied-question-inside-a-result-of-tasks/get",
        "a result of `tasks/get` with two questions in it, of which policy allows one",
        "`no_sampling`, without either question",
        _task_asks,
    )
    for what, (question, answer) in QUESTIONS.items():
        event = b"data: " + question + b"\n\n"
        if what != "sampling":
            yield HttpRow(
                f"sse/denied-question-for-{what}", 200, body=CALL, gate="strict", answer=events(event, 0.3, _OK),
                arrives=[CALL, answer], lacks=[what.encode()], notes="not_granted",
                said=f"the tool server asks for {what} on the stream of a call",
            )  # fmt: skip
        yield HttpRow(
            f"sse/denied-question-for-{what}-on-get", 200, method="GET", gate="strict", answer=events(event, 0.3),
            arrives=[b"", answer], lacks=[what.encode()], notes="not_granted",
            said=f"the tool server asks for {what} on a `GET` stream",
        )  # fmt: skip


def _task_asks(gates: Gates) -> None:
    gate = gates.questioned
    begin_task(gate, "asking")
    get = request(2, "tasks/get", taskId="asking", _meta=META)
    asked = {key: {"method": method, "params": {}} for key, method in _ASKED.items()}
    gate.upstream.answers(http(result(2, taskId="asking", status="input_required", inputRequests=asked)))
    answer = gate.ask(get, V, "Mcp-Method: tasks/get", "Mcp-Name: asking")
    refused(answer, "no_sampling")
    assert gate.upstream.bodies == [get]
    assert [method for method in _ASKED.values() if method.encode() in answer.body] == []
