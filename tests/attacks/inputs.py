"""Gateway bypass by what a client answers: policy decides answers that travel in requests of the client, too."""

from collections.abc import Iterator
from typing import Final

from tests.attacks.gates import Gates
from tests.attacks.mirrors import CALL as MODERN_CALL
from tests.attacks.mirrors import META, M, N, V
from tests.attacks.row import Story
from tests.attacks.stories import begin_task, passed, refused
from tests.attacks.upstream import http
from tests.path.messages import MESSAGES, request

POLICY: Final = """package agentgate

decision := {"effect": "deny", "reason": "no_sampling"} if input.call.method == "sampling/createMessage"
else := {"effect": "deny", "reason": "no_updates"} if input.call.method == "tasks/update"
else := {"effect": "deny", "reason": "dangerous_input"} if {
	contains(json.marshal(input.call.params.inputResponses), "evil.example")
} else := {"effect": "allow", "reason": "ok"}

listing := {"hide": []}
"""


def rows() -> Iterator[Story]:
    """Every row."""
    yield Story(
        "bypass/denied-update-of-an-own-task",
        "`tasks/update` of a task that the agent has begun, denied by policy",
        "`no_updates`, policy's own code; nothing arrives",
        _update,
    )
    yield Story(
        "bypass/denied-answer-in-a-repeated-call",
        "a call that is repeated with `inputResponses` of which policy denies one",
        "`dangerous_input`, policy's own code; nothing arrives",
        _repeat,
    )


def _update(gates: Gates) -> None:
    gate = gates.questioned
    begin_task(gate, "updated")
    update = request(2, "tasks/update", taskId="updated", inputResponses={}, _meta=META)
    refused(gate.ask(update, V, "Mcp-Method: tasks/update", "Mcp-Name: updated"), "no_updates")
    assert gate.upstream.received == []
    passed(gate.ask(request(3, "tasks/cancel", taskId="updated")))


def _repeat(gates: Gates) -> None:
    gate = gates.questioned
    gate.fresh()
    gate.upstream.answers(http(MESSAGES["ASKS_STATE"]))
    assert passed(gate.ask(MODERN_CALL, V, M, N))["resultType"] == "input_required"
    gate.fresh()
    refused(gate.ask(_repeated("mallory@evil.example"), V, M, N), "dangerous_input")
    assert gate.upstream.received == []
    again = _repeated("ann@mail.example")
    passed(gate.ask(again, V, M, N))
    assert gate.upstream.bodies == [again]


def _repeated(to: str) -> bytes:
    responses = {"a": {"action": "accept", "content": {"to": to}}}
    members = {"requestState": "s1", "inputResponses": responses, "_meta": META}
    return request(2, "tools/call", name="echo", arguments={}, **members)
