"""The values of erasure: holds, erasure units with what their data keys have sealed, and who asks for what."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from central.ledger.sealings import About


class Cause(StrEnum):
    """Why a data key was destroyed."""

    REQUEST = "request"
    RETENTION = "retention"
    LATE = "late"


class ErasureProblem(ValueError):
    """Something that cannot be erased, held or released as it was asked for; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and why. Both stand in the chain for good, in the clear."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold. `agent`, `session` and the span narrow it; without them it is on all that the tenant has.

    The times are microseconds since 1970, both included.
    """

    id: str
    tenant: str
    agent: str | None = None
    session: str | None = None
    from_at: int | None = None
    until_at: int | None = None

    def on(self, unit: "Unit") -> bool:
        """Whether it forbids to erase anything of the unit. Where nobody knows whose the unit is, it does."""
        about = [sealed.about for sealed in unit.sealed()]
        if any(one.agent for one in about):
            if self.agent is not None and all(one.agent != self.agent for one in about):
                return False
            if self.session is not None and all(one.session != self.session for one in about):
                return False
        return self._spans(unit)

    def _spans(self, unit: "Unit") -> bool:
        """By the clock of the sidecar or by central's, and by when a key came where no record of it did."""
        first = min([*(min(one.first_at, one.first_received) for one in unit.sealed()), *unit.received()])
        last = max([*(max(one.last_at, one.last_received) for one in unit.sealed()), *unit.received()])
        before = self.until_at is not None and first > self.until_at
        after = self.from_at is not None and last < self.from_at
        return not before and not after


@dataclass(frozen=True, slots=True)
class Sealed:
    """Records that a data key has sealed, and that say the same of themselves. Times in microseconds since 1970."""

    about: About
    first_at: int
    last_at: int
    first_received: int
    last_received: int


@dataclass(frozen=True, slots=True)
class DataKey:
    """A wrapped data key that is there. `sidecar` is empty where no chain took the batch that it came with."""

    id: str
    sidecar: str
    received_at: int
    sealed: tuple[Sealed, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """An erasure unit of a tenant, by its pseudonym, with its data keys that are there."""

    tenant: str
    name: str
    keys: tuple[DataKey, ...]
    requested_at: int | None = None
    """When its erasure was last asked for, if it was."""

    def sealed(self) -> Iterator[Sealed]:
        """All that its keys have sealed."""
        return (sealed for key in self.keys for sealed in key.sealed)

    def received(self) -> list[int]:
        """When its keys came."""
        return [key.received_at for key in self.keys]

    def sidecars(self) -> tuple[str, ...]:
        """Those that sent its keys."""
        return tuple(sorted({key.sidecar for key in self.keys} - {""}))

    def subjects(self) -> set[str]:
        """Whose records they are, by their pseudonyms; empty texts for records that name nobody."""
        return {sealed.about.subject for sealed in self.sealed() if sealed.about.agent}


@dataclass(frozen=True, slots=True)
class Doomed:
    """Keys of one unit that are to be destroyed."""

    unit: str
    keys: tuple[str, ...]
    cause: Cause
    asked: Asked


@dataclass(frozen=True, slots=True)
class Erased:
    """Keys that are destroyed, and where their text may still be: packs, and the sidecars that sealed it."""

    unit: str
    keys: tuple[str, ...]
    cause: Cause
    packs: tuple[str, ...]
    sidecars: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A unit that holds keep from being erased, by their ids."""

    unit: str
    holds: tuple[str, ...]
