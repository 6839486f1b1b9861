"""Freed memory goes back to the system, so that a sidecar does not stay as large as its busiest minutes made it.

What many streams leave behind is seldom looked at: the collector takes what is old for lasting (`app.py` says why).
And glibc keeps what is freed, in pieces.
"""

import asyncio
import ctypes
import gc
from typing import Final

TRIM_SECONDS: Final = 10.0
"""A look takes some milliseconds, and is left out where nothing has come and gone."""

LARGE_BYTES: Final = 128 << 10
"""Blocks of this size and more are given back when they are freed: glibc would move that limit up to 32 MiB."""

_C: Final = ctypes.CDLL(None)
_TRIM: Final = getattr(_C, "malloc_trim", None)
_SET: Final = getattr(_C, "mallopt", None)
"""None where the C library is not glibc."""

_MMAP_THRESHOLD: Final = -3


def give_back_large_blocks() -> None:
    """Long answers come and go in large blocks; between smaller ones they would leave holes that nobody can use."""
    if _SET is not None:
        _SET(_MMAP_THRESHOLD, LARGE_BYTES)


async def keep_trimmed(seconds: float = TRIM_SECONDS) -> None:
    """Collect and trim now and then, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        if any(gc.get_count()[1:]):
            gc.collect()
            if _TRIM is not None:
                await asyncio.to_thread(_TRIM, 0)
