"""Tests that share something expensive, or cannot stand each other, are run by one worker: the runner keeps groups."""

import pytest


@pytest.mark.xdist_group("one_worker")
def test_a_group_reaches_whoever_hands_out_the_tests(request: pytest.FixtureRequest) -> None:
    """pytest-xdist tells groups by a suffix of the test's id, and says nothing where that is lost."""
    if hasattr(request.config, "workerinput"):
        assert request.node.nodeid.endswith("@one_worker")
