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

_TRIM: Final = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""None where the C library is not glibc."""


async def keep_trimmed(seconds: float = TRIM_SECONDS) -> None:
    """Collect and trim now and then, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        if any(gc.get_count()[1:]):
            gc.collect()
            if _TRIM is not None:
                await asyncio.to_thread(_TRIM, 0)
