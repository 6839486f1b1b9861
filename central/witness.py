"""`agentgate witness`: a C2SP witness (c2sp.org/tlog-witness) for a few logs, run by somebody else than the log.

It cosigns a checkpoint if the log's tree has only grown since the last one that it cosigned, which it remembers on
disk before it answers. That is all that it does: who trusts it need not trust the log to show everybody one tree.

    POST /add-checkpoint   200 a signature line, 400 not in the form, 403 not signed by the log, 404 an unknown log,
                           409 another size than is held (and which), 422 a tree that does not continue the held one
"""

import asyncio
import base64
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvloop
from aiohttp import web

from central.keys.folder import KeyFolder
from central.keys.protecting import local_wrapping_key
from evidence.checkpoint import Checkpoint, cosignature, cosigned, open_checkpoint_by
from evidence.files import replace_file
from evidence.key_files import Protection
from evidence.keys import existing_key
from evidence.merkle import EMPTY_ROOT, BadProof, check_consistency
from evidence.note import ED25519, VerifierKey, read_note, read_verifier_key
from evidence.signers import Guarded, Purpose, Signer, SigningFailed, verifier_of
from evidence.signing import BadSignature, exact_base64

_SIZE_TYPE: Final = "text/x.tlog.size"
_MOST_BYTES: Final = 1 << 18
_MOST_HASHES: Final = 63


class WitnessProblem(ValueError):
    """A witness that cannot start as it is told to; the text says what to do."""


class Refused(Exception):
    """A checkpoint that is not cosigned."""

    def __init__(self, status: int, what: str, size: int | None = None) -> None:
        super().__init__(what)
        self.status = status
        self.size = size


@dataclass(frozen=True, slots=True)
class Question:
    """What was sent: the size that the log thinks is held, the proof from there, and the checkpoint's note."""

    old: int
    proof: tuple[bytes, ...]
    note: str


class Witness:
    """Remembers, for each log, the largest tree that it has cosigned. One call at a time.

    A log that exchanges its key is given with both for a while: what was cosigned is remembered by its name.
    """

    def __init__(self, signer: Signer, logs: Iterable[VerifierKey], memory: Path) -> None:
        self._signer, self._memory = signer, memory
        self._logs: dict[str, list[VerifierKey]] = {}
        for log in logs:
            self._logs.setdefault(log.name, []).append(log)
        self._held = _read_memory(memory)

    @property
    def verifier(self) -> VerifierKey:
        """What others know it by."""
        return verifier_of(self._signer)

    async def cosign(self, body: bytes, unix_seconds: int) -> str:
        """The signature line for a checkpoint that continues what is held. Raises Refused, SigningFailed, OSError."""
        text = await asyncio.to_thread(self._remembered, body)
        signed = await self._signer.sign(cosigned(text, unix_seconds))
        return cosignature(self.verifier, unix_seconds, signed).line()

    def _remembered(self, body: bytes) -> str:
        """The text of a checkpoint that may be cosigned, and is held from now on. Raises Refused, OSError."""
        question = read_question(body)
        checkpoint = self._opened(question.note)
        size, root = self._held.get(checkpoint.origin, (0, EMPTY_ROOT))
        if question.old > checkpoint.size:
            raise Refused(400, "the old size is larger than the checkpoint")
        if question.old != size:
            raise Refused(409, "another size is held", size)
        if checkpoint.size == size and checkpoint.root != root:
            raise Refused(409, "another tree of this size is held", size)
        try:
            check_consistency(size, checkpoint.size, root, checkpoint.root, question.proof)
        except BadProof as error:
            raise Refused(422, f"the tree does not continue the one that is held: {error}") from error
        held = {**self._held, checkpoint.origin: (checkpoint.size, checkpoint.root)}
        _write_memory(self._memory, held)
        self._held = held
        return read_note(question.note).text

    def _opened(self, note: str) -> Checkpoint:
        keys = self._logs.get(note.partition("\n")[0])
        if keys is None:
            raise Refused(404, "a log that this witness does not know")
        try:
            return open_checkpoint_by(note, keys).checkpoint
        except BadSignature as error:
            raise Refused(403, str(error)) from error


def read_question(body: bytes) -> Question:
    """Read the body of a request. Raises Refused (400)."""
    try:
        text = body.decode()
        head, blank, note = text.partition("\n\n")
        first, *hashes = head.split("\n")
        word, _, size = first.partition(" ")
        if word != "old" or not blank or not size.isascii() or not size.isdecimal() or len(hashes) > _MOST_HASHES:
            raise Refused(400, "not `old <size>`, hashes, an empty line and a checkpoint")
        return Question(int(size), tuple(map(exact_base64, hashes)), note)
    except ValueError as error:
        raise Refused(400, f"not in the form: {error}") from error


def _read_memory(path: Path) -> dict[str, tuple[int, bytes]]:
    """What was cosigned. A file that cannot be read stops the witness: it must not forget."""
    if not path.exists():
        return {}
    try:
        held = json.loads(path.read_text("utf-8"))
        return {name: (int(size), base64.b64decode(root, validate=True)) for name, (size, root) in held.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise WitnessProblem(f"{path} cannot be read: bring it back, or begin under another name and key") from error


def _write_memory(path: Path, held: Mapping[str, tuple[int, bytes]]) -> None:
    text = json.dumps({name: [size, base64.b64encode(root).decode()] for name, (size, root) in held.items()})
    replace_file(path, f"{text}\n".encode(), mode=0o644)


def witness_app(witness: Witness) -> web.Application:
    """The HTTP face of a witness."""
    one_at_a_time = asyncio.Lock()

    async def add_checkpoint(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            async with one_at_a_time:
                line = await witness.cosign(body, int(time.time()))
        except Refused as refused:
            if refused.size is not None:
                return web.Response(status=refused.status, text=f"{refused.size}\n", content_type=_SIZE_TYPE)
            return web.Response(status=refused.status, text=f"{refused}\n")
        except SigningFailed as failed:
            sys.stderr.write(f"agentgate witness: {failed}\n")
            return web.Response(status=503, text="this witness cannot sign now\n")
        return web.Response(text=line)

    app = web.Application(client_max_size=_MOST_BYTES)
    app.router.add_post("/add-checkpoint", add_checkpoint)
    return app


def opened(state: Path, name: str, logs: Iterable[str], protection: Protection | None = None) -> Witness:
    """A witness over its state folder, made on first start; `protection` is what its key is encrypted under.

    Raises WitnessProblem, KeyProblem, OSError.
    """
    found: list[VerifierKey] = []
    for text in logs:
        try:
            key = read_verifier_key(text)
        except ValueError as error:
            raise WitnessProblem(f"--log {text}: {error}") from error
        if key.kind != ED25519:
            raise WitnessProblem(f"--log {text}: a log signs with a key of type 0x01")
        found.append(key)
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise WitnessProblem(f"--state {state}: {error.strerror}: name a folder, or a place for one") from error
    return Witness(Guarded(_signer(state, name, protection)), found, state / "cosigned.json")


def _signer(state: Path, name: str, protection: Protection | None) -> Signer:
    """The one key of a witness; one that a version before did not encrypt is taken over."""
    folder = KeyFolder(state / "keys" / Purpose.WITNESS, name, Purpose.WITNESS)
    plain, protection = existing_key(state, Purpose.WITNESS), protection or local_wrapping_key(state)
    with folder.held():
        signer = folder.new(protection, None) if plain is None else folder.put(plain, protection)
    for suffix in ("key", "pub"):
        (state / "keys" / f"{Purpose.WITNESS}.{suffix}").unlink(missing_ok=True)
    return signer


def run_witness(witness: Witness, host: str, port: int) -> int:
    """Run until SIGTERM or SIGINT; gives the exit code. Raises OSError."""
    uvloop.run(_run(witness, host, port))
    return 0


async def _run(witness: Witness, host: str, port: int) -> None:
    async with _listening(witness_app(witness), host, port) as url:
        sys.stderr.write(f"agentgate witness ready\n  listens      {url}\n  key          {witness.verifier.text()}\n")
        sys.stderr.flush()
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        await stopped.wait()


@asynccontextmanager
async def _listening(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
