"""The steps of a check in their order, over the files of one chain, wherever those lie. Pure: files are handed in."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from evidence.checking import ChainCheck, Faulty
from evidence.layout import KEYS_NAME, LEDGER_KEYS_NAME, RECEIPTS_NAME, RESERVE_NAME, segment_name, segment_number
from evidence.note import VerifierKey
from evidence.report import ChainReport, Step
from evidence.witnessing import Ledger


class ChainFiles(Protocol):
    """The files of one chain: a folder, a part of an archive, a dictionary."""

    def names(self) -> Iterable[str]:
        """The names of all files as they are now. Raises Faulty for anything that is no regular file."""

    def blocks(self, name: str) -> Iterable[bytes]:
        """What a file that was named holds, in blocks of any size."""


def check_chain(
    name: str, files: ChainFiles, pinned: bytes | None = None, verifiers: Sequence[VerifierKey | Ledger] = ()
) -> ChainReport:
    """Check a chain up to its end or its first fault.

    `pinned` is the raw public key of the identity that it must name; receipts count if one of `verifiers` has signed
    them, or a key that the history beside them leads to from there, and are not checked where there is none. Nothing
    is raised but what `files` raises itself.
    """
    check = ChainCheck(name, pinned, verifiers)
    try:
        _check(files, check)
    except Faulty as faulty:
        check.fail(faulty)
    check.end()
    return check.report


def _check(files: ChainFiles, check: ChainCheck) -> None:
    """Receipts first, then segments, then keys: what is written meanwhile to a living chain is in the later ones."""
    _segment_numbers(files)
    # Read in this order, since a writer puts a key into the history before it keeps a receipt by it.
    receipts = list(_blocks_if_there(files, RECEIPTS_NAME))
    check.ledger_keys(_blocks_if_there(files, LEDGER_KEYS_NAME))
    check.receipts(receipts)
    numbers = _segment_numbers(files)
    if numbers != list(range(numbers[0], numbers[0] + len(numbers)) if numbers else []):
        raise Faulty(Step.FILES, f"segments are missing: the numbers are {numbers}")
    if numbers and numbers[0] > 1:
        check.trimmed(f"segments are missing: the first is number {numbers[0]}, and no receipt stands for those before")
    for number in numbers:
        name = segment_name(number)
        check.segment(name, files.blocks(name), last=number == numbers[-1])
    check.records_end()
    check.wrapped_keys(_blocks_if_there(files, KEYS_NAME))
    check.reserve(_blocks_if_there(files, RESERVE_NAME))


def _segment_numbers(files: ChainFiles) -> list[int]:
    """The numbers of the segments in their order. Raises Faulty if anything else lies there."""
    numbers = []
    for name in sorted(files.names()):
        number = segment_number(name)
        if number is not None:
            numbers.append(number)
        elif name not in {KEYS_NAME, LEDGER_KEYS_NAME, RECEIPTS_NAME, RESERVE_NAME}:
            raise Faulty(Step.FILES, f"{name} is no file of a chain")
    return sorted(numbers)


def _blocks_if_there(files: ChainFiles, name: str) -> Iterable[bytes]:
    return files.blocks(name) if name in files.names() else ()
