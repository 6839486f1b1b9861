"""`agentgate verify`: checks evidence folders with nothing but files and, if given, the identity's public key.

The shell around `checking`: it finds the files and reads them. No network code is on its import path.
"""

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TextIO

import orjson

from evidence.checking import ChainCheck, Faulty
from evidence.layout import KEYS_NAME, RESERVE_NAME, is_chain_name, segment_name, segment_number
from evidence.printable import printable
from evidence.report import ChainReport, Fault, Report, Step
from evidence.signing import read_public

_TRUE: Final = 0
_NOT_TRUE: Final = 1
_USAGE: Final = 64
_BLOCK_BYTES: Final = 1 << 20


class NothingToCheck(Exception):
    """The paths or the key do not name anything that can be checked."""


def verify_paths(paths: Sequence[Path], pinned: bytes | None = None) -> Report:
    """Check every chain under the paths: evidence folders, or chains themselves.

    `pinned` is the raw public key of the identity that they must name. Raises NothingToCheck, OSError.
    """
    chains: list[ChainReport] = []
    strays: list[Fault] = []
    for path in paths:
        for child in _members(path):
            if child.is_dir() and not child.is_symlink() and (child == path or is_chain_name(child.name)):
                chains.append(_check_chain(child, pinned))
            else:
                strays.append(Fault(Step.FILES, "not evidence, but among it", path.name, child.name))
    return Report(tuple(chains), pinned is not None, tuple(strays))


def run_verify(paths: Sequence[Path], *, key: str | None, as_json: bool, out: TextIO) -> int:
    """Check, print, and give the exit code: 0 all is true, 1 it is not, 64 the arguments name nothing to check.

    `key` is the identity's public key (raw 32 bytes, base64) or a file that holds it.
    """
    try:
        report = verify_paths(paths, None if key is None else _read_key(key))
    except (NothingToCheck, OSError) as error:
        out.write(f"agentgate verify: {printable(error)}\n")
        return _USAGE
    if as_json:
        out.write(orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        out.writelines(f"{line}\n" for line in report.lines())
    return _TRUE if report.ok else _NOT_TRUE


def _read_key(key: str) -> bytes:
    path = Path(key)
    try:
        return read_public(path.read_text().strip() if path.is_file() else key)
    except (OSError, ValueError) as error:
        raise NothingToCheck(f"--key {key}: {error}") from error


def _members(path: Path) -> Iterator[Path]:
    """The path itself if it is a chain, else what lies in it. Raises NothingToCheck."""
    if not path.is_dir():
        raise NothingToCheck(f"{path}: no such folder")
    children = sorted(path.iterdir())
    if not children:
        raise NothingToCheck(f"{path}: the folder is empty")
    if is_chain_name(path.name) or any(segment_number(child.name) for child in children):
        yield path
    else:
        yield from children


def _check_chain(chain: Path, pinned: bytes | None) -> ChainReport:
    check = ChainCheck(chain.name, pinned)
    try:
        _check_files(chain, check)
    except Faulty as faulty:
        check.fail(faulty)
    check.end()
    return check.report


def _check_files(chain: Path, check: ChainCheck) -> None:
    """Segments first: what is written meanwhile to a living chain is then in the keys at least."""
    segments = _segments(chain)
    for path in segments:
        check.segment(path.name, path.read_bytes(), last=path == segments[-1])
    keys, reserve = chain / KEYS_NAME, chain / RESERVE_NAME
    check.wrapped_keys(keys.read_bytes() if keys.exists() else b"")
    if reserve.exists():
        for block in _blocks(reserve):
            check.reserve(block)


def _segments(chain: Path) -> list[Path]:
    """The segments in their order. Raises Faulty if one is missing or anything else lies there."""
    numbers = []
    for child in sorted(chain.iterdir()):
        if not stat.S_ISREG(child.lstat().st_mode):
            raise Faulty(Step.FILES, f"{child.name} is no regular file")
        number = segment_number(child.name)
        if number is not None:
            numbers.append(number)
        elif child.name not in {KEYS_NAME, RESERVE_NAME}:
            raise Faulty(Step.FILES, f"{child.name} is no file of a chain")
    numbers.sort()
    if numbers != list(range(1, len(numbers) + 1)):
        raise Faulty(Step.FILES, f"segments are missing: the numbers are {numbers}")
    return [chain / segment_name(number) for number in numbers]


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block
