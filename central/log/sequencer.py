"""The one sequencer of a log: it gives leaves their numbers, and signs what came of it.

In this order, and each durable before the next:

    the tree is moved in the database by compare-and-swap, with the batches that became leaves
    bundles and tiles are written
    the checkpoint is signed, and shown to the witnesses
    it takes the place of the published one

So whatever is signed stands in the database, and two sequencers cannot sign different trees: they would have to move
the tree from one place to two. What a crash leaves undone the next start does, from the database.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from central.log.asking import Answers, Witnesses
from central.log.growing import grown, replaced
from central.log.starting import join, read_published, refuse_older, refuse_unknowing
from central.log.state import Placed, Tree, TreeState
from central.log.stopping import LogStopped, Overtaken, WouldShrink
from central.log.store import LogFolder
from evidence.checkpoint import Checkpoint, check_cosignatures, open_checkpoint_by
from evidence.merkle import EMPTY_ROOT, BadProof, Edge
from evidence.note import Signature, VerifierKey, read_note, write_note
from evidence.signing import BadSignature
from evidence.tiles import BadTile, TiledHashes

MOST_LEAVES: Final = 1 << 16
"""Of one step, unless a single batch has more."""


class LogKeys(Protocol):
    """The keys of a log, all under its origin as their name. Each call raises `evidence.signers.SigningFailed`."""

    name: str

    async def known(self) -> Sequence[VerifierKey]:
        """Keys by which a checkpoint of this log counts."""
        ...

    async def signing(self) -> Sequence[VerifierKey]:
        """Those that sign now."""
        ...

    async def sign(self, statement: bytes) -> Sequence[Signature]:
        """A signature of each of them."""
        ...


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint that is out, with who has cosigned it, and how many were asked and are needed."""

    checkpoint: Checkpoint
    note: str
    cosigned: tuple[str, ...]
    asked: int
    needed: int


class Sequencer:
    """Over one state and one folder, which the caller holds (`LogFolder.held`).

    `start` first, then any number of `step`. After an exception the object is done for: make another one. Both raise
    LogStopped (reported as an incident), Overtaken, LedgerUnavailable, SigningFailed and OSError; `start` raises
    WitnessesAway as well.
    """

    def __init__(
        self, state: TreeState, folder: LogFolder, keys: LogKeys, witnesses: Witnesses, most_leaves: int = MOST_LEAVES
    ) -> None:
        self._state = state
        self._folder = folder
        self._keys = keys
        self._witnesses = witnesses
        self._most_leaves = most_leaves
        self._names = {witness.name for witness in witnesses.quorum.witnesses}
        self._tree = Tree(0, EMPTY_ROOT, 0)
        self._edge = Edge()
        self._out: Published | None = None

    async def start(self) -> Published:
        """Take over; compare what the database, the files and the witnesses have; publish the largest tree of it.

        Nothing is signed where they contradict each other but the tree without leaves: the question to witnesses where
        nothing was published yet.
        """
        try:
            return await self._start()
        except LogStopped as stopped:
            await asyncio.to_thread(self._state.report, str(stopped))
            raise

    async def step(self) -> Published | None:
        """Give the batches that wait their leaves, and publish; or ask again those that have not cosigned.

        None if nothing came of it.
        """
        try:
            taken = await asyncio.to_thread(self._take)
            before = None if self._out is None else self._out.note
            if taken or (before is not None and await self._lacks_a_key(before)):
                return await self._sign_and_publish(before)
            return await self._ask_again()
        except LogStopped as stopped:
            await asyncio.to_thread(self._state.report, str(stopped))
            raise

    async def _start(self) -> Published:
        self._tree = await asyncio.to_thread(self._state.take_over)
        out = await asyncio.to_thread(read_published, self._folder, self._keys.name, await self._keys.known())
        question, answers = out.note, Answers()
        if self._names:
            question = question or await self._signed(out.checkpoint)
            answers = await self._ask(question, out.checkpoint.size, self._names)
        refuse_older(self._tree, out.checkpoint, answers)
        refuse_unknowing(self._witnesses.quorum, answers)
        self._tree, self._edge = await asyncio.to_thread(join, self._state, self._folder, self._tree, out)
        if out.note is None or out.checkpoint.size < self._tree.size or await self._lacks_a_key(out.note):
            return await self._sign_and_publish(out.note)
        return await self._publish(out.checkpoint, _with(out.note, answers))

    def _take(self) -> bool:
        """Move the tree by what waits, and write the files; whether anything waited."""
        batches = self._state.pending(self._most_leaves)
        if not batches:
            return False
        placed, first = list[Placed](), self._tree.size
        for batch in batches:
            placed.append(Placed(batch.id, first, len(batch.links)))
            first += len(batch.links)
        edge, files = grown(self._edge, [link for batch in batches for link in batch.links], self._folder.read)
        after = Tree(edge.size, edge.root(), self._tree.fence)
        self._state.advance(self._tree, after, placed)
        try:
            for piece, content in files:
                self._folder.write(piece, content)
        except (BadTile, FileNotFoundError) as error:
            raise LogStopped(f"the published log cannot be read: {error}. Bring its files back.") from error
        self._tree, self._edge = after, edge
        return True

    async def _sign_and_publish(self, before: str | None) -> Published:
        """The tree stands in the database and in the files; `before` is out."""
        if await asyncio.to_thread(self._state.tree) != self._tree:
            raise Overtaken(f"another sequencer goes on from {self._tree.size} leaves")
        checkpoint = Checkpoint(self._keys.name, self._tree.size, self._tree.root)
        note = self._with_cosignatures(await self._signed(checkpoint), before)
        answers = await self._ask(note, checkpoint.size, self._names)
        await self._judge(answers)
        return await self._publish(checkpoint, _with(note, answers))

    async def _ask_again(self) -> Published | None:
        out = self._out
        if out is None or len(out.cosigned) == out.asked:
            return None
        answers = await self._ask(out.note, out.checkpoint.size, self._names - set(out.cosigned))
        await self._judge(answers)
        return await self._publish(out.checkpoint, _with(out.note, answers)) if answers.signatures else None

    async def _judge(self, answers: Answers) -> None:
        """A witness that knows a larger tree, or another one: somebody else signs with this key, or it is broken."""
        against = {**{name: f"it has {size} leaves" for name, size in answers.ahead.items()}, **answers.contradicting}
        if not against:
            return
        if await asyncio.to_thread(self._state.tree) != self._tree:
            raise Overtaken("another sequencer went on, and witnesses have its tree")
        said = "; ".join(f"{name}: {what}" for name, what in sorted(against.items()))
        what = f"witnesses know another tree of this log than the one of {self._tree.size} leaves: {said}"
        quorum = self._witnesses.quorum
        if quorum.needed and len(quorum.witnesses) - len(against) < quorum.needed:
            raise LogStopped(f"{what}. Too few are left for the {quorum.needed} that are needed.")
        await asyncio.to_thread(self._state.report, what)

    async def _lacks_a_key(self, note: str) -> bool:
        """Whether a key that signs now has not signed what is out: it became active after that."""
        lines = read_note(note).signatures
        return not all(any(map(key.made, lines)) for key in await self._keys.signing())

    def _with_cosignatures(self, note: str, before: str | None) -> str:
        """A note that only other keys of the log have signed anew keeps what witnesses have put under its text."""
        read, old = read_note(note), None if before is None else read_note(before)
        if old is None or old.text != read.text:
            return note
        witnesses = self._witnesses.quorum.witnesses
        kept = [line for line in old.signatures if any(witness.made(line) for witness in witnesses)]
        return write_note(read.text, [*read.signatures, *kept])

    async def _signed(self, checkpoint: Checkpoint) -> str:
        text = checkpoint.text()
        note = write_note(text, await self._keys.sign(text.encode()))
        try:
            open_checkpoint_by(note, await self._keys.known())
        except BadSignature as error:
            raise LogStopped(f"what the log's key signs does not hold: {error}") from error
        return note

    async def _ask(self, note: str, size: int, names: Collection[str]) -> Answers:
        try:
            return await self._witnesses.ask(note, TiledHashes(size, self._folder.read), names)
        except (BadTile, BadProof, FileNotFoundError) as error:
            raise LogStopped(f"the published log cannot be read: {error}. Bring its files back.") from error

    async def _publish(self, checkpoint: Checkpoint, note: str) -> Published:
        await asyncio.to_thread(self._put_out, checkpoint, note)
        quorum = self._witnesses.quorum
        cosigned = tuple(each.witness for each in check_cosignatures(read_note(note), quorum.witnesses))
        self._out = Published(checkpoint, note, cosigned, len(quorum.witnesses), quorum.needed)
        return self._out

    def _put_out(self, checkpoint: Checkpoint, note: str) -> None:
        try:
            self._folder.publish(note)
        except WouldShrink as error:
            if self._state.tree() != self._tree:
                raise Overtaken(str(error)) from error
            raise
        if self._out is not None:
            for piece in replaced(self._out.checkpoint.size, checkpoint.size):
                self._folder.drop_partials(piece)


def _with(note: str, answers: Answers) -> str:
    """The note with the lines of witnesses, each instead of an older one by the same key."""
    read, new = read_note(note), list(answers.signatures.values())
    by = {(line.name, line.key_id) for line in new}
    kept = [line for line in read.signatures if (line.name, line.key_id) not in by]
    return write_note(read.text, [*kept, *new])
