"""A receipt: a ledger's signed promise that it holds a sidecar's chain up to a position. Pure.

A C2SP signed note (c2sp.org/signed-note), Ed25519, whose text has nine lines:

    agentgate/receipt/v1
    <sidecar>
    <tenant, as a JSON string>
    <chain: the link of its first record>
    <incarnation of the last record>
    <seq of the last record>
    <link of the last record>
    <origin of the transparency log that will hold it>
    <RFC 3339 time at which the ledger had it> <RFC 3339 time by which the log will>
"""

from dataclasses import dataclass
from typing import Final

import orjson

from evidence.chain import Position
from evidence.erased import Erased, read_erased
from evidence.key_history import History
from evidence.note import ED25519, VerifierKey, read_verifier_key
from evidence.record import is_digest
from evidence.signing import BadSignature, open_note

_RECEIPT: Final = "agentgate/receipt/v1"
_LINES: Final = 9
_LINE: Final = b"receipt\t"


class BadReceipts(ValueError):
    """A file of receipts that holds something else."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is promised: the ledger of `log` holds `chain` of `sidecar` up to `position` since `at`.

    The log holds it by `merge_by`.
    """

    sidecar: str
    tenant: str
    chain: str
    incarnation: str
    position: Position
    log: str
    at: str
    merge_by: str

    def text(self) -> str:
        """The text of the note, its last LF included."""
        tenant = orjson.dumps(self.tenant).decode()
        lines = (_RECEIPT, self.sidecar, tenant, self.chain, self.incarnation, str(self.position.seq))
        return "\n".join((*lines, self.position.link, self.log, f"{self.at} {self.merge_by}")) + "\n"


def read_receipt_key(text: str) -> VerifierKey:
    """The verifier key of a ledger: whose receipts count. Raises ValueError, also for a key that signs no text."""
    key = read_verifier_key(text)
    if key.kind != ED25519:
        raise ValueError("this is the key of a witness (type 0x04), and receipts are signed by a ledger's (0x01)")
    return key


def open_receipt(note: str, key: VerifierKey) -> Receipt:
    """The receipt in a note that `key` alone has signed. Raises BadSignature."""
    return read_receipt(open_note(note, key.name, key.public))


def open_receipt_of(note: str, history: History) -> Receipt:
    """The receipt in a note by a key that this history stands for at the receipt's time. Raises BadSignature."""
    text, standing = history.open(note)
    receipt = read_receipt(text)
    standing.refuse(receipt.at)
    return receipt


def open_erased_of(note: str, history: History) -> Erased:
    """What a note says is erased, by a key that this history stands for at that time. Raises BadSignature."""
    text, standing = history.open(note)
    erased = read_erased(text)
    standing.refuse(erased.at)
    return erased


def read_receipt(text: str) -> Receipt:
    """Read the text of a receipt's note. Raises BadSignature for any other text."""
    lines = text.split("\n")
    if len(lines) != _LINES + 1 or lines[0] != _RECEIPT or not lines[5].isdecimal() or not is_digest(lines[6]):
        raise BadSignature("the note is not a receipt")
    at, _, merge_by = lines[8].partition(" ")
    try:
        tenant = orjson.loads(lines[2])
    except ValueError as error:
        raise BadSignature("the receipt names no tenant") from error
    position = Position(int(lines[5]), lines[6])
    receipt = Receipt(lines[1], tenant, lines[3], lines[4], position, lines[7], at, merge_by)
    if not isinstance(tenant, str) or receipt.text() != text:
        raise BadSignature("the receipt is not in the form that is written")
    return receipt


def receipt_line(note: str) -> bytes:
    """The line of a receipt in a file of receipts, its LF included."""
    return b"%b%b\n" % (_LINE, orjson.dumps(note))


def read_receipt_line(line: bytes) -> str:
    """The note in a line (without its LF), not checked. Raises BadReceipts for anything that is not written so."""
    try:
        note = orjson.loads(line.removeprefix(_LINE)) if line.startswith(_LINE) else None
    except ValueError:
        note = None
    if not isinstance(note, str) or receipt_line(note) != line + b"\n":
        raise BadReceipts("a line that is no receipt")
    return note
