"""The receipts that lie in a chain's folder: lines `receipt TAB <the note as a JSON string> LF`, the last one counts.

A receipt covers all of the chain before it, so that the writer keeps one: each replaces the file as a whole. The
history of the ledger's keys lies beside it where there is one, and is written before a receipt that needs it.
"""

import os
from pathlib import Path
from typing import Final

from evidence.layout import LEDGER_KEYS_NAME, RECEIPTS_NAME, receipt_draft
from evidence.receipt import BadReceipts, read_receipt_line, receipt_line

_FILE_MODE: Final = 0o600


def kept_receipt(chain: Path) -> str | None:
    """The note of the last receipt of a chain; None where there is none. Raises BadReceipts, OSError."""
    try:
        lines = (chain / RECEIPTS_NAME).read_bytes().split(b"\n")
    except FileNotFoundError:
        return None
    if lines.pop() or not lines:
        raise BadReceipts(f"{chain.name}/{RECEIPTS_NAME} does not end with a line")
    return read_receipt_line(lines[-1])


def keep_receipt(chain: Path, note: str) -> None:
    """Put a receipt in the place of the one before it, whole or not at all, flushed to disk. Raises OSError."""
    _replace(chain, RECEIPTS_NAME, receipt_line(note))


def kept_ledger_keys(chain: Path) -> bytes | None:
    """The history of the ledger's keys that lies with a chain, not checked. Raises OSError."""
    try:
        return (chain / LEDGER_KEYS_NAME).read_bytes()
    except FileNotFoundError:
        return None


def keep_ledger_keys(chain: Path, history: bytes) -> None:
    """Put a history in the place of the one before it, as `keep_receipt` does. Raises OSError."""
    if kept_ledger_keys(chain) != history:
        _replace(chain, LEDGER_KEYS_NAME, history)


def _replace(chain: Path, name: str, content: bytes) -> None:
    draft = chain.parent / receipt_draft(chain.name)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(chain / name)
