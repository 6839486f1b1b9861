"""Asks witnesses for cosignatures (c2sp.org/tlog-witness).

    POST <prefix>/add-checkpoint
    old <size that the witness holds> LF, hashes of the consistency proof in base64, a line each, LF, the checkpoint

200 brings lines of signatures; 409 the size that the witness really holds; 422 (or 409 without a size) says that this
tree does not continue the one that it has cosigned. Everything else, and no answer, is *away*: asked again within the
limit, and then left alone for a while that doubles with each failure, so that one dead witness slows nobody down.
"""

import asyncio
import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp

from central.log.asking import Answers
from evidence.checkpoint import Quorum, check_cosignatures, read_checkpoint
from evidence.merkle import HashAt, check_consistency, consistency_proof, root_at
from evidence.note import Note, Signature, VerifierKey, read_note, read_signatures
from evidence.signing import BadSignature

_MOST_ANSWER_BYTES: Final = 1 << 16
_SIZE_TYPE: Final = "text/x.tlog.size"
_MOST_SIZE_DIGITS: Final = 20


@dataclass(frozen=True, slots=True)
class Witness:
    """Whom to ask: the key whose lines count, and the URL before `/add-checkpoint`."""

    key: VerifierKey
    prefix: str


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one checkpoint waits for witnesses, and how long one that failed is left alone."""

    seconds: float = 5.0
    first_pause: float = 0.1
    longest_pause: float = 60.0


@dataclass(frozen=True, slots=True)
class _Ahead:
    size: int


@dataclass(frozen=True, slots=True)
class _Contradicting:
    what: str


@dataclass(frozen=True, slots=True)
class _Away:
    what: str


_Verdict = Signature | _Ahead | _Contradicting | _Away


@dataclass(slots=True)
class _Memory:
    """What is known of a witness: the size that it holds, and until when it is left alone."""

    held: int = 0
    pause: float = 0.0
    until: float = 0.0


class WitnessClient:
    """Several witnesses, asked at the same time (`central.log.asking.Witnesses`)."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        witnesses: Collection[Witness],
        needed: int,
        patience: Patience = Patience(),
    ) -> None:
        self.quorum = Quorum(needed, tuple(witness.key for witness in witnesses))
        self._session = session
        self._witnesses = {witness.key.name: witness for witness in witnesses}
        self._patience = patience
        self._memory = {name: _Memory() for name in self._witnesses}

    async def ask(self, note: str, hash_at: HashAt, names: Collection[str]) -> Answers:
        """Show the checkpoint to the witnesses of these names; ends within the limit of time."""
        question = _Question(note, read_note(note), hash_at)
        try:
            async with asyncio.TaskGroup() as tasks:
                asked = {name: tasks.create_task(self._answer(name, question)) for name in names}
        except ExceptionGroup as group:
            # The same files are broken for each of them.
            raise group.exceptions[0] from group
        return _sorted({name: task.result() for name, task in asked.items()})

    async def _answer(self, name: str, question: "_Question") -> _Verdict:
        memory, patience = self._memory[name], self._patience
        clock = asyncio.get_running_loop()
        if clock.time() < memory.until:
            return _Away("left alone since it last failed")
        verdict: _Verdict = _Away("no answer in time")
        pause = patience.first_pause
        try:
            async with asyncio.timeout(patience.seconds):
                while isinstance(verdict := await self._once(self._witnesses[name], memory, question), _Away):
                    await asyncio.sleep(pause)
                    pause *= 2
        except TimeoutError:
            memory.pause = min(max(memory.pause * 2, patience.seconds), patience.longest_pause)
            memory.until = clock.time() + memory.pause
            return verdict if isinstance(verdict, _Away) else _Away("no answer in time")
        memory.pause = 0.0
        return verdict

    async def _once(self, witness: Witness, memory: _Memory, question: "_Question") -> _Verdict:
        """One checkpoint, shown once more if the witness holds another size than was thought."""
        for _ in range(3):
            old = min(memory.held, question.size)
            body = await asyncio.to_thread(question.body, old)
            try:
                status, held, text = await self._post(witness, body)
            except (aiohttp.ClientError, OSError, ValueError) as error:
                return _Away(f"{type(error).__name__}: {error}")
            if status == 409 and held is not None:
                memory.held = held
                if held > question.size:
                    return _Ahead(held)
                if held != old:
                    continue
            if status in {409, 422}:
                return _Contradicting(f"status {status} to growth from {old} to {question.size}")
            if status != 200:
                return _Away(f"status {status}")
            verdict = _signature(witness.key, question, text)
            if isinstance(verdict, Signature):
                memory.held = question.size
            return verdict
        return _Away("it names another size each time")

    async def _post(self, witness: Witness, body: bytes) -> tuple[int, int | None, str]:
        """The status, the size that came with a 409, and the text."""
        url = f"{witness.prefix.rstrip('/')}/add-checkpoint"
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            content = await _limited(response)
            text = content.decode()
            held = text.removesuffix("\n")
            sized = response.content_type == _SIZE_TYPE and held.isascii() and held.isdecimal()
            return response.status, int(held) if sized and len(held) <= _MOST_SIZE_DIGITS else None, text


class _Question:
    """A checkpoint, and the way to it from any smaller tree."""

    def __init__(self, note: str, read: Note, hash_at: HashAt) -> None:
        self.read = read
        self._checkpoint = read_checkpoint(read.text)
        self.size = self._checkpoint.size
        self._note = note
        self._hash_at = hash_at

    def body(self, old: int) -> bytes:
        """The body of a request to a witness that holds `old` leaves. Reads tiles.

        Raises BadProof if they do not lead to the checkpoint: a witness would take that for a fork.
        """
        proof = consistency_proof(old, self.size, self._hash_at)
        check_consistency(old, self.size, root_at(old, self._hash_at), self._checkpoint.root, proof)
        hashes = [base64.b64encode(each).decode() for each in proof]
        return "\n".join((f"old {old}", *hashes, "", self._note)).encode()


def _signature(key: VerifierKey, question: _Question, text: str) -> _Verdict:
    """The one line of this witness in what it answered, checked."""
    try:
        lines = read_signatures(text)
        found = [line for line in lines if key.made(line)]
        check_cosignatures(Note(question.read.text, tuple(found)), (key,))
    except BadSignature as error:
        return _Away(f"its answer does not count: {error}")
    return found[0] if found else _Away("its answer has no line by its key")


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > _MOST_ANSWER_BYTES:
            raise ValueError(f"an answer of more than {_MOST_ANSWER_BYTES} bytes")
    return bytes(content)


def _sorted(verdicts: Mapping[str, _Verdict]) -> Answers:
    signatures, ahead, contradicting, away = (
        dict[str, Signature](),
        dict[str, int](),
        dict[str, str](),
        dict[str, str](),
    )
    for name, verdict in verdicts.items():
        match verdict:
            case Signature():
                signatures[name] = verdict
            case _Ahead(size):
                ahead[name] = size
            case _Contradicting(what):
                contradicting[name] = what
            case _Away(what):
                away[name] = what
    return Answers(signatures, ahead, contradicting, away)
