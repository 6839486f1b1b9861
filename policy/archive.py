"""The archive of a bundle (`.tar.gz`): all of its files, or none; and the same bytes for the same files.

Readers of tar differ in what they make of a damaged header, of a file that stands twice, of a name in another
spelling, and of what follows the end: each of these is refused, so that what was signed, what is vetted and what an
engine loads are the same files. Nothing is unpacked beyond the limit, whatever the archive says of itself.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from policy.engine import PolicyRefused

MAX_FILES: Final = 2_000
MAX_BYTES: Final = 64 * 1024 * 1024
"""Files of a policy, and their bytes together: many times what any policy has."""

MANIFEST: Final = ".manifest"
SIGNATURES: Final = ".signatures.json"
"""The two files at the root of a bundle that are neither rules nor data."""

_MODE: Final = 0o644
_ROOTS: Final = ("/", "./")
"""How OPA and `tar` begin the names of what lies at the root."""


def read_file(path: Path) -> bytes:
    """The archive as it is, its size looked at first. Raises PolicyRefused."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PolicyRefused((f"{path}: {error.strerror}",)) from error
    if len(raw) > MAX_BYTES:
        raise PolicyRefused((f"{path.name}: more than {MAX_BYTES} bytes",))
    return raw


def read_archive(name: str, packed: bytes) -> dict[str, bytes]:
    """Every file by its path below the root; `name` is for the problems. Raises PolicyRefused."""
    raw = _unpacked(name, packed)
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
            files = _collected(name, archive)
            end = archive.offset
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError) as error:
        raise PolicyRefused((f"{name}: not a readable bundle: {error}",)) from error
    # `tarfile` takes a damaged header for the end.
    if raw[end:].strip(b"\0"):
        raise PolicyRefused((f"{name}: not a readable bundle: damaged at byte {end} of the archive",))
    return files


def write_archive(files: Mapping[str, bytes], *, level: int = 9) -> bytes:
    """An archive of the files that says nothing else: no times, no owners, one mode, sorted by name."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=level, fileobj=buffer, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), _MODE
            archive.addfile(entry, io.BytesIO(files[name]))
    return buffer.getvalue()


def _unpacked(name: str, packed: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(packed)) as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise PolicyRefused((f"{name}: not a readable bundle: {error}",)) from error
    if len(raw) > MAX_BYTES:
        raise PolicyRefused((f"{name}: more than {MAX_BYTES} bytes",))
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
        inner = _below_root(member.name)
        content = archive.extractfile(member) if member.isfile() else None
        if content is None or member.issparse() or inner is None:
            raise PolicyRefused((f"{name}: {member.name!r}: only plain files below the root may be in a bundle",))
        yield inner, content.read()


def _below_root(name: str) -> str | None:
    """The one spelling of a path below the root; None for a name that steps upwards or has a second spelling."""
    inner = next((name.removeprefix(root) for root in _ROOTS if name.startswith(root)), name)
    parts = inner.split("/")
    plain = inner.isprintable() and "\\" not in inner and not {"", ".", ".."} & set(parts)
    return inner if plain else None
