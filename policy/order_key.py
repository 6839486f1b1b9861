"""The local key that signs orders: `keys/orders.key` in the state folder, 32 raw bytes in base64, mode 0600."""

import base64
import binascii
import os
import stat
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_OTHERS: Final = 0o077


class OrdersProblem(Exception):
    """The orders or their key cannot be relied on; the text names the file and says what to do."""


def load_or_make_key(state: Path) -> Ed25519PrivateKey:
    """The orders key under `state`, made when it is missing. Raises OrdersProblem for one that others can read."""
    path = state / "keys" / "orders.key"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        return Ed25519PrivateKey.from_private_bytes(_read(path))
    except OSError as error:
        raise OrdersProblem(f"{error.filename or path}: {error.strerror}") from error


def _make(path: Path) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # Another process was first, and its key counts.
    finally:
        draft.unlink()


def _read(path: Path) -> bytes:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _OTHERS:
        raise OrdersProblem(f"{path} can be read by others (mode {mode:04o}): chmod 600 {path}")
    try:
        raw = base64.b64decode(path.read_bytes().strip(), validate=True)
    except binascii.Error as error:
        raise OrdersProblem(f"{path}: {error}; restore the file") from error
    if len(raw) != 32:
        raise OrdersProblem(f"{path}: {len(raw)} bytes where a key has 32; restore the file")
    return raw
