"""The inputs that a target begins with: its seeds, and what was found worth keeping under corpus/<target>/."""

import hashlib
from pathlib import Path
from typing import Final

from tests.fuzz.target import Target

FOLDER: Final = Path(__file__).parent / "corpus"


def known(target: Target) -> list[bytes]:
    """Seeds first, then the files of the corpus in the order of their names."""
    return list(dict.fromkeys([*target.seeds(), *(path.read_bytes() for path in files(target))]))


def files(target: Target) -> list[Path]:
    """The committed inputs of a target."""
    return sorted(path for path in (FOLDER / target.name).glob("*") if path.is_file())


def write(folder: Path, inputs: list[bytes]) -> None:
    """Write inputs into a folder, each under its digest."""
    folder.mkdir(parents=True, exist_ok=True)
    for raw in inputs:
        (folder / digest(raw)).write_bytes(raw)


def digest(raw: bytes) -> str:
    """The name of an input's file."""
    return hashlib.sha256(raw).hexdigest()[:16]
