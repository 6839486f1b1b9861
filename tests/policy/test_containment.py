"""Which orders apply to whom; and only that makes a clearance."""

import pytest

from policy.containment import Contained, Order, OrderKind, Orders, Scope, caller_contained, clear
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
