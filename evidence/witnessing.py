"""What the receipts in a chain's folder say of the chain, and whether the chain agrees. Pure."""

from collections.abc import Sequence

from evidence.chain import Position
from evidence.note import VerifierKey
from evidence.receipt import Receipt, open_receipt, read_receipt_line
from evidence.record import Header
from evidence.signing import BadSignature


class Contradicted(ValueError):
    """A receipt and the chain do not agree; the text says in what."""


class Witness:
    """The receipts of one chain, held against its records as they come. None counts without a verifier."""

    def __init__(self, verifiers: Sequence[VerifierKey]) -> None:
        self._verifiers = verifiers
        self._receipts: dict[int, Receipt] = {}
        self._any: Receipt | None = None
        self.lines = 0
        self.furthest: Receipt | None = None

    def take(self, line: bytes) -> None:
        """Read one line of the file (without its LF). Raises ValueError: its form, or its signature."""
        note = read_receipt_line(line)
        self.lines += 1
        if not self._verifiers:
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
        for verifier in self._verifiers[:-1]:
            try:
                return open_receipt(note, verifier)
            except BadSignature:
                continue
        return open_receipt(note, self._verifiers[-1])


def _chain_of(receipt: Receipt) -> tuple[str, str, str]:
    return receipt.sidecar, receipt.tenant, receipt.chain
