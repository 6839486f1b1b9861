"""Where a chain and its calls stand, and what following it further has told: values of `central.ledger.following`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Protocol

from central.ledger.vocabulary import IncidentKind
from evidence.chain import Position, State
from evidence.record import Header

_CALL_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a chain stands: after which record, whose key signs, up to where heads were checked, what is missing."""

    position: Position = field(default_factory=Position)
    last: Header | None = None
    key: bytes | None = None
    signed: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Turned:
    """A call after its last record."""

    state: State
    intent_seq: int | None
    last_seq: int


NOTHING: Final = Turned(State.NOTHING, None, 0)


class Held(Protocol):
    """What the ledger says of the chain as it holds it."""

    def link(self, seq: int) -> str | None:
        """The link of a record; None where it is missing."""
        ...

    def call(self, key: bytes) -> Turned:
        """Where a call stands."""
        ...

    def open_calls(self) -> Iterable[bytes]:
        """The keys of the calls that are open."""
        ...


@dataclass(frozen=True, slots=True)
class Noted:
    """Something for an incident, about a record that the chain has all the same."""

    kind: IncidentKind
    about: str
    seq: int
    what: str
    amount: int


@dataclass(frozen=True, slots=True)
class Silence:
    """Two records next to each other with a long time between them."""

    after_seq: int
    from_at: int
    to_at: int
    boot_us: int


@dataclass(slots=True)
class Life:
    """An incarnation, as far as these records tell; `started` is whether its start is among them."""

    incarnation: str
    first_seq: int
    last_seq: int
    first_at: int
    last_at: int
    last_boot: int
    started: bool
    public_key: bytes | None = None
    isolation: str | None = None
    heartbeats: int = 0
    closed: bool = False


@dataclass(frozen=True, slots=True)
class KnownHead:
    """A head that is new: it stands after record `seq` and covers `signed`; `checked` if its key was known."""

    seq: int
    signed: int
    checked: bool
    note: str


def call_key(call: str) -> bytes:
    """By what the ledger knows a call, whatever its id looks like."""
    return sha256(call.encode()).digest()[:_CALL_BYTES]
