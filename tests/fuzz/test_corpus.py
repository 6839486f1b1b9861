"""The short form of the fuzzer: every known input of every target, and some changes to them, the same each time."""

from itertools import islice

import pytest

from tests.fuzz.corpus import known
from tests.fuzz.mutation import mutated
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_known_inputs(name: str) -> None:
    for raw in known(TARGETS[name]):
        TARGETS[name].check(raw)


@pytest.mark.parametrize("name", TARGETS)
def test_changed_inputs(name: str) -> None:
    target = TARGETS[name]
    for raw in islice(mutated(target, known(target), seed=1), target.changes):
        target.check(raw)
