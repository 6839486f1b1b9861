"""Programs that run beside the story: started, waited for until they are ready, and ended with it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from proxy.story.scene import Scene
from proxy.story.telling import NotAsSaid

_LEAVE_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05


@asynccontextmanager
async def running(scene: Scene, command: Sequence[str], ready: Callable[[], bool]) -> AsyncIterator[None]:
    """A program of the scene from the moment it is ready; asked to end, then made to. Raises NotAsSaid."""
    with scene.log.open("a") as log:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=scene.folder,
            env=dict(scene.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        while process.returncode is None and not ready():  # noqa: ASYNC110  (another process becomes ready)
            await asyncio.sleep(_POLL_SECONDS)
        if process.returncode is not None:
            raise NotAsSaid(f"{command[0]} goes on until it is stopped ({scene.log_end()})")
        yield
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_LEAVE_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def listens(port: int) -> bool:
    """Whether somebody takes connections on this port of 127.0.0.1."""
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def free_port(wanted: int = 0) -> int:
    """The wanted port if it is free, else any that is."""
    for port in (wanted, 0):
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(trial.getsockname()[1])
    raise OSError("there is no free port on 127.0.0.1")
