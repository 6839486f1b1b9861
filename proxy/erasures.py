"""Carries out in a sidecar's spool what central has erased: the wrapped data keys that it says are destroyed.

The sidecar asks about the keys that it has, so that nothing is told to it of others, an answer that comes twice or late
is as good as the first, and one that was away for long hears of all. Only what central's receipt key has signed counts.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from evidence.erased import ASKED_AT_ONCE, Erased
from evidence.forgetting import forget_in
from evidence.journal import Journal, NotRecorded
from evidence.key_lines import ids_in
from evidence.shipping import Origin
from evidence.signing import BadSignature

Ask = Callable[[Origin, list[str]], Awaitable[frozenset[str]]]
"""Gives those of so many ids, ASKED_AT_ONCE at most, that central says are destroyed."""


def believed(erased: Erased, origin: Origin, asked: Sequence[str]) -> frozenset[str]:
    """The ids, if this was said to this sidecar about what it asked. Raises BadSignature."""
    if (erased.sidecar, erased.tenant) != (origin.sidecar, origin.tenant) or not set(erased.keys) <= set(asked):
        raise BadSignature("it is said to somebody else, or of other keys")
    return frozenset(erased.keys)


async def carry_out(ask: Ask, chain: Path, journal: Journal | None, origin: Origin) -> bool:
    """Ask about all keys of a chain and destroy those that are erased; False where it could not be recorded now.

    Without a journal the caller has the chain locked. Raises what asking does, OSError.
    """
    known = await asyncio.to_thread(ids_in, chain)
    for start in range(0, len(known), ASKED_AT_ONCE):
        erased = await ask(origin, known[start : start + ASKED_AT_ONCE])
        try:
            if erased and journal is not None:
                await journal.forget(erased)
            elif erased:
                await asyncio.to_thread(forget_in, chain, erased)
        except NotRecorded:
            return False
    return True
