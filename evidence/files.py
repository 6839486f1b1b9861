"""Files as a whole, and the names of folders, on the disk: whatever ends the process, one finds the old or the new."""

import os
from pathlib import Path

from evidence.layout import CHAIN_GLOB, is_chain_name


def replace_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace the file in one step, and have it on disk. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """The names in a folder are on the disk when this returns. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def chain_folders(folder: Path) -> list[Path]:
    """The chains of an evidence folder by their names, sorted; what else lies there, such as copies, is none."""
    return sorted(path for path in folder.glob(CHAIN_GLOB) if is_chain_name(path.name))
