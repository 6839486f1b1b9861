"""The archive of a bundle (`.tar.gz`): all of its files, or none.

Readers of tar differ in what they make of a damaged header, of a file that stands twice, and of what follows the end:
each of these is refused, so that what was signed, what is vetted and what an engine loads are the same files.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from policy.engine import PolicyRefused

MAX_FILES: Final = 2_000
MAX_BYTES: Final = 64 * 1024 * 1024
"""Files of a policy, and their bytes together: many times what any policy has."""


def read_archive(path: Path) -> dict[str, bytes]:
    """Every file by its path below the root. Raises PolicyRefused."""
    raw = _unpacked(path)
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
            files = _collected(path.name, archive)
            end = archive.offset
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError) as error:
        raise PolicyRefused((f"{path.name}: not a readable bundle: {error}",)) from error
    # `tarfile` takes a damaged header for the end.
    if raw[end:].strip(b"\0"):
        raise PolicyRefused((f"{path.name}: not a readable bundle: damaged at byte {end} of the archive",))
    return files


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise PolicyRefused((f"{path.name}: not a readable bundle: {error}",)) from error
    if len(raw) > MAX_BYTES:
        raise PolicyRefused((f"{path.name}: more than {MAX_BYTES} bytes",))
    return raw


def _collected(name: str, archive: tarfile.TarFile) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for inner, content in _members(name, archive):
        if inner in files:
            raise PolicyRefused((f"{name}: {inner}: stands there twice",))
        if len(files) == MAX_FILES:
            raise PolicyRefused((f"{name}: more than {MAX_FILES} files",))
        files[inner] = content
    return files


def _members(name: str, archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in archive:
        if member.isdir():
            continue
        inner = PurePosixPath(member.name.lstrip("/"))
        content = archive.extractfile(member) if member.isfile() else None
        if content is None or member.issparse() or ".." in inner.parts:
            raise PolicyRefused((f"{name}: {member.name}: only plain files below the root may be in a bundle",))
        yield str(inner), content.read()
