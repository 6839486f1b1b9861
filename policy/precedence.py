"""Precedence: who asks about a part of a list lets those go first who wait with one call."""

import asyncio
from contextlib import suppress
from typing import Final, Self

GIVE_WAY_SECONDS: Final = 0.01
"""How long each part of a list waits at most: under load there is always a call."""


class Precedence:
    """Counts the questions that go first, each of them a `with` block. For one event loop."""

    def __init__(self, seconds: float = GIVE_WAY_SECONDS) -> None:
        self._seconds = seconds
        self._count = 0
        self._none = asyncio.Event()

    def __enter__(self) -> Self:
        self._count += 1
        self._none.clear()
        return self

    def __exit__(self, *_: object) -> None:
        self._count -= 1
        if not self._count:
            self._none.set()

    async def give_way(self) -> None:
        """Return once none of them is under way; after `seconds` in any case."""
        if self._count:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await self._none.wait()
