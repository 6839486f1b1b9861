"""Who is at the other end of a Unix socket, as the kernel knows it."""

import socket
import struct
from typing import Final

ROOT: Final = 0
_CREDENTIALS: Final = struct.Struct("3i")
"""struct ucred: pid, uid, gid (unix(7))."""


def peer_uid(connection: socket.socket) -> int | None:
    """The user id at the other end of a Unix socket, from when it connected or listened; None on other sockets."""
    if connection.family != socket.AF_UNIX:
        return None
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(raw)
    return int(uid)


def trusted_users(own: int, configured: int | None = None) -> frozenset[int]:
    """Who may answer a process of user id `own`: that user, root, who could be it, and the configured one."""
    return frozenset({own, ROOT} if configured is None else {own, ROOT, configured})
