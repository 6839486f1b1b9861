"""What the log keeps in the database: where its tree stands, and which batches it has not taken yet.

The tree is moved by compare-and-swap: size, root and fence must be what the sequencer thinks that they are. Whoever
takes over raises the fence, and with it ends what anybody before could still do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tree:
    """Where the tree stands, and which sequencer may move it."""

    size: int
    root: bytes
    fence: int


@dataclass(frozen=True, slots=True)
class PendingBatch:
    """A batch of the ledger that has no leaves yet, and the links of its records in their order."""

    id: int
    links: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """The leaves that a batch has become: `count` of them from `first_leaf` on."""

    batch: int
    first_leaf: int
    count: int


class TreeState(Protocol):
    """The database as the sequencer sees it. Calls block; each is one transaction, and durable when it returns.

    Raises `central.store.engine.LedgerUnavailable` where the database is away.
    """

    def tree(self) -> Tree:
        """Where the tree stands; one without leaves if it was never moved."""
        ...

    def take_over(self) -> Tree:
        """Raise the fence by one, and give the tree: only who has this fence can move it from now on."""
        ...

    def pending(self, most_leaves: int) -> list[PendingBatch]:
        """The first batches that wait, in the order of their numbers: up to so many leaves, but at least one batch."""
        ...

    def advance(self, before: Tree, after: Tree, placed: Sequence[Placed]) -> None:
        """Move the tree, note what became of the batches, and let them wait no longer: all of it, or nothing.

        Raises Overtaken unless the tree is `before` in size, root and fence, and each of the batches waits.
        """
        ...

    def leaves(self, first: int, end: int) -> list[bytes]:
        """The leaves from number `first` up to, and without, `end`. Raises LogStopped where some are missing."""
        ...

    def report(self, what: str) -> None:
        """Keep an incident of the kind `rollback`."""
        ...
