"""What a check of a pack found: values, and how a person or a program reads them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from evidence.checkpoint import Checkpoint, Cosignature
from evidence.fault import Fault
from evidence.pack.vocabulary import Manifest
from evidence.printable import printable
from evidence.record import Header
from evidence.report import ChainReport


class Step(IntEnum):
    """The steps of a check, in the order in which they are explained."""

    FILE = 1
    MANIFEST = 2
    HEADERS = 3
    KEYS = 4
    HEADS = 5
    BODIES = 6
    CALLS = 7
    TEXTS = 8
    RECEIPTS = 9
    CHECKPOINT = 10
    INCLUSION = 11
    SELECTION = 12


STEPS: Mapping[Step, str] = {
    Step.FILE: "file: a ZIP of the members of a pack and of nothing else; every byte is accounted for",
    Step.MANIFEST: "manifest: each member has the size and digest that it names",
    Step.HEADERS: "headers: numbers rise by one, each names the one before: nothing is missing in between",
    Step.KEYS: "keys: one identity certifies the key of each incarnation: one sidecar wrote all of it",
    Step.HEADS: "heads: each is signed by the incarnation that wrote it: nothing was changed after that",
    Step.BODIES: "bodies: each has the hash that its header names: what was recorded is what stands here",
    Step.CALLS: "calls: each is refused, or has one intent and then at most one outcome, disclosed or not",
    Step.TEXTS: "texts: each, with its salt, gives the commitment of its record: what was said is what stands here",
    Step.RECEIPTS: "receipts: a ledger has signed that it held the chain so far: it was not rewritten since",
    Step.CHECKPOINT: "checkpoint: the log has signed its tree, and witnesses have seen it only grow",
    Step.INCLUSION: "inclusion: records are leaves of that tree: who looks at the log sees the same",
    Step.SELECTION: "selection: each call is here as a whole, and what the manifest counts is here",
}
"""Each step with what it proves."""

AT_THE_LOG = (Step.CHECKPOINT, Step.INCLUSION)


@dataclass(slots=True)
class PartReport:
    """One chain of a pack: what `chain` counts, and up to which record the log's proofs reach."""

    chain: ChainReport
    first: Header | None = None
    last: Header | None = None
    selected: int = 0
    disclosed: int = 0
    texts: int = 0
    proved: int = 0
    proved_seq: int = 0

    @property
    def witnessed_seq(self) -> int:
        """The last record that somebody else than the sidecar vouches for; 0 for none."""
        return max(self.proved_seq, self.chain.receipt.position.seq if self.chain.receipt else 0)

    @property
    def self_asserted(self) -> int:
        """How many records nobody vouches for but their writer."""
        if self.first is None or self.last is None:
            return 0
        return self.last.seq - max(self.witnessed_seq, self.first.seq - 1)


@dataclass(slots=True)
class PackReport:
    """A pack up to its end, or up to `fault`. What was given to hold it against stands in `pinned` and so on.
    All steps up to `done` were gone through to their end."""

    digest: str
    pinned: bool = False
    receipt_keys: int = 0
    log_keys: int = 0
    witness_keys: int = 0
    digest_given: bool = False
    manifest: Manifest | None = None
    parts: list[PartReport] = field(default_factory=list)
    receipts: int = 0
    proofs: int = 0
    checkpoint: Checkpoint | None = None
    cosignatures: tuple[Cosignature, ...] = ()
    fault: Fault[Step] | None = None
    done: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault is None

    def verdict(self, step: Step) -> str:
        """`ok`, `FAILED`, `stopped`; `none` where the pack has nothing of the kind, `no key` where none was given."""
        if self.fault is not None and (step is self.fault.step or step > self.done):
            return "FAILED" if step is self.fault.step else "stopped"
        if (step is Step.TEXTS and not self.total("texts")) or (step is Step.RECEIPTS and not self.receipts):
            return "none"
        if step is Step.RECEIPTS and not self.receipt_keys:
            return "no key"
        if step in AT_THE_LOG and self.checkpoint is None:
            return "none"
        if step in AT_THE_LOG and not self.log_keys:
            return "no key"
        return "none" if step is Step.INCLUSION and not self.proofs else "ok"

    def total(self, name: str) -> int:
        """The sum of a count over all chains."""
        return sum(getattr(part, name) for part in self.parts)

    def as_json(self) -> dict[str, Any]:
        """The report as `agentgate verify --json` prints it for a pack."""
        manifest, checkpoint = self.manifest, self.checkpoint
        steps = [{"step": int(step), "verdict": self.verdict(step), "proves": text} for step, text in STEPS.items()]
        return {
            "ok": self.ok,
            "sha256": self.digest,
            "tenant": manifest and manifest.tenant,
            "selection": manifest and manifest.selection.as_json(),
            "exported": manifest and {"at": manifest.exported_at, "by": manifest.exported_by},
            "steps": steps,
            "selected": self.total("selected"),
            "disclosed": self.total("disclosed"),
            "texts": self.total("texts"),
            "self_asserted": self.total("self_asserted"),
            "pinned": self.pinned,
            "digest_given": self.digest_given,
            "receipts_checked": self.receipt_keys > 0,
            "checkpoint_checked": self.log_keys > 0 and checkpoint is not None,
            "checkpoint": checkpoint and {"origin": checkpoint.origin, "size": checkpoint.size},
            "witnesses": self.witness_keys,
            "cosignatures": [{"witness": each.witness, "at": each.unix_seconds} for each in self.cosignatures],
            "chains": [_part_json(part) for part in self.parts],
            "error": self.fault and _fault_json(self.fault),
        }

    def lines(self) -> Iterator[str]:
        """The report for a person: numbered steps, whose word the records rest on, the verdict."""
        if self.manifest is not None:
            told = self.manifest
            yield printable(f"pack of tenant {told.tenant}: {told.selection}")
            yield printable(f"exported {told.exported_at} by {told.exported_by} (their word), SHA-256 {self.digest}")
        for step, text in STEPS.items():
            yield f"  {int(step):2}. {self.verdict(step):7} {text}"
        if self.fault is not None:
            yield f"      {self.fault}"
        yield from (f"  {printable(note)}" for note in self.notes())
        yield f"FAILED at step {int(self.fault.step)}: {self.fault}" if self.fault else "ok"

    def notes(self) -> Iterator[str]:
        """Whose word everything rests on."""
        for part in self.parts:
            yield from _part_notes(part)
        if self.fault is not None:
            return
        yield from self._witnesses()
        if not self.pinned:
            known = sorted({part.chain.identity for part in self.parts if part.chain.identity})
            yield f"the identity was taken from the pack itself ({', '.join(known)}): pin it with --key"
        if not self.digest_given:
            yield "who exported it, when, and that a selection by session or agent is complete is the exporter's word"

    def _witnesses(self) -> Iterator[str]:
        if self.checkpoint is not None and self.log_keys:
            yield (
                f"checkpoint of {self.checkpoint.origin} with {self.checkpoint.size} leaves, "
                f"cosigned by {len(self.cosignatures)} of {self.witness_keys} given witnesses"
            )
        elif self.checkpoint is not None:
            yield "the checkpoint proves nothing without the log's key: give --log-key"
        if self.receipts and not self.receipt_keys:
            yield "the receipts prove nothing without the ledger's key: give --receipt-key"


def _part_notes(part: PartReport) -> Iterator[str]:
    chain, first, last = part.chain, part.first, part.last
    if first is None or last is None:
        return
    yield (
        f"{chain.chain}: sidecar {chain.sidecar}, isolation {chain.isolation}, records {first.seq} to {last.seq}, "
        f"{first.at} to {last.at}; {part.selected} selected, texts of {part.texts}"
    )
    yield f"  signed by the sidecar's own key up to record {chain.signed}"
    if (receipt := chain.receipt) is not None:
        yield f"  a receipt of {receipt.log} reaches to record {receipt.position.seq}, at {receipt.at}"
    if part.proved:
        yield f"  the log has {part.proved} of the disclosed records, and so all up to record {part.proved_seq}"
    yield f"  self-asserted: {part.self_asserted} of {last.seq - first.seq + 1} records"
    if chain.lost:
        yield f"  {chain.lost} records were lost while the disk failed, and are declared as such"


def _fault_json(fault: Fault[Step]) -> dict[str, Any]:
    """A pack has members, and their names say of which chain they are."""
    names = {"file": "member"}
    return {names.get(name, name): value for name, value in fault.as_json().items() if name != "chain"}


def _part_json(part: PartReport) -> dict[str, Any]:
    chain, first, last = part.chain, part.first, part.last
    return {
        "chain": chain.chain,
        "sidecar": chain.sidecar,
        "identity": chain.identity,
        "isolation": chain.isolation,
        "first": first and {"seq": first.seq, "at": first.at},
        "last": last and {"seq": last.seq, "at": last.at},
        "selected": part.selected,
        "disclosed": part.disclosed,
        "texts": part.texts,
        "signed": chain.signed,
        "receipt": chain.receipt.position.seq if chain.receipt else None,
        "proved": part.proved,
        "proved_seq": part.proved_seq,
        "self_asserted": part.self_asserted,
        "open": chain.open,
        "lost": chain.lost,
    }
