"""Going on: what fails as nobody foresaw is told, and keeps nothing beside it from being done."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

AGAIN_SECONDS: Final = 5.0
"""Work that fails at once each time fills no log."""

T = TypeVar("T")

_LOG: Final = logging.getLogger("agentgate")


def whatever_fails(what: str, part: Callable[[], T], otherwise: T) -> T:
    """What `part` gives, or `otherwise` where it fails."""
    try:
        return part()
    except Exception as error:  # noqa: BLE001  (whatever it is, the parts beside this one are to be done)
        _log(what, error)
        return otherwise


async def attempt(what: str, work: Awaitable[object]) -> None:
    """Wait for `work`; raises nothing but what cancels."""
    try:
        await work
    except Exception as error:  # noqa: BLE001  (it would end the process, and every call in it)
        _log(what, error)


async def keep(what: str, work: Callable[[], Awaitable[object]], pause_seconds: float = AGAIN_SECONDS) -> None:
    """Have `work`, which has no end, done until cancelled; where it fails it begins anew."""
    while True:
        await attempt(what, work())
        await asyncio.sleep(pause_seconds)


def log_defect(error: Exception, follows: str) -> None:
    """Where a defect of ours happened, for its mending, and what follows; its own text may quote a message."""
    place = "".join(traceback.format_tb(error.__traceback__))
    _LOG.error("unforeseen %s%s\n%s", type(error).__name__, follows, place)


def _log(what: str, error: Exception) -> None:
    """What the system says is told too: it quotes no message."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    said = f": {error}" if isinstance(error, OSError) else ""
    log_defect(error, f" in {what}, all else goes on{said}")
