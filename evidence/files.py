"""Files as a whole, and the names of folders, on the disk: whatever ends the process, one finds the old or the new."""

import os
import secrets
from contextlib import suppress
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

    Where root makes it, it is the folder's owner's, as a sidecar of that user must read it. Nothing but the file that
    was made here is given away: who owns the folder gets at no other one by a link, or by another folder in its place.
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


def make_folder(path: Path, mode: int = 0o700) -> None:
    """The folder, made if it is missing, with those above it; each one's owner is as for `made`. Raises OSError."""
    if path.is_dir() or path == path.parent:
        return
    make_folder(path.parent, 0o777)
    if os.geteuid() != 0:
        path.mkdir(mode=mode, exist_ok=True)
        return
    try:
        _make_as_root(path, mode)
    except OSError as error:
        # Another process may have been first.
        if not path.is_dir():
            raise OSError(error.errno, error.strerror, str(path)) from error


def _make_as_root(path: Path, mode: int) -> None:
    """It gets its name only once it is its owner's: whoever can rename things here has no other folder given away.

    It takes the place of a folder that is there by then only if that is empty.
    """
    above = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    draft = f".{secrets.token_hex(8)}"
    try:
        os.mkdir(draft, mode, dir_fd=above)
        try:
            _give_folder(draft, above)
            os.rename(draft, path.name, src_dir_fd=above, dst_dir_fd=above)
        except BaseException:
            with suppress(OSError):
                os.rmdir(draft, dir_fd=above)
            raise
    finally:
        os.close(above)


def _give_folder(name: str, above: int) -> None:
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
    try:
        if not os.listdir(folder):
            _give(folder, os.fstat(above))
    finally:
        os.close(folder)


def _give(handle: int, folder: os.stat_result) -> None:
    if os.geteuid() == 0 and os.fstat(handle).st_uid != folder.st_uid:
        os.fchown(handle, folder.st_uid, folder.st_gid)


def chain_folders(folder: Path) -> list[Path]:
    """The chains of an evidence folder by their names, sorted; what else lies there, such as copies, is none."""
    return sorted(path for path in folder.glob(CHAIN_GLOB) if is_chain_name(path.name))
