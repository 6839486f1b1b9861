"""`agentgate verify`: checks evidence folders with nothing but files and, if given, the identity's public key.

The shell around `steps`: it finds the files and reads them. No network code is on its import path.
"""

import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO, TypeVar

import orjson

from evidence.checking import Faulty
from evidence.fault import Fault
from evidence.key_history import read_pin, root_of
from evidence.layout import is_chain_name, is_draft, segment_number
from evidence.note import VerifierKey
from evidence.printable import printable
from evidence.report import ChainReport, Report, Step
from evidence.signing import read_public
from evidence.spans import NoTime, read_span, whole
from evidence.steps import check_chain
from evidence.tailing import Unreadable
from evidence.witnessing import Ledger

_T = TypeVar("_T")

_TRUE: Final = 0
_NOT_TRUE: Final = 1
_USAGE: Final = 64
_BLOCK_BYTES: Final = 1 << 16
"""So small that a block and its lines stay in the cache of the processor: with a megabyte it takes an eighth more."""


class NothingToCheck(Exception):
    """The paths or the key do not name anything that can be checked."""


def verify_paths(
    paths: Sequence[Path], pinned: bytes | None = None, verifiers: Sequence[VerifierKey | Ledger] = ()
) -> Report:
    """Check every chain under the paths: evidence folders, or chains themselves.

    `pinned` is the raw public key of the identity that they must name; receipts count if one of `verifiers` has signed
    them, and are not checked where there is none. Raises NothingToCheck, OSError.
    """
    chains: list[ChainReport] = []
    strays: list[Fault[Step]] = []
    for path in paths:
        for child in _members(path):
            if child.is_dir() and not child.is_symlink() and (child == path or is_chain_name(child.name)):
                chains.append(_check_chain(child, pinned, verifiers))
            elif not _on_its_way(child):
                strays.append(Fault(Step.FILES, "not evidence, but among it", path.name, child.name))
    return Report(tuple(chains), pinned is not None, tuple(strays), witnesses=len(verifiers))


def run_verify(
    paths: Sequence[Path],
    *,
    key: str | None,
    as_json: bool,
    out: TextIO,
    receipt_keys: Sequence[str] = (),
    histories: Sequence[Path] = (),
    complete: Sequence[str] | None = None,
) -> int:
    """Check, print, and give the exit code: 0 all is true, 1 it is not, 64 the arguments name nothing to check.

    `key` is the identity's public key (raw 32 bytes, base64), each of `receipt_keys` the verifier key of a ledger (as
    C2SP has it, or as `agentgate central keys` pins it); or files that hold them. `histories` are those of its keys.
    `complete` are two times, between which nothing may be missing.
    """
    try:
        span = None if complete is None else read_span(*complete)
        verifiers = read_ledgers(receipt_keys, histories)
        pinned = None if key is None else read_given("--key", key, read_public)
        report = verify_paths(paths, pinned, verifiers)
        # What is not true is no ground to state anything on.
        stated = whole(_checked(paths, report), span) if span is not None and report.ok else None
    except NoTime as error:
        out.write(f"agentgate verify: --complete: {printable(error)}\n")
        return _USAGE
    except (NothingToCheck, OSError) as error:
        out.write(f"agentgate verify: {printable(error)}\n")
        return _USAGE
    except Unreadable as error:
        out.write(f"agentgate verify: changed while it was checked: {printable(error)}\n")
        return _NOT_TRUE
    if as_json:
        told = {"completeness": stated and stated.as_json()} if span is not None else {}
        out.write(orjson.dumps({**report.as_json(), **told}, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        out.writelines(f"{line}\n" for line in (*report.lines(), *(stated.lines() if stated else ())))
    return _TRUE if report.ok and (stated is None or stated.complete) else _NOT_TRUE


def _checked(paths: Sequence[Path], report: Report) -> Iterator[tuple[Path, ChainReport]]:
    """The chains of a report with their folders, in its order."""
    folders = (
        child
        for path in paths
        for child in _members(path)
        if child.is_dir() and not child.is_symlink() and (child == path or is_chain_name(child.name))
    )
    return zip(folders, report.chains, strict=True)


def read_ledgers(receipt_keys: Sequence[str], histories: Sequence[Path] = ()) -> list[Ledger]:
    """Whose receipts count, with what was given of the histories of their keys. Raises NothingToCheck, OSError."""
    ledgers = [Ledger.known(read_given("--receipt-key", given, read_pin)) for given in receipt_keys]
    for path in histories:
        data, found = path.read_bytes(), 0
        try:
            root = root_of(data).root
            for number, ledger in enumerate(ledgers):
                if ledger.pin.root == root:
                    ledgers[number], found = ledger.learned(data), found + 1
        except ValueError as error:
            raise NothingToCheck(f"--key-history {path}: {error}") from error
        if not found:
            raise NothingToCheck(
                f"--key-history {path}: give its root, {root.text()}, as --receipt-key if you trust it"
            )
    return ledgers


def read_given(option: str, given: str, read: Callable[[str], _T]) -> _T:
    """What was given itself, or what the file of that name holds. Raises NothingToCheck."""
    path = Path(given)
    try:
        return read(path.read_text().strip() if path.is_file() else given)
    except (OSError, ValueError) as error:
        raise NothingToCheck(f"{option} {given}: {error}") from error


def _members(path: Path) -> Iterator[Path]:
    """The path itself if it is a chain, else what lies in it. Raises NothingToCheck."""
    if not path.is_dir():
        raise NothingToCheck(f"{path}: no such folder or pack: name what a sidecar or `pack export` has written")
    children = sorted(path.iterdir())
    if not children:
        raise NothingToCheck(f"{path}: the folder is empty")
    if is_chain_name(path.name) or any(segment_number(child.name) for child in children):
        yield path
    else:
        yield from children


def _on_its_way(path: Path) -> bool:
    """A file that takes its place in a moment, and was not there yet when the files were listed; or never will."""
    return is_draft(path.name) and not path.is_dir() and not path.is_symlink()


def _check_chain(chain: Path, pinned: bytes | None, verifiers: Sequence[VerifierKey | Ledger]) -> ChainReport:
    """Check one chain, again if its writer has given up segments meanwhile: what is read first is then gone."""
    while True:
        before = _names(chain)
        try:
            report = check_chain(chain.name, _Folder(chain), pinned, verifiers)
        except FileNotFoundError:
            if _names(chain) == before:
                raise
            continue
        if report.fault is None or not verifiers or _names(chain) >= before:
            return report


def _names(chain: Path) -> set[str]:
    return {child.name for child in chain.iterdir()}


@dataclass(frozen=True, slots=True)
class _Folder:
    """The files of a chain where its writer has put them."""

    path: Path

    def names(self) -> list[str]:
        names = []
        for child in sorted(self.path.iterdir()):
            if not stat.S_ISREG(child.lstat().st_mode):
                raise Faulty(Step.FILES, f"{child.name} is no regular file")
            names.append(child.name)
        return names

    def blocks(self, name: str) -> Iterator[bytes]:
        with (self.path / name).open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block
