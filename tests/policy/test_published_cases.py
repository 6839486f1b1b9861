"""The embedded engine answers what OPA's published cases want, or refuses: the policy, or the one question."""

from collections import Counter
from typing import Final

from tests.policy.published import outcomes

RIGHT: Final = 1_608
"""So many are right at least; what is refused answers nobody."""

WITHOUT_INPUT: Final = {"virtualdocs/undefined: in array literal", "virtualdocs/undefined: in set literal"}
"""They have no input at all, which regopy's compiler does not look for; a sidecar always has one."""


def test_a_published_case_has_its_value_or_none() -> None:
    found = list(outcomes())
    wrong = {one for one in found if one.kind in ("other value", "no error")}
    assert {one for one in wrong if one.note not in WITHOUT_INPUT} == set()
    assert {one.note for one in wrong} == WITHOUT_INPUT
    kinds = Counter(one.kind for one in found)
    assert kinds["right"] >= RIGHT, kinds
