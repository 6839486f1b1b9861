"""The names of the files: an evidence folder holds chains, a chain holds segments, wrapped keys and a reserve."""

import re
from collections.abc import Iterable
from typing import Final

KEYS_NAME: Final = "keys.jsonl"
RESERVE_NAME: Final = "reserve"
RECEIPTS_NAME: Final = "receipts.tsv"
LEDGER_KEYS_NAME: Final = "ledger-keys.tsv"
CHAIN_GLOB: Final = "chain-*"
SEGMENT_GLOB: Final = "records-*.tsv"

_CHAIN: Final = re.compile(r"chain-[0-9a-f]{16}")
_DRAFT: Final = re.compile(r"\.chain-[0-9a-f]{16}\.(?:receipts\.tsv|keys\.jsonl)")
_SEGMENT: Final = re.compile(r"records-([0-9]{8,})\.tsv")


def segment_name(number: int) -> str:
    """The file name of a segment; numbers begin at 1."""
    return f"records-{number:08d}.tsv"


def segment_number(name: str) -> int | None:
    """The number of a segment by its file name; None for any other name."""
    found = _SEGMENT.fullmatch(name)
    number = int(found[1]) if found else 0
    return number if number and segment_name(number) == name else None


def segment_numbers(names: Iterable[str]) -> list[int]:
    """The numbers of the segments among these file names, rising."""
    return sorted(number for name in names if (number := segment_number(name)) is not None)


def is_chain_name(name: str) -> bool:
    """Whether a folder of this name is a chain of an evidence folder."""
    return _CHAIN.fullmatch(name) is not None


def receipt_draft(chain: str) -> str:
    """Where a receipt of a chain is written, beside it, before it takes the place of the last one."""
    return f".{chain}.{RECEIPTS_NAME}"


def keys_draft(chain: str) -> str:
    """Where the wrapped keys that stay are written, beside a chain, before the file takes the old one's place."""
    return f".{chain}.{KEYS_NAME}"


def is_draft(name: str) -> bool:
    """Whether a file of this name is one of these two: on its way, or left by a writer that was killed."""
    return _DRAFT.fullmatch(name) is not None
