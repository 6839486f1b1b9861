"""What a check of chains found: values, and how a person or a program reads them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from evidence.fault import Fault
from evidence.printable import printable
from evidence.receipt import Receipt


class Step(IntEnum):
    """The steps of a check, in the order in which they are explained."""

    FILES = 1
    LINES = 2
    LINKS = 3
    KEYS = 4
    HEADS = 5
    CALLS = 6
    BOXES = 7
    RECEIPTS = 8


STEPS: Mapping[Step, str] = {
    Step.FILES: "files: only those of a chain, none missing between them, every byte accounted for",
    Step.LINES: "records: each header and body is canonical and has the hash that stands for it",
    Step.LINKS: "links: numbers rise by one, each record names the one before it",
    Step.KEYS: "keys: one identity certifies the key of each incarnation",
    Step.HEADS: "heads: each is signed by the incarnation that wrote it and names a record of this chain",
    Step.CALLS: "calls: each is refused, or has one intent and then at most one outcome",
    Step.BOXES: "boxes: each sealed box and wrapped key is the one that was recorded",
    Step.RECEIPTS: "receipts: each is signed by a ledger whose key was given, and names a record of this chain",
}


@dataclass(frozen=True, slots=True)
class Place:
    """The number and time of one record."""

    seq: int
    at: str

    def as_json(self) -> dict[str, Any]:
        """The place as a JSON object."""
        return {"seq": self.seq, "at": self.at}


@dataclass(slots=True)
class ChainReport:
    """One chain up to its end, or up to `fault`.

    `receipts` is how many there are, `receipt` the furthest that holds; without a ledger's key none is looked at.
    `signed` is the number of the last record that a head covers; `unsigned_heads` are those whose key is gone with
    the `start` of their incarnation. `torn_bytes` are those of an unfinished last line, `erased_keys` the data keys
    that records name and nobody has any more, `longest_silence_us` is between two records of one incarnation.
    """

    chain: str
    sidecar: str | None = None
    tenant: str | None = None
    identity: str | None = None
    isolation: str | None = None
    segments: int = 0
    incarnations: int = 0
    records: int = 0
    intents: int = 0
    outcomes: int = 0
    refusals: int = 0
    unknown: int = 0
    open: int = 0
    signed: int = 0
    unsigned_heads: int = 0
    receipts: int = 0
    receipt: Receipt | None = None
    first: Place | None = None
    last: Place | None = None
    closed: bool = False
    torn_bytes: int = 0
    repaired_bytes: int = 0
    lost: int = 0
    erased_keys: int = 0
    longest_silence_us: int = 0
    abandoned: list[str] = field(default_factory=list)
    fault: Fault[Step] | None = None

    @property
    def witnessed(self) -> int:
        """How many of the records a receipt covers."""
        if self.receipt is None or self.first is None:
            return 0
        return min(self.records, self.receipt.position.seq - self.first.seq + 1)

    @property
    def self_asserted(self) -> int:
        """How many of the records nobody vouches for but their writer."""
        return self.records - self.witnessed

    def as_json(self) -> dict[str, Any]:
        """The report as a JSON object."""
        special = {"first", "last", "fault", "receipt"}
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in special}
        return {
            "ok": self.fault is None,
            **plain,
            "witnessed": self.witnessed,
            "self_asserted": self.self_asserted,
            "receipt": self.receipt and _receipt_json(self.receipt),
            "first": self.first and self.first.as_json(),
            "last": self.last and self.last.as_json(),
            "error": self.fault and self.fault.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All chains of the paths that were checked; `strays` are faults outside of any chain.

    `witnesses` is how many ledgers' keys were given.
    """

    chains: tuple[ChainReport, ...]
    pinned: bool
    strays: tuple[Fault[Step], ...] = ()
    witnesses: int = 0

    @property
    def error(self) -> Fault[Step] | None:
        """The first fault, or None."""
        return next(iter([*self.strays, *(chain.fault for chain in self.chains if chain.fault)]), None)

    @property
    def ok(self) -> bool:
        """Whether everything that was checked is true."""
        return self.error is None

    def total(self, name: str) -> int:
        """The sum of a count over all chains."""
        return sum(getattr(chain, name) for chain in self.chains)

    def as_json(self) -> dict[str, Any]:
        """The report as `agentgate verify --json` prints it."""
        counts = ("records", "intents", "outcomes", "refusals", "unknown", "open", "torn_bytes", "erased_keys")
        firsts = [chain.first for chain in self.chains if chain.first]
        lasts = [chain.last for chain in self.chains if chain.last]
        return {
            "ok": self.ok,
            **{name: self.total(name) for name in counts},
            "witnessed": self.total("witnessed"),
            "self_asserted": self.total("self_asserted"),
            "first": min(firsts, key=lambda place: place.at).as_json() if firsts else None,
            "last": max(lasts, key=lambda place: place.at).as_json() if lasts else None,
            "pinned": self.pinned,
            "receipts_checked": self.witnesses > 0,
            "error": self.error.as_json() if self.error else None,
            "chains": [chain.as_json() for chain in self.chains],
        }

    def lines(self) -> Iterator[str]:
        """The report for a person: each chain in numbered steps, then the sum."""
        for chain in self.chains:
            yield from _chain_lines(chain, checked=self.witnesses > 0)
        for stray in self.strays:
            yield f"not evidence: {stray}"
        yield _sum_line(self)
        if self.chains:
            yield _pin_line(self)
        yield f"FAILED: {self.error}" if self.error else "ok"


def _receipt_json(receipt: Receipt) -> dict[str, Any]:
    return {
        "seq": receipt.position.seq,
        "link": receipt.position.link,
        "log": receipt.log,
        "at": receipt.at,
        "merge_by": receipt.merge_by,
    }


def _chain_lines(chain: ChainReport, *, checked: bool) -> Iterator[str]:
    yield printable(f"{chain.chain}: sidecar {chain.sidecar}, tenant {chain.tenant}, isolation {chain.isolation}")
    for step, text in STEPS.items():
        yield f"  {int(step)}. {_verdict(chain, step, checked=checked):7} {text}"
    if chain.fault:
        yield f"     {chain.fault}"
    yield f"     {_span(chain)}"
    yield from (f"     note: {printable(note)}" for note in _notes(chain, checked=checked))


def _verdict(chain: ChainReport, step: Step, *, checked: bool) -> str:
    if chain.fault is not None:
        return "FAILED" if step is chain.fault.step else "stopped"
    if step is Step.RECEIPTS and not (checked and chain.receipts):
        return "no key" if chain.receipts else "none"
    return "ok"


def _span(chain: ChainReport) -> str:
    if chain.first is None or chain.last is None:
        return "no records"
    return printable(f"records {chain.first.seq} to {chain.last.seq}, {chain.first.at} to {chain.last.at}")


def _notes(chain: ChainReport, *, checked: bool) -> Iterator[str]:
    yield from _trust(chain, checked=checked)
    if chain.open:
        yield f"{chain.open} calls have no outcome yet"
    if chain.torn_bytes:
        yield f"{chain.torn_bytes} bytes of an unfinished last line: a writer that is still writing, or was killed"
    if chain.repaired_bytes:
        yield f"{chain.repaired_bytes} bytes were torn off by crashes and are declared as such"
    if chain.lost:
        yield f"{chain.lost} records were lost while the disk failed, and are declared as such"
    if chain.erased_keys:
        yield f"{chain.erased_keys} data keys are erased: what they sealed cannot be read any more"
    if chain.abandoned:
        yield f"its writer left chains alone (broken, copied, or of another identity): {', '.join(chain.abandoned)}"


def _trust(chain: ChainReport, *, checked: bool) -> Iterator[str]:
    """Whose word the records rest on, and from where on."""
    if not chain.records or chain.first is None:
        return
    own, receipt = f"signed by the sidecar's own key up to record {chain.signed}", chain.receipt
    if receipt is not None:
        yield f"witnessed up to record {receipt.position.seq} by {receipt.log}, at {receipt.at}"
        yield f"{own}; self-asserted: the {chain.self_asserted} records after what is witnessed"
    elif chain.receipts and not checked:
        yield f"{own}; self-asserted: its receipts were not checked, give --receipt-key"
    else:
        yield f"{own}; witnessed by nobody else: self-asserted"
    if chain.first.seq > 1:
        yield f"begins with record {chain.first.seq}: what came before is not here, and rests on the receipt alone"
    if chain.first.seq > 1 and chain.identity is None:
        yield "no start is left: nothing here says by which identity it was written"
    if chain.unsigned_heads:
        yield f"{chain.unsigned_heads} heads were not checked: the key that signed them went with the records before"


def _sum_line(report: Report) -> str:
    names = ("records", "intents", "outcomes", "refusals")
    counts = ", ".join(f"{report.total(name)} {name}" for name in names)
    chains = "1 chain" if len(report.chains) == 1 else f"{len(report.chains)} chains"
    return f"{chains}: {counts}, {report.total('unknown')} unknown, {report.total('open')} open"


def _pin_line(report: Report) -> str:
    if report.pinned:
        return "the identity is the one that was given"
    known = sorted({chain.identity for chain in report.chains if chain.identity})
    return printable(f"the identity was taken from the evidence itself ({', '.join(known)}): pin it with --key")
