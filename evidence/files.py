"""Files as a whole, and the names of folders, on the disk: whatever ends the process, one finds the old or the new."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    with _folder(folder) as descriptor:
        os.fsync(descriptor)


def made(path: Path, flags: int, mode: int = 0o600) -> int:
    """A new file, opened. Raises OSError, FileExistsError where there is one.

    Where root makes it, it is the folder's owner's, as a sidecar of that user must read it. Nothing but the file that
    was made here is given away: who owns the folder gets at no other one by a link, or by another folder in its place.
    """
    with _folder(path.parent) as folder:
        handle = os.open(path.name, flags | os.O_CREAT | os.O_EXCL, mode, dir_fd=folder)
        try:
            _give(handle, os.fstat(folder))
        except BaseException:
            os.close(handle)
            os.unlink(path.name, dir_fd=folder)
            raise
        return handle


def opened(path: Path, flags: int) -> int:
    """A file, opened; where there is none it is `made`. Raises OSError."""
    try:
        return made(path, flags)
    except FileExistsError:
        return os.open(path, flags)


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
    draft = f".{secrets.token_hex(8)}"
    with _folder(path.parent) as above:
        os.mkdir(draft, mode, dir_fd=above)
        try:
            with _folder(draft, os.O_NOFOLLOW, above) as folder:
                if not os.listdir(folder):
                    _give(folder, os.fstat(above))
            os.rename(draft, path.name, src_dir_fd=above, dst_dir_fd=above)
        except BaseException:
            with suppress(OSError):
                os.rmdir(draft, dir_fd=above)
            raise


@contextmanager
def _folder(path: Path | str, flags: int = 0, above: int | None = None) -> Iterator[int]:
    """A folder, opened; its path may be seen from another one."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | flags, dir_fd=above)
    try:
        yield handle
    finally:
        os.close(handle)


def _give(handle: int, folder: os.stat_result) -> None:
    if os.geteuid() == 0 and os.fstat(handle).st_uid != folder.st_uid:
        os.fchown(handle, folder.st_uid, folder.st_gid)


def chain_folders(folder: Path) -> list[Path]:
    """The chains of an evidence folder by their names, sorted; what else lies there, such as copies, is none."""
    return sorted(path for path in folder.glob(CHAIN_GLOB) if is_chain_name(path.name))
