"""Room on the disk, and why something could not be recorded.

NotRecorded          the call must not go on
|-- NotAcknowledged  central has not said in time that it holds the intent
|-- NoRoom           too little space is left for the intent and for the outcome that it will need
`-- SpoolFailed      the file system refuses, or somebody changed the files
"""

import contextlib
from dataclasses import dataclass
from typing import Final

from evidence.spool import Spool

_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one chain.

    Below `min_free_bytes` of free disk intents are refused. Each open call holds `outcome_bytes` of the reserve for
    its outcome, so `reserve_bytes` bounds the open calls. A segment ends at `segment_bytes`. `units` is the number
    of erasure units whose data keys are kept in memory.
    """

    segment_bytes: int = 64 * _MIB
    min_free_bytes: int = 256 * _MIB
    reserve_bytes: int = 16 * _MIB
    outcome_bytes: int = 4096
    units: int = 1024
    head_seconds: float = 1.0
    heartbeat_seconds: float = 30.0

    @property
    def max_open_calls(self) -> int:
        """For how many calls the reserve can hold the outcomes."""
        return self.reserve_bytes // self.outcome_bytes


DEFAULT_LIMITS: Final = Limits()


class NotRecorded(Exception):
    """The record is not in the chain. `code` is a reason code, `what` is for an operator."""

    code = "not_recorded"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class NoRoom(NotRecorded):
    """An intent is refused because its outcome might not fit any more."""

    code = "no_room"


class NotAcknowledged(NotRecorded):
    """An intent is in the chain and no ledger has said in time that it holds it; its call ends as not sent."""

    code = "not_acknowledged"


class SpoolFailed(NotRecorded):
    """The record could not be written or flushed; nothing of it stands in the chain, or its call was ended there."""

    code = "spool_failed"


class Room:
    """What is left on the disk of a chain, as it was when it was last measured, and the reserve."""

    def __init__(self, spool: Spool, limits: Limits) -> None:
        self._spool = spool
        self._limits = limits
        self.free_bytes = 0
        self.measure()

    def measure(self) -> None:
        """Look at the disk; take the reserve if it is not held and fits. Raises OSError if the disk cannot be asked."""
        self.free_bytes = self._spool.free_bytes()
        wanted = self._limits.min_free_bytes + self._limits.reserve_bytes
        if not self._spool.reserved and self.free_bytes >= wanted:
            with contextlib.suppress(OSError):
                self._spool.reserve()

    def shortage(self) -> str | None:
        """Why no intent can be taken, or None."""
        if self.free_bytes < self._limits.min_free_bytes:
            return f"{self.free_bytes} bytes are free where {self._limits.min_free_bytes} must stay free"
        if not self._spool.reserved:
            return f"the reserve of {self._limits.reserve_bytes} bytes for outcomes could not be taken"
        return None

    def admit(self, open_calls: int) -> None:
        """Raises NoRoom unless one more call can be opened beside `open_calls` others."""
        shortage = self.shortage()
        if shortage is None and open_calls >= self._limits.max_open_calls:
            shortage = f"{open_calls} calls are open, and the reserve holds no more outcomes"
        if shortage is not None:
            raise NoRoom(shortage)
