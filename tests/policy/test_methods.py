"""The closed table of methods against the published schemas, as the `mcp` SDK carries them."""

import pytest
from mcp_types.methods import CLIENT_NOTIFICATIONS, CLIENT_REQUESTS, SERVER_NOTIFICATIONS, SERVER_REQUESTS

from policy.methods import CLIENT_METHODS, LIST_ITEMS, SERVER_METHODS, Treatment, subject, treatment
from policy.vocabulary import Direction

CLIENT = {method for method, _ in (*CLIENT_REQUESTS, *CLIENT_NOTIFICATIONS)}
SERVER = {method for method, _ in (*SERVER_REQUESTS, *SERVER_NOTIFICATIONS)}

CLIENT_BEYOND = {
    *("tasks/get", "tasks/result", "tasks/update", "tasks/cancel", "tasks/list", "notifications/tasks/status"),
    *("sampling/createMessage", "elicitation/create", "roots/list"),
}
SERVER_BEYOND = {
    *("tasks/get", "tasks/result", "tasks/cancel", "tasks/list", "notifications/tasks", "notifications/tasks/status"),
    *("sampling/createMessage", "elicitation/create", "roots/list"),
    "notifications/elicitation/complete",
    "notifications/subscriptions/acknowledged",
}
"""The SDK leaves tasks out, and 2026-07-28 has requests of the server inside results."""


def test_every_method_of_every_revision_is_known() -> None:
    assert CLIENT - CLIENT_METHODS.keys() == set()
    assert SERVER - SERVER_METHODS.keys() == set()


def test_no_method_is_known_that_no_revision_has() -> None:
    assert CLIENT_METHODS.keys() - CLIENT == CLIENT_BEYOND - CLIENT
    assert SERVER_METHODS.keys() - SERVER == SERVER_BEYOND - SERVER


def test_lists_are_those_whose_items_are_known() -> None:
    assert {method for method, how in CLIENT_METHODS.items() if how is Treatment.LIST} == set(LIST_ITEMS)


@pytest.mark.parametrize(
    ("method", "direction", "expected"),
    [
        pytest.param("tools/call", "client", Treatment.DECIDE, id="call"),
        pytest.param("tools/list", "client", Treatment.LIST, id="list"),
        pytest.param("initialize", "client", Treatment.CONTROL, id="lifecycle"),
        pytest.param("sampling/createMessage", "server", Treatment.DECIDE, id="question-of-the-server"),
        pytest.param("tools/call", "server", Treatment.DECIDE, id="known-but-not-from-that-side"),
        pytest.param("initialize", "server", Treatment.DECIDE, id="lifecycle-from-the-wrong-side"),
        pytest.param("tools/destroy", "client", Treatment.DECIDE, id="unknown"),
        pytest.param("Tools/List", "client", Treatment.DECIDE, id="other-case"),
        pytest.param("notifications/unheard", "client", Treatment.DECIDE, id="unknown-notification"),
    ],
)
def test_treatment(method: str, direction: Direction, expected: Treatment) -> None:
    assert treatment(method, direction) is expected


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        pytest.param("tools/call", {"name": "echo"}, "echo", id="name"),
        pytest.param("resources/read", {"uri": "file:///a"}, "file:///a", id="uri"),
        pytest.param("tasks/get", {"taskId": "7"}, "7", id="task"),
        pytest.param("completion/complete", {"ref": {"type": "ref/prompt", "name": "p"}}, "p", id="reference-name"),
        pytest.param(
            "completion/complete", {"ref": {"type": "ref/resource", "uri": "t://{x}"}}, "t://{x}", id="reference-uri"
        ),
        pytest.param(
            "completion/complete",
            {"ref": {"type": "ref/resource", "name": "p", "uri": "t"}},
            "t",
            id="reference-of-two",
        ),
        pytest.param("completion/complete", {"ref": {"name": "p"}}, None, id="reference-without-type"),
        pytest.param("completion/complete", {"name": "x"}, None, id="no-reference"),
        pytest.param("resources/read", {"name": "file:///a", "uri": "file:///b"}, "file:///b", id="uri-beside-a-name"),
        pytest.param("resources/subscribe", {"name": "a", "uri": "b"}, "b", id="subscription-beside-a-name"),
        pytest.param("resources/read", {"name": "file:///a"}, None, id="name-where-a-uri-counts"),
        pytest.param("tools/call", {"uri": "echo"}, None, id="uri-where-a-name-counts"),
        pytest.param("tasks/cancel", {"name": "echo", "taskId": "7"}, "7", id="task-beside-a-name"),
        pytest.param("no/such", {"uri": "a"}, "a", id="unknown-method"),
        pytest.param("no/such", {"name": "a", "uri": "b"}, None, id="unknown-method-with-two"),
        pytest.param("tools/call", {"name": 7}, None, id="not-a-text"),
        pytest.param("tools/call", {"name": 7, "uri": "echo"}, None, id="not-a-text-beside-a-uri"),
        pytest.param("tools/call", None, None, id="no-params"),
        pytest.param("tools/call", ["echo"], None, id="params-by-position"),
    ],
)
def test_subject(method: str, params: object, expected: str | None) -> None:
    assert subject(method, params) == expected
