"""What has come and gone is given back, and where nothing has, nobody looks."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from contextlib import suppress

import pytest

from proxy.app import COLLECT_AFTER_OBJECTS
from proxy.trimming import keep_trimmed


class _Ring:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.ring = self


@pytest.fixture(autouse=True)
def _as_the_sidecar() -> Iterator[None]:
    """The collector looks as seldom as it does there."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER_OBJECTS, 20, 20)
    yield
    gc.set_threshold(*before)


def _old_and_dropped() -> "weakref.ref[_Ring]":
    """An object that the collector took for lasting before it was dropped."""
    ring = _Ring()
    gc.collect()
    return weakref.ref(ring)


async def _trimmed_for(seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await keep_trimmed(0.01)


async def test_what_was_taken_for_lasting_goes() -> None:
    dropped = _old_and_dropped()
    busy = [[number] for number in range(2 * COLLECT_AFTER_OBJECTS)]
    assert dropped() is not None
    await _trimmed_for(0.2)
    assert dropped() is None
    assert busy


async def test_nobody_looks_where_nothing_has_come() -> None:
    dropped = _old_and_dropped()
    await _trimmed_for(0.1)
    assert dropped() is not None
