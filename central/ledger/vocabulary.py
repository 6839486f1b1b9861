"""The values of the ledger: what an append gives, and the ways in which it is refused.

NotJoined   a hole between what is held and what was sent; nothing is stored, the sender goes back to `position`
Kept        a batch that no chain can take; it lies in `strays`, with an incident, and nothing else is stored
"""

from dataclasses import dataclass
from enum import StrEnum

from evidence.chain import Position


class IncidentKind(StrEnum):
    """What was met that should not be."""

    GAP = "gap"
    FORK = "fork"
    SIGNATURE = "signature"
    CERTIFICATE = "certificate"
    TURN = "turn"
    CLOCK = "clock"
    TENANT = "tenant"
    LOST = "lost"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Incident:
    """One of them, about a chain of a sidecar.

    `about` tells apart what is counted together; `seq` is the record that it was first met at; `amount` is how many
    records are missing or lost, or by how many microseconds a clock went back. `first_at` and `last_at` are central's
    clock in microseconds since 1970.
    """

    kind: IncidentKind
    tenant: str
    sidecar: str
    chain: str
    about: str
    seq: int
    what: str
    amount: int = 0
    first_at: int = 0
    last_at: int = 0
    count: int = 1


@dataclass(frozen=True, slots=True)
class Appended:
    """The ledger holds the chain up to `position`, durably; `new_records` of them came with this batch."""

    position: Position
    new_records: int
    incidents: tuple[Incident, ...]


class NotJoined(Exception):
    """There is a hole between what the ledger holds of the chain (`position`) and where the batch begins."""

    def __init__(self, position: Position) -> None:
        super().__init__(f"the ledger holds this chain up to record {position.seq}")
        self.position = position


class Kept(Exception):
    """A batch that was put aside, with its incident, since no chain can take it."""

    def __init__(self, incident: Incident) -> None:
        super().__init__(f"{incident.kind.value}: {incident.what}")
        self.incident = incident
