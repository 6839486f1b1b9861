"""The order file: numbered, signed, chained, watched; and what a sidecar does when somebody edits it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from evidence.clock import SystemClock
from policy.containment import Orders, Scope
from policy.orders import FILE, OrderFile, OrdersProblem, issue


def _issue(state: Path, kind: str = "kill", agent: str = "bot") -> None:
    issue(state, kind, Scope(agent=agent), reason="test", issuer="operator", clock=SystemClock())  # type: ignore[arg-type]


def test_orders_stand_from_the_start(tmp_path: Path) -> None:
    _issue(tmp_path)
    orders = OrderFile(tmp_path).current
    assert [(order.number, order.kind, order.scope.agent) for order in orders.standing] == [(1, "kill", "bot")]


def test_a_release_ends_the_order_of_its_scope(tmp_path: Path) -> None:
    _issue(tmp_path)
    _issue(tmp_path, agent="other")
    _issue(tmp_path, "release")
    assert [order.scope.agent for order in OrderFile(tmp_path).current.standing] == ["other"]


def test_a_running_sidecar_sees_a_new_order(tmp_path: Path) -> None:
    book = OrderFile(tmp_path)
    seen: list[Orders] = []
    _issue(tmp_path)
    book.poll(seen.append)
    book.poll(seen.append)
    assert [orders.number for orders in seen] == [1]
    assert book.current.number == 1


def _change_a_byte(data: bytes) -> bytes:
    return data.replace(b"test", b"tost", 1)


def _drop_the_first(data: bytes) -> bytes:
    return data.split(b"\n", 1)[1]


def _drop_the_last(data: bytes) -> bytes:
    return b"\n".join(data.split(b"\n")[:-2]) + b"\n"


def _swap(data: bytes) -> bytes:
    first, second, rest = data.split(b"\n", 2)
    return b"\n".join((second, first, rest))


def _empty(_: bytes) -> bytes:
    return b""


EDITS = pytest.mark.parametrize(
    "edit", [_change_a_byte, _drop_the_first, _drop_the_last, _swap, _empty], ids=lambda edit: edit.__name__.strip("_")
)


@EDITS
def test_an_edited_file_is_refused_at_start(tmp_path: Path, edit: Callable[[bytes], bytes]) -> None:
    _issue(tmp_path)
    _issue(tmp_path, agent="other")
    OrderFile(tmp_path)
    path = tmp_path / FILE
    path.write_bytes(edit(path.read_bytes()))
    with pytest.raises(OrdersProblem, match="restore"):
        OrderFile(tmp_path)


@EDITS
def test_an_edited_file_leaves_a_running_sidecar_its_orders(tmp_path: Path, edit: Callable[[bytes], bytes]) -> None:
    _issue(tmp_path)
    _issue(tmp_path, agent="other")
    book = OrderFile(tmp_path)
    path = tmp_path / FILE
    path.write_bytes(edit(path.read_bytes()))
    book.poll(lambda _: pytest.fail("an edited file was obeyed"))
    assert book.current.number == 2
    assert book.problem() is not None


def test_half_a_line_is_no_order_and_is_written_over(tmp_path: Path) -> None:
    _issue(tmp_path)
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes() + b'{"agent":')
    assert OrderFile(tmp_path).current.number == 1
    _issue(tmp_path, agent="other")
    assert OrderFile(tmp_path).current.number == 2
