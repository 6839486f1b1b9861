"""Files as a whole, and the names of folders, on the disk: whatever ends the process, one finds the old or the new."""

import os
from pathlib import Path

from evidence.layout import CHAIN_GLOB, is_chain_name


def replace_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace the file in one step, and have it on disk; its owner is as for `made`. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = made(draft, os.O_WRONLY, mode)
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


def made(path: Path, flags: int, mode: int = 0o600) -> int:
    """A new file, opened. Raises OSError, FileExistsError where there is one.

    Where root makes it, it is the folder's owner's, as a sidecar of that user must read it. Only a file that was made
    here, and through no link, is given away: who owns the folder gets at no other file by it.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        handle = os.open(path.name, flags | os.O_CREAT | os.O_EXCL, mode, dir_fd=folder)
        try:
            _give(handle, os.fstat(folder))
        except BaseException:
            os.close(handle)
            os.unlink(path.name, dir_fd=folder)
            raise
        return handle
    finally:
        os.close(folder)


def make_folder(path: Path) -> None:
    """The folder (0700), made if it is missing, with those above it; its owner is as for `made`. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _give(handle, path.parent.stat())
    finally:
        os.close(handle)


def _give(handle: int, folder: os.stat_result) -> None:
    if os.geteuid() == 0 and os.fstat(handle).st_uid != folder.st_uid:
        os.fchown(handle, folder.st_uid, folder.st_gid)


def chain_folders(folder: Path) -> list[Path]:
    """The chains of an evidence folder by their names, sorted; what else lies there, such as copies, is none."""
    return sorted(path for path in folder.glob(CHAIN_GLOB) if is_chain_name(path.name))
