"""Intents that wait until a ledger holds them, in their order, for so long and no longer."""

from collections import deque
from collections.abc import Callable
from typing import Final

from evidence.debts import Pending, resolve

WHY: Final = "no ledger has said in time that it holds the intent"


class Unacknowledged:
    """Who waits for a receipt. `wake` is called when somebody begins to: there is something to ship at once."""

    def __init__(self, seconds: float, wake: Callable[[], None]) -> None:
        self._micros = int(seconds * 1_000_000)
        self._wake = wake
        self._waiting: deque[tuple[int, Pending]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, pending: Pending, now_us: int) -> None:
        """The entry is on the disk; `now_us` is the boot clock's time."""
        self._waiting.append((now_us + self._micros, pending))
        self._wake()

    def held(self, seq: int) -> None:
        """A ledger holds all records up to `seq`."""
        while self._waiting and (draft := self._waiting[0][1].draft) is not None and draft.seq <= seq:
            resolve(self._waiting.popleft()[1])

    def overdue(self, now_us: float) -> list[Pending]:
        """Those that have waited long enough; they wait no more."""
        late: list[Pending] = []
        while self._waiting and self._waiting[0][0] <= now_us:
            late.append(self._waiting.popleft()[1])
        return late
