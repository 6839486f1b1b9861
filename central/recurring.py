"""Work that is done from time to time beside everything else, in a thread; what fails is told once, and tried again."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from central.erasure.vocabulary import ErasureProblem
from central.store.engine import LedgerUnavailable
from evidence.keys import KeyProblem


@dataclass(frozen=True, slots=True)
class Recurring:
    """`work` is done `first_seconds` after the start and then every so many seconds. `say` is told why it fails."""

    what: str
    work: Callable[[], object]
    every_seconds: float
    say: Callable[[str], object]
    first_seconds: float = 0.0

    async def run(self) -> None:
        """Do it until cancelled."""
        told = None
        await asyncio.sleep(self.first_seconds)
        while True:
            problem = None
            try:
                await asyncio.to_thread(self.work)
            except (LedgerUnavailable, ErasureProblem, KeyProblem, OSError) as error:
                problem = f"{self.what}: {error}"
            if problem is not None and problem != told:
                self.say(problem)
            told = problem
            await asyncio.sleep(self.every_seconds)
