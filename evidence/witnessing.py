"""What the receipts in a chain's folder say of the chain, and whether the chain agrees. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from evidence.chain import Position
from evidence.erased import Erased
from evidence.key_entry import BadHistory, Rule
from evidence.key_history import History, Pin, merged, only, read_history, root_of
from evidence.note import VerifierKey
from evidence.receipt import Receipt, open_erased_of, open_receipt_of, read_receipt_line
from evidence.record import Header
from evidence.signing import BadSignature


class Contradicted(ValueError):
    """A receipt and the chain do not agree; the text says in what."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Whose receipts count: what was known of its keys beforehand, and the longest history of them that was met."""

    pin: Pin
    history: History

    @classmethod
    def known(cls, key: "VerifierKey | Pin | Ledger") -> Self:
        """Nothing is known but a root, or how far its history had come."""
        pin = Pin(key) if isinstance(key, VerifierKey) else key.pin if isinstance(key, Ledger) else key
        return cls(pin, key.history if isinstance(key, Ledger) else only(pin.root))

    def learned(self, data: bytes) -> Self:
        """With a history that was met. Raises BadHistory: it does not hold, is older than was seen, or another one."""
        return replace(self, history=merged(self.history, read_history(data, self.pin)))

    def open(self, note: str) -> Receipt:
        """A receipt that counts. Raises BadSignature."""
        return open_receipt_of(note, self._standing())

    def open_erased(self, note: str) -> Erased:
        """What it says is erased, if that counts. Raises BadSignature."""
        return open_erased_of(note, self._standing())

    def _standing(self) -> History:
        if self.pin.number and not self.history.notes:
            what = f"no key history is here, and entry {self.pin.number} of it was seen: it was rolled back"
            raise BadHistory(Rule.ROLLED_BACK, what)
        return self.history


class Witness:
    """The receipts of one chain, held against its records as they come. None counts without a verifier."""

    def __init__(self, verifiers: Sequence[VerifierKey | Ledger]) -> None:
        self._ledgers = [Ledger.known(verifier) for verifier in verifiers]
        self._receipts: dict[int, Receipt] = {}
        self._any: Receipt | None = None
        self.lines = 0
        self.furthest: Receipt | None = None

    def learn(self, data: bytes) -> None:
        """Take the key history in the chain's folder, before its receipts. Raises BadHistory."""
        root = root_of(data).root
        if not self._ledgers:
            read_history(data, Pin(root))
        places = [number for number, ledger in enumerate(self._ledgers) if ledger.pin.root == root]
        if self._ledgers and not places:
            raise BadHistory(Rule.UNKNOWN_KEY, f"the history begins with {root.text()}, which was not given", 0)
        for number in places:
            self._ledgers[number] = self._ledgers[number].learned(data)

    def take(self, line: bytes) -> None:
        """Read one line of the file (without its LF). Raises ValueError: its form, or its signature."""
        note = read_receipt_line(line)
        self.lines += 1
        if not self._ledgers:
            return
        receipt = self._open(note)
        seq = receipt.position.seq
        if seq < 1:
            raise Contradicted("a receipt over no record")
        known = self._receipts.setdefault(seq, receipt)
        if self._any is not None and _chain_of(self._any) != _chain_of(receipt):
            raise Contradicted("the receipts are of different chains")
        if (known.position, known.incarnation) != (receipt.position, receipt.incarnation):
            raise Contradicted(f"two receipts name different records as number {seq}")
        self._any = receipt

    def begins(self, header: Header, link: str) -> None:
        """The first record of the folder. Raises Contradicted."""
        receipt = self._any
        if receipt is None:
            return
        if (receipt.sidecar, receipt.tenant) != (header.sidecar, header.tenant):
            raise Contradicted("the receipt is of another sidecar or tenant")
        if header.seq == 1 and receipt.chain != link:
            raise Contradicted("the receipt is of another chain")
        self.reaches(header.seq - 1, header.prev, header.incarnation)

    def covers(self, position: Position) -> bool:
        """Whether a receipt reaches so far; what it says of the records up to there only the chain can confirm."""
        return any(seq >= position.seq for seq in self._receipts)

    def reaches(self, seq: int, link: str, incarnation: str) -> None:
        """A record was found true. Raises Contradicted if a receipt names another one of this number."""
        receipt = self._receipts.get(seq)
        if receipt is None:
            return
        if (receipt.position.link, receipt.incarnation) != (link, incarnation):
            raise Contradicted(f"the receipt over record {seq} names another record: one of the two is forged")
        self.furthest = receipt

    def ends(self, seq: int) -> None:
        """The chain ends here. Raises Contradicted if a receipt goes further."""
        last = max(self._receipts, default=0)
        if last > seq:
            raise Contradicted(f"the ledger has record {last}, and the chain ends with {seq}: its end was cut off")

    def _open(self, note: str) -> Receipt:
        for ledger in self._ledgers[:-1]:
            try:
                return ledger.open(note)
            except BadSignature:
                continue
        return self._ledgers[-1].open(note)


def _chain_of(receipt: Receipt) -> tuple[str, str, str]:
    return receipt.sidecar, receipt.tenant, receipt.chain
