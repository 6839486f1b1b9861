"""How many calls are held for an approval: so many in all, and not all of them of one caller."""

from pathlib import Path

from msgspec import structs

from proxy.approvals import MAX_HELD, MAX_HELD_EACH, Approvals
from tests.path.stage import callers

ALICE, BOB = callers()


def test_one_caller_leaves_room_for_others(tmp_path: Path) -> None:
    approvals = Approvals(tmp_path, answerable=True)
    assert [approvals.take_place(ALICE) for _ in range(MAX_HELD_EACH + 1)] == [True] * MAX_HELD_EACH + [False]
    assert approvals.take_place(BOB)
    approvals.leave_place(ALICE)
    assert approvals.take_place(ALICE)
    assert not approvals.take_place(ALICE)


def test_all_together_are_bounded(tmp_path: Path) -> None:
    approvals = Approvals(tmp_path, answerable=True)
    crowd = [structs.replace(ALICE, agent=f"agent-{number}") for number in range(MAX_HELD)]
    assert all(map(approvals.take_place, crowd))
    assert not approvals.take_place(BOB)
    approvals.leave_place(crowd[0])
    assert approvals.take_place(BOB)
