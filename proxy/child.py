"""The child of `wrap`: started in a group of its own, ended gently, and never left behind."""

import asyncio
import ctypes
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Final

LEAVE_SECONDS: Final = 5.0
"""How long the child may take to end after its stdin is closed, and again after SIGTERM."""

_PR_SET_PDEATHSIG: Final = 1
_LOG: Final = logging.getLogger("agentgate")


class CannotStart(Exception):
    """The command could not be started at all; the text says which and why."""


def start_child(command: list[str]) -> subprocess.Popen[bytes]:
    """Start the server in a process group of its own; it gets SIGTERM if we die (Linux). Raises CannotStart."""
    try:
        return subprocess.Popen(  # noqa: S603  (running the command is what `wrap` is for)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            process_group=0,
            preexec_fn=_die_with_parent() if sys.platform == "linux" else None,
        )
    except OSError as error:
        raise CannotStart(f"{command[0]}: {error.strerror}") from error


def _die_with_parent() -> Callable[[], None]:
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def end_child(child: subprocess.Popen[bytes], ended: asyncio.Event) -> int:
    """Wait for a child whose stdin is closed; then SIGTERM, then SIGKILL to its group.

    Returns the exit code for the shell, that of SIGKILL where not even this reached the child.
    """
    for number in (None, signal.SIGTERM, signal.SIGKILL):
        if number is not None:
            signal_group(child, number)
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await ended.wait()
                break
        except TimeoutError:
            continue
    else:
        # A child of another user can outlive all three; waiting on would have us never end either.
        return 128 + signal.SIGKILL
    code = child.wait()
    return 128 - code if code < 0 else code


def signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    """Signal the child and what it started."""
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        _note_unreachable(child.pid)


@cache
def _note_unreachable(pid: int) -> None:
    """Said once for a child, however many signals it is to get."""
    _LOG.warning("the child %d runs as another user and cannot be signalled: it ends only by itself", pid)
