"""What a check of the ledger can find: one thing for each step, with the first record that it was met at."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

MOST: Final = 100
"""Findings that are told one by one; more are counted."""


class Step(StrEnum):
    """The steps of the check, in the order in which they are gone through."""

    PUBLISHED = "published"
    TREE = "tree"
    PLACES = "places"
    BATCHES = "batches"
    RECORDS = "records"
    LINKS = "links"
    KEYS = "keys"
    HEADS = "heads"
    LEAVES = "leaves"
    STANDING = "standing"
    KEPT = "kept"


MEANS: Final = {
    Step.PUBLISHED: "the published checkpoint is signed by the log's key, and its files lead to its root",
    Step.TREE: "the tree in the database is the published one, or continues it",
    Step.PLACES: "each leaf belongs to one batch, and each batch waits or has its leaves",
    Step.BATCHES: "each batch has all its records, and each record a batch",
    Step.RECORDS: "header, body and box of each record have the hashes that it is known by",
    Step.LINKS: "each record follows the one before it, but where a gap was noted",
    Step.KEYS: "each incarnation is certified by the identity that is registered",
    Step.HEADS: "each head is signed by its incarnation, and names a record of its chain",
    Step.LEAVES: "each record is the leaf that was published",
    Step.STANDING: "each chain stands at its last record",
    Step.KEPT: "wrapped keys and strays are the bytes that came",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be. `chain` is 64 hex digits; `leaf` the number of a leaf of the log."""

    step: Step
    what: str
    sidecar: str | None = None
    tenant: str | None = None
    chain: str | None = None
    seq: int | None = None
    leaf: int | None = None

    @property
    def where(self) -> str:
        """The place in words."""
        if self.chain is None:
            return "the log" if self.leaf is None else f"leaf {self.leaf}"
        record = "" if self.seq is None else f"record {self.seq} of "
        return f"{record}chain {self.chain} (sidecar {self.sidecar}, tenant {self.tenant})"


@dataclass(slots=True)
class Findings:
    """Gathers them: the first MOST as they are, of the others how many."""

    told: list[Finding] = field(default_factory=list)
    count: int = 0
    by_step: Counter[Step] = field(default_factory=Counter)

    def add(self, finding: Finding) -> None:
        """One more."""
        self.count += 1
        self.by_step[finding.step] += 1
        if len(self.told) < MOST:
            self.told.append(finding)
