"""The import packages have plain names: nothing else that is installed may claim one of them."""

from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

from tests.peers.places import ROOT

OURS = ["agentgate", "proxy", "policy", "evidence", "central"]


def _top_level(distribution: Distribution) -> Iterator[str]:
    for file in distribution.files or ():
        first = Path(file).parts[0]
        if first.endswith(".py"):
            yield first.removesuffix(".py")
        elif len(Path(file).parts) > 1 and not first.endswith((".dist-info", ".data")):
            yield first


@pytest.mark.parametrize("name", OURS)
def test_no_other_distribution_claims(name: str) -> None:
    claiming = {
        distribution.metadata["Name"]
        for distribution in distributions()
        if distribution.metadata["Name"] != "agentgate" and name in set(_top_level(distribution))
    }
    assert claiming == set()


def test_the_checkout_is_what_is_imported() -> None:
    import evidence.clock

    assert Path(evidence.clock.__file__).is_relative_to(ROOT)
