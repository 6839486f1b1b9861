"""A real C2SP witness, started and stopped, and one that answers what a row says."""

import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.log.witnessing import Witness
from evidence.note import COSIGNATURE, VerifierKey
from tests.central.log.memory import LOG
from tests.peers.places import LOG_PEERS


def seed(number: int) -> bytes:
    return bytes([number + 40]) * 32


def witness_key(number: int) -> VerifierKey:
    private = Ed25519PrivateKey.from_private_bytes(seed(number))
    return VerifierKey(f"witness.example/{number}", COSIGNATURE, private.public_key().public_bytes_raw())


@contextmanager
def real_witness(folder: Path, number: int = 0, log: VerifierKey = LOG) -> Iterator[Witness]:
    """github.com/transparency-dev/witness over a database that lasts; `folder` is its place."""
    key = witness_key(number)
    folder.mkdir(exist_ok=True)
    arguments = {
        "-name": key.name,
        "-seed": seed(number).hex(),
        "-log": log.text(),
        "-database": str(folder / "witness.db"),
        "-listen": "127.0.0.1:0",
    }
    command = [str(LOG_PEERS / "witness"), *(word for pair in arguments.items() for word in pair)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, "the witness did not start"
            yield Witness(key, f"http://{address}")
        finally:
            process.kill()


@dataclass(slots=True)
class Asked:
    """What came to a scripted witness."""

    bodies: list[str]


Answer = Callable[[str], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def scripted_witness(answer: Answer, number: int = 0) -> AsyncIterator[tuple[Witness, Asked]]:
    """Answers what it is told to."""
    asked = Asked([])

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.bodies.append(await request.text())
        return await answer(asked.bodies[-1])

    app = web.Application()
    app.router.add_post("/prefix/add-checkpoint", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        yield Witness(witness_key(number), f"http://127.0.0.1:{port}/prefix/"), asked
    finally:
        await runner.cleanup()
