"""Another user of this machine, who tries a socket: a process of another user id.

Where the tests are not root nobody can become another user. There the owner is put in the others' place instead: while
it tries, the owner's bits are what the others' bits are, and the kernel judges its user by them.
"""

import errno
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

UID: Final = 4242
DENIED: Final = os.strerror(errno.EACCES)
REACHED: Final = "reached"
"""What trying a door says: somebody listens, and we may knock."""

_SECONDS: Final = 20.0
_TRY: Final = """
import os, socket, sys
uid, whole = int(sys.argv[1]), sys.stdin.buffer.read()
if uid != os.geteuid():
    os.setgroups([]), os.setgid(uid), os.setuid(uid)
for path in sys.argv[2:]:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(path)
            connection.sendall(whole)
            print("reached")
        except OSError as error:
            print(error.strerror)
"""


@contextmanager
def public_folder() -> Iterator[Path]:
    """A new folder that every user can enter, unlike those that pytest makes."""
    with tempfile.TemporaryDirectory(prefix="agentgate-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder


def tried(target: Path, whole: bytes, *, closed: Path) -> str:
    """What comes of another user's attempt to send `whole` to the socket `target`, which `closed` keeps it from.

    It is tried beside an open door in the folder that holds `closed`, so that a refusal is the refusal of `closed`.
    """
    root = os.geteuid() == 0
    with _door(closed.parent) as door, _others_rights(closed, for_owner=not root):
        command = [sys.executable, "-I", "-S", "-c", _TRY, str(UID if root else os.geteuid()), str(door), str(target)]
        done = subprocess.run(command, input=whole, capture_output=True, timeout=_SECONDS, check=True)
    beside, found = done.stdout.decode().splitlines()
    assert beside == REACHED, beside
    return found


@contextmanager
def _door(folder: Path) -> Iterator[Path]:
    """A socket in this folder that everybody may connect to."""
    path = folder / "door.sock"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        path.chmod(0o666)
        door.listen()
        try:
            yield path
        finally:
            path.unlink()


@contextmanager
def _others_rights(path: Path, *, for_owner: bool) -> Iterator[None]:
    mode = path.stat().st_mode & 0o777
    if for_owner:
        path.chmod((mode & 0o007) << 6)
    try:
        yield
    finally:
        path.chmod(mode)
