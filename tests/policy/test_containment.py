"""Which orders apply to whom; and only that makes a clearance."""

import pytest
from msgspec import structs

from policy.containment import (
    NO_TOOL,
    UNKNOWN_TOOL,
    Contained,
    Order,
    OrderKind,
    Orders,
    Scope,
    caller_contained,
    clear,
    tool_mark,
)
from policy.vocabulary import Clearance
from tests.policy.asking import CALLER, call, tool_call


def _order(number: int, kind: OrderKind, scope: Scope) -> Order:
    return Order(number, kind, scope, "reason", "operator", "2026-01-01T00:00:00.000000+00:00")


@pytest.mark.parametrize(
    ("scope", "tool", "other_tool", "prompt"),
    [
        pytest.param(Scope(), True, True, True, id="everybody"),
        pytest.param(Scope(agent="billing"), True, True, True, id="this-agent"),
        pytest.param(Scope(agent="other"), False, False, False, id="another-agent"),
        pytest.param(Scope(upstream="u"), True, True, True, id="this-upstream"),
        pytest.param(Scope(upstream="v"), False, False, False, id="another-upstream"),
        pytest.param(Scope(tool="echo"), True, False, False, id="this-tool"),
        pytest.param(Scope(agent="billing", upstream="u", tool="echo"), True, False, False, id="all-of-them"),
        pytest.param(Scope(agent="billing", upstream="v", tool="echo"), False, False, False, id="one-does-not-match"),
    ],
)
def test_scopes(*, scope: Scope, tool: bool, other_tool: bool, prompt: bool) -> None:
    orders = Orders.after([_order(1, "quarantine", scope)])
    asked = (tool_call("echo"), tool_call("add"), call("prompts/get", {"name": "echo"}))
    assert [orders.against(one) is not None for one in asked] == [tool, other_tool, prompt]


@pytest.mark.parametrize(
    ("kind", "scope", "stopped"),
    [
        pytest.param("kill", Scope(tool="echo"), True, id="kill-of-the-tool"),
        pytest.param("kill", Scope(agent="billing", tool="echo"), True, id="kill-of-the-tool-for-this-agent"),
        pytest.param("kill", Scope(agent="other", tool="echo"), False, id="kill-of-the-tool-for-another-agent"),
        pytest.param("kill", Scope(tool="add"), False, id="kill-of-another-tool"),
        pytest.param("quarantine", Scope(tool="echo"), False, id="quarantine-of-the-tool"),
    ],
)
def test_a_kill_of_a_tool_stops_its_tasks(*, kind: OrderKind, scope: Scope, stopped: bool) -> None:
    orders = Orders.after([_order(1, kind, scope)])
    driven = [
        structs.replace(call(method, {"taskId": "t1"}), task_tool=tool_mark("echo"))
        for method in ("tasks/get", "tasks/result", "tasks/update")
    ]
    assert [orders.against(one) is not None for one in driven] == [stopped] * 3
    assert (orders.against_task(CALLER, "u", tool_mark("echo")) is not None) == stopped


@pytest.mark.parametrize(
    ("mark", "stopped"),
    [
        pytest.param(UNKNOWN_TOOL, True, id="of-whatever-tool"),
        pytest.param(NO_TOOL, False, id="of-no-tool"),
        pytest.param(tool_mark("add"), False, id="of-another-tool"),
    ],
)
def test_a_task_of_an_unknown_tool_is_stopped_by_a_kill_of_any(*, mark: str, stopped: bool) -> None:
    orders = Orders.after([_order(1, "kill", Scope(tool="echo"))])
    driven = structs.replace(call("tasks/result", {"taskId": "t1"}), task_tool=mark)
    assert (orders.against(driven) is not None) == stopped
    assert (orders.against_task(CALLER, "u", mark) is not None) == stopped


def test_a_task_of_a_killed_tool_can_be_cancelled_and_a_task_of_no_tool_goes_on() -> None:
    orders = Orders.after([_order(1, "kill", Scope(tool="echo"))])
    cancel = structs.replace(call("tasks/cancel", {"taskId": "t1"}), task_tool=tool_mark("echo"))
    assert orders.against(cancel) is None
    assert orders.against(call("tasks/get", {"taskId": "t1"})) is None


def test_a_clearance_names_call_and_orders() -> None:
    asked = tool_call()
    assert clear(Orders(number=7), asked) == Clearance(asked.id, 7)


def test_a_contained_call_gets_none_and_a_kill_comes_first() -> None:
    orders = Orders.after([_order(1, "quarantine", Scope(agent="billing")), _order(2, "kill", Scope(tool="echo"))])
    with pytest.raises(Contained) as contained:
        clear(orders, tool_call())
    assert contained.value.order.number == 2


def test_a_release_ends_the_orders_of_exactly_its_scope() -> None:
    orders = Orders.after(
        [
            _order(1, "kill", Scope(agent="billing")),
            _order(2, "quarantine", Scope(agent="billing")),
            _order(3, "kill", Scope(agent="billing", upstream="u")),
            _order(4, "release", Scope(agent="billing")),
        ]
    )
    assert [order.number for order in orders.standing] == [3]
    assert orders.number == 4


def test_an_order_for_a_tool_does_not_keep_the_caller_away() -> None:
    assert caller_contained(Orders.after([_order(1, "kill", Scope(tool="echo"))]), CALLER, "u") is None
    assert caller_contained(Orders.after([_order(1, "kill", Scope(upstream="u"))]), CALLER, "u") is not None
