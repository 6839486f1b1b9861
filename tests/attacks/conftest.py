"""One set of sidecars for the whole table; the evidence that all rows have left together must verify."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.attacks.gates import Gates


@pytest.fixture(scope="session")
def gates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gates]:
    """The sidecars, until the last row has been played."""
    with ExitStack() as stack:
        yield Gates(tmp_path_factory.mktemp("attacks"), stack)
