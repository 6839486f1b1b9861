"""Following a bundle server: what it gave last lies in a file, and it is asked again and again for something newer.

A server that can wait is asked again at once, any other after the interval, and one that fails ever more rarely. Each
pause is made shorter by chance, so that sidecars which began together do not ask together. Processes of one state
folder share the file: whoever has news first has it for all of them.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from evidence.files import replace_file
from policy.archive import read_file
from policy.bundle_server import BundleServer
from policy.engine import PolicyAway
from policy.fetched import Fetched, NotFetched

FIRST_PAUSE_SECONDS: Final = 0.5
"""After the first failure; it is doubled with each further one, up to the interval of a server that works."""

LEAST_SECONDS: Final = 0.5
"""Between two questions, whatever the server says: nobody looks at the file more often."""

WAITED_SECONDS: Final = 1.0
"""A server that says it has nothing new before that has not waited, whatever it said of itself."""

START_SECONDS: Final = 3.0
"""How long a start waits for the server where there is something to start with."""


Fetch = Callable[[BundleServer, str | None, int], Awaitable[Fetched]]


class Asked(StrEnum):
    """What came of a question."""

    NEWS = "changed"
    SAME = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """What came of a question, and whether the server `turned`: it fails from now on, or works again."""

    result: Asked
    problem: str | None
    turned: bool


@dataclass(frozen=True, slots=True)
class Means:
    """What following needs of the world."""

    fetch: Fetch
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep
    chance: Callable[[], float] = random.random


class Following:
    """The bundle of one server, as it was given last."""

    def __init__(self, server: BundleServer, file: Path, means: Means | None = None) -> None:
        """What `file` holds from before is used until the server gives something else."""
        self.server = server
        self.file = file
        self._means = means or Means(_fetch)
        self._etag: str | None = None
        self._written: tuple[int, ...] = ()
        self._can_wait = True
        self._wait = 0
        self._failures = 0
        self._since = self._means.now()
        self._answered = False
        self._turned = False
        self.problem: str | None = None

    @property
    def confirmed_seconds(self) -> float | None:
        """How long ago the server said what it has; None if it never did."""
        return round(self.age_seconds, 1) if self._answered else None

    @property
    def age_seconds(self) -> float:
        """As `confirmed_seconds`; since this process began where the server has said nothing yet."""
        return self._means.now() - self._since

    def read(self) -> bytes:
        """What the server gave last. Raises PolicyAway if it gave nothing, or PolicyRefused."""
        if not self.file.is_file():
            raise PolicyAway((f"{self.server.shown}: {self.problem or 'was not asked yet'}",))
        return read_file(self.file)

    async def ask_first(self) -> None:
        """Ask once, for not too long where there is something to go on with. What fails is in `problem`."""
        seconds = START_SECONDS if self.file.is_file() else None
        await self._ask(seconds)

    async def follow(self, on_event: Callable[[SourceEvent], None]) -> None:
        """Ask until cancelled, and tell each answer; that `ask_first`, which came before, failed is told at once."""
        result = Asked.NEWS if self.problem is None else Asked.FAILED
        if result is Asked.FAILED:
            on_event(self._told(result))
        pause = self._pause(result, 0.0, 0.0)
        while True:
            await self._means.sleep(pause)
            began = self._means.now()
            result, retry_after = await self._ask(None)
            on_event(self._told(result))
            pause = self._pause(result, self._means.now() - began, retry_after)

    async def _ask(self, seconds: float | None) -> tuple[Asked, float]:
        retry_after = 0.0
        try:
            async with asyncio.timeout(seconds):
                result = await self._fetched()
        except NotFetched as error:
            problem, retry_after = error.what, error.retry_after
        except TimeoutError:
            problem = "it does not answer in time"
        except OSError as error:
            problem = f"what it gave cannot be written to {self.file.parent}: {error.strerror}"
        else:
            self._turned, self.problem, self._failures = self.problem is not None, None, 0
            self._since, self._answered = self._means.now(), True
            return result, 0.0
        self._turned, self.problem, self._failures = self.problem is None, problem, self._failures + 1
        return Asked.FAILED, retry_after

    async def _fetched(self) -> Asked:
        etag = self._etag if stamp(self.file) == self._written else None
        # A server that failed says at once that it is back.
        self._wait = self.server.wait_seconds if self._can_wait and etag is not None and self.problem is None else 0
        found = await self._means.fetch(self.server, etag, self._wait)
        if found.packed is None:
            self._etag = found.etag or etag
            return Asked.SAME
        self._can_wait = bool(found.can_wait)
        news = await asyncio.to_thread(_put, self.file, found.packed)
        self._etag, self._written = found.etag, stamp(self.file)
        return Asked.NEWS if news else Asked.SAME

    def _told(self, result: Asked) -> SourceEvent:
        turned, self._turned = self._turned, False
        return SourceEvent(result, self.problem, turned)

    def _pause(self, result: Asked, took: float, retry_after: float) -> float:
        """How long until the next question."""
        longest = self.server.poll_seconds
        if result is Asked.FAILED:
            doubled = FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures - 1, 30)
            return max(self._shortened(min(longest, doubled)), min(longest, retry_after))
        can_wait = self._can_wait and self.server.wait_seconds > 0 and self._etag is not None
        if can_wait and (result is Asked.NEWS or self._wait == 0 or took >= WAITED_SECONDS):
            return max(0.0, LEAST_SECONDS - took)
        return self._shortened(longest)

    def _shortened(self, seconds: float) -> float:
        return seconds * (1.0 - self._means.chance() / 2)


def stamp(path: Path) -> tuple[int, ...]:
    """What changes with the content of a file; empty where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _put(file: Path, packed: bytes) -> bool:
    """Have the file hold these bytes; whether it held others. Raises OSError."""
    if file.is_file() and file.stat().st_size == len(packed) and file.read_bytes() == packed:
        return False
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(file, packed)
    return True


async def _fetch(server: BundleServer, etag: str | None, wait_seconds: int) -> Fetched:
    from policy.fetching import fetch  # aiohttp's client is loaded where a policy comes from a server.

    return await fetch(server, etag, wait_seconds)
