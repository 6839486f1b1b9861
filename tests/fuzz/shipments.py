"""What sidecars ship: a batch is read as it was written, or refused; nothing else comes out of any bytes."""

import json
from pathlib import Path
from typing import Final

from evidence.batch import BadBatch, read_batch, write_batch
from evidence.erased import read_erased
from evidence.line import box_line
from evidence.receipt import BadReceipts, read_receipt, read_receipt_line, receipt_line
from evidence.record import record_line
from evidence.signing import BadSignature
from tests.fuzz.edits import edited_bytes
from tests.fuzz.pieces import Pieces
from tests.fuzz.target import Target

_FOLDER: Final = Path(__file__).parents[1] / "vectors" / "evidence"
_BATCHES: Final = [row["batch"].encode() for row in json.loads((_FOLDER / "batches.json").read_text()) if row["ok"]]
_NOTES: Final = [
    row["note"].rpartition("\n\n")[0].encode() + b"\n"
    for name in ("receipts.json", "erased.json")
    for row in json.loads((_FOLDER / name).read_text())
    if row["ok"]
]


def _check(raw: bytes) -> None:
    """The first byte says what the rest is: changes to a batch, a batch, changes to a note's text, or a line."""
    pieces = Pieces(raw)
    match pieces.number(4):
        case 0:
            _batch(edited_bytes(_BATCHES[pieces.number(len(_BATCHES))], pieces))
        case 1:
            _batch(pieces.rest())
        case 2:
            _note(edited_bytes(_NOTES[pieces.number(len(_NOTES))], pieces))
        case _:
            _line(pieces.rest())


def _batch(data: bytes) -> None:
    try:
        batch = read_batch(data)
    except BadBatch:
        return
    lines = []
    for sent in batch.records:
        record = sent.record
        lines.append(record_line(record.header_bytes, record.body_bytes, record.link))
        if sent.box is not None:
            lines.append(box_line(sent.box))
    written = write_batch(
        sidecar=batch.sidecar, tenant=batch.tenant, chain=batch.chain, after=batch.after, gap=batch.gap,
        keys=[key.line + b"\n" for key in batch.keys], lines=lines,
    )  # fmt: skip
    heads = [line for line in data.splitlines(keepends=True) if line.startswith(b"head\t")]
    assert len(heads) == len(batch.heads)
    assert written == b"".join(line for line in data.splitlines(keepends=True) if not line.startswith(b"head\t"))


def _note(raw: bytes) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    for read in (read_receipt, read_erased):
        try:
            found = read(text)
        except BadSignature:
            continue
        assert found.text() == text


def _line(raw: bytes) -> None:
    try:
        note = read_receipt_line(raw)
    except BadReceipts:
        return
    assert receipt_line(note) == raw + b"\n"


def _seeds() -> list[bytes]:
    return [
        *(b"\1" + batch[:1900] for batch in _BATCHES),
        *(bytes([0, at, edit, 0, place, 1]) for at in range(3) for edit in range(11) for place in (0, 60, 200)),
        *(bytes([2, at, edit, place, 1]) for at in range(len(_NOTES)) for edit in range(11) for place in (0, 40, 90)),
        b"\3" + receipt_line("a note\n")[:-1],
        b'\3receipt\t"\\ud800"',
    ]


BATCH: Final = Target(
    "batch",
    "a batch, a receipt and a word on what is erased are read as they are written, or refused by their rule",
    _check,
    _seeds,
    (b"batch\t", b"record\t", b"box\t", b"head\t", b"key\t", b"agentgate/receipt/v1", b"agentgate/erased/v1"),
)
