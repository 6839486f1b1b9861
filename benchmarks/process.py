"""Programs under test: started on one core, waited for, and read from /proc."""

import os
import resource
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

START_SECONDS: Final = 20.0
END_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.002
_KIB: Final = 1024
_WITH_ITS_PARENT: Final = ("setpriv", "--pdeathsig", "KILL")
"""The kernel kills a program when the benchmark is killed, since then no `finally` ends it."""


class NotReady(Exception):
    """A program ended or took too long before it was ready; the text is the end of what it printed."""


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    core: int,
    log: Path,
    ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Runs a program on one core until the block ends and gives its process id once it is ready; raises NotReady."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*_WITH_ITS_PARENT, "taskset", "--cpu-list", str(core), *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    try:
        _wait(process, log, ready)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", log: Path, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotReady(log.read_text("utf-8", "replace")[-2000:])
        time.sleep(POLL_SECONDS)


def free_port() -> int:
    """A loopback port that nobody held a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Whether somebody listens on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def children(process: int) -> list[int]:
    """The ids of the processes that a process has started and not yet waited for."""
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def cpu_microseconds(process_ids: Sequence[int]) -> float:
    """CPU time of these processes so far, all threads that still run."""
    return sum(sum(threads_microseconds(process).values()) for process in process_ids)


def threads_microseconds(process: int) -> dict[int, float]:
    """CPU time of each thread so far by its id, as the scheduler counts it; the main thread has the process's id."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    return {int(task.name): int((task / "schedstat").read_text().split()[0]) / 1000 for task in tasks}


def memory_mb(process_ids: Sequence[int]) -> float:
    """Proportional set size in MB (10^6 bytes): shared pages count in equal parts for those who share them."""
    rollups = (Path(f"/proc/{process}/smaps_rollup").read_text() for process in process_ids)
    lines = (line.split() for rollup in rollups for line in rollup.splitlines())
    return sum(int(words[1]) for words in lines if words[0] == "Pss:") * _KIB / 1e6


def peak_above(process: int) -> Callable[[], float]:
    """From now on, what this gives tells by how many MB a process has been larger than it is now, at its peak."""
    Path(f"/proc/{process}/clear_refs").write_text("5")
    before = _status_mb(process, "VmRSS:")
    return lambda: max(0.0, _status_mb(process, "VmHWM:") - before)


def _status_mb(process: int, name: str) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * _KIB / 1e6


def raise_descriptor_limit() -> None:
    """Many streams need many descriptors; what is started from here on inherits the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """This thread, and what it starts, run on one core until the block ends."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def core_busy_microseconds(core: int) -> float:
    """Time that one core has spent on anything but idling (steal by the hypervisor counts)."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            user, nice, system, _idle, _wait_io, irq, softirq, steal = map(int, line.split()[1:9])
            return (user + nice + system + irq + softirq + steal) * 1e6 / os.sysconf("SC_CLK_TCK")
    raise ValueError(f"no core {core}")
