"""`python -m benchmarks.authorizer`: what a question costs an OPA that authorizes each request, and one that does not.

One connection, one question after the other; OPA has one core, we have the other. Rounds of the two alternate, so that
a machine whose speed changes meanwhile changes both.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.decisions import opa_on
from benchmarks.process import children, cpu_microseconds
from policy.bundle import load
from policy.opa_wire import Connections
from policy.peer import trusted_users
from policy.vetting import smoke_inputs

ROUNDS: Final = 9
SECONDS: Final = 10.0


@dataclass(slots=True)
class Asked:
    """One OPA, and microseconds a question of each round: on the clock, and of OPA's CPU."""

    process: int
    connections: Connections
    clock: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures both and prints them."""
    parser = argparse.ArgumentParser(prog="authorizer", description="What --authorization costs a question to OPA.")
    parser.add_argument("--questions", type=int, default=1000, help="of each round (default: 1000)")
    questions = parser.parse_args(arguments).questions
    for name, asked in asyncio.run(_measured(questions)).items():
        clock, cpu = statistics.median(asked.clock), statistics.median(asked.cpu)
        sys.stdout.write(f"{name:<17} {clock:6.0f} us a question, {cpu:6.0f} us of OPA's CPU\n")
    return 0


async def _measured(questions: int) -> dict[str, Asked]:
    async with _opa(authorization=False) as plain, _opa(authorization=True) as authorizing:
        found = {"without": plain, "--authorization": authorizing}
        for _ in range(ROUNDS):
            for asked in found.values():
                await _round(asked, questions)
        return found


@asynccontextmanager
async def _opa(*, authorization: bool) -> AsyncIterator[Asked]:
    """One on the starter policy, on the first core; this process is on the others."""
    core = min(os.sched_getaffinity(0))
    before = set(children(os.getpid()))
    with tempfile.TemporaryDirectory() as folder:
        async with opa_on(core, load("starter", grants=None), Path(folder, "opa"), authorization=authorization) as opa:
            (number,) = set(children(os.getpid())) - before
            yield Asked(number, Connections(opa.address, trusted_users(os.geteuid())))


async def _round(asked: Asked, questions: int) -> None:
    _, entry, document = next(iter(smoke_inputs()))
    path, body = f"/v1/data/{entry.value}?provenance=true", b'{"input":' + document + b"}"
    cpu, clock = cpu_microseconds([asked.process]), time.perf_counter()
    for _ in range(questions):
        answered = await asked.connections.post(path, body, seconds=SECONDS)
        assert answered.status == 200, answered.body  # noqa: S101  (a refusal is quicker than an answer)
    asked.clock.append((time.perf_counter() - clock) * 1e6 / questions)
    asked.cpu.append((cpu_microseconds([asked.process]) - cpu) / questions)


if __name__ == "__main__":
    sys.exit(main())
