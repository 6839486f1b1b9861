"""`agentgate wrap`: assemble, start the child, carry lines until one side ends, and exit as the child does."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from typing import IO, Final

import uvloop

from evidence.version import own_version
from proxy.assembly import Assembly, assembled
from proxy.child import end_child, signal_group, start_child
from proxy.config import Config
from proxy.path.identify import Credentials
from proxy.pipes import LineWriter, Pipe, StdioUpstream
from proxy.tending import tend
from proxy.wrap import Wrap

REST_SECONDS: Final = 2.0
"""How long what the child has written may still take to reach the agent after the child has ended."""

_LINE_BYTES: Final = 1 << 16


def run_wrap(config: Config, command: list[str]) -> int:
    """Run until the agent or the child ends. Returns the child's exit code (128 + n for a signal).

    Raises what `assembled` raises and CannotStart, all before the child runs.
    """
    return uvloop.run(_wrap(config, command))


async def _wrap(config: Config, command: list[str]) -> int:
    upstream = StdioUpstream(config.upstreams[0].name)
    async with assembled(config, {upstream.name: upstream}, own_version()) as assembly, asyncio.TaskGroup() as tasks:
        tending = tend(assembly, tasks)
        try:
            return await _around(assembly, upstream, start_child(command))
        finally:
            for task in tending:
                task.cancel()


async def _around(assembly: Assembly, upstream: StdioUpstream, child: subprocess.Popen[bytes]) -> int:
    """Carry lines both ways; whichever ends first (the agent's input, the child, a signal) ends the rest."""
    assert child.stdin is not None  # noqa: S101  (`start_child` asks for both pipes)
    assert child.stdout is not None  # noqa: S101
    _announce(assembly, upstream.name)
    ended = _watch(child)
    to_child = await _writer(child.stdin)
    upstream.writer = LineWriter(to_child)
    caller = assembly.identity.identify(Credentials())
    wrap = Wrap(assembly.gate, upstream, caller, LineWriter(await _writer(sys.stdout.buffer)))
    async with asyncio.TaskGroup() as tasks:
        agent = tasks.create_task(wrap.from_agent(await _reader(sys.stdin.buffer)))
        server = tasks.create_task(wrap.from_child(await _reader(child.stdout)))
        gone, told = tasks.create_task(ended.wait()), tasks.create_task(_stop_signal(child))
        await asyncio.wait((agent, gone, told), return_when=asyncio.FIRST_COMPLETED)
        to_child.close()
        code = await end_child(child, ended)
        with suppress(TimeoutError):
            async with asyncio.timeout(REST_SECONDS):
                await asyncio.shield(server)
                await wrap.settle()
        wrap.give_up()
        for task in (agent, server, gone, told):
            task.cancel()
    signal_group(child, signal.SIGKILL)
    return code


def _announce(assembly: Assembly, name: str) -> None:
    """Say on stderr, where MCP clients keep a log, what stands between the agent and the child."""
    sys.stderr.write("\n  ".join((f"agentgate {own_version()} wraps {name}", *assembly.described())) + "\n")
    sys.stderr.flush()


def _watch(child: subprocess.Popen[bytes]) -> asyncio.Event:
    """An event that is set when the child has ended."""
    ended = asyncio.Event()
    handle = os.pidfd_open(child.pid)
    loop = asyncio.get_running_loop()

    def note() -> None:
        loop.remove_reader(handle)
        os.close(handle)
        ended.set()

    loop.add_reader(handle, note)
    return ended


async def _stop_signal(child: subprocess.Popen[bytes]) -> None:
    """Wait for SIGTERM or SIGINT, and hand it on: the child ends as it would have without us, or is ended."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        stopped.set()
        signal_group(child, number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    await stopped.wait()


async def _reader(pipe: IO[bytes]) -> asyncio.StreamReader:
    """The reading end of a pipe, terminal or socket; a plain file is read on a thread."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_LINE_BYTES)
    if _can_be_waited_for(pipe):
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    else:
        reader.feed_data(await asyncio.to_thread(pipe.read))
        reader.feed_eof()
    return reader


async def _writer(pipe: IO[bytes]) -> "asyncio.StreamWriter | _File":
    """The writing end of a pipe, terminal or socket; a plain file takes everything at once."""
    if not _can_be_waited_for(pipe):
        return _File(pipe)
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, pipe)
    return asyncio.StreamWriter(transport, protocol, None, loop)


def _can_be_waited_for(pipe: IO[bytes]) -> bool:
    """Files and devices like /dev/null are always ready; uvloop does not refuse them but aborts the process."""
    mode = os.fstat(pipe.fileno()).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(pipe.fileno())


class _File(Pipe):
    """A plain file in the place of a pipe (output redirected to disk)."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, data: bytes) -> None:
        """Write through."""
        self._file.write(data)
        self._file.flush()

    async def drain(self) -> None:
        """A file is never slow."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()
