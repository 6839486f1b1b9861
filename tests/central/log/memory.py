"""A tree state in memory, a signer that remembers, and witnesses that answer at once: real, and small."""

import asyncio
import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.log.asking import Answers
from central.log.state import PendingBatch, Placed, Tree
from central.log.stopping import LogStopped, Overtaken
from evidence.checkpoint import Checkpoint, Quorum, cosign, read_checkpoint
from evidence.merkle import EMPTY_ROOT, BadProof, HashAt, check_consistency, consistency_proof
from evidence.note import COSIGNATURE, ED25519, Signature, VerifierKey, read_note

ORIGIN: Final = "log.example/agentgate"
LOG_KEY: Final = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
LOG: Final = VerifierKey(ORIGIN, ED25519, LOG_KEY.public_key().public_bytes_raw())


def link(number: int) -> bytes:
    """The link of a record that no other record has."""
    return hashlib.sha256(f"record {number}".encode()).digest()


class MemoryState:
    """A tree state; `add` is what the ledger does."""

    def __init__(self) -> None:
        self.batches: dict[int, tuple[bytes, ...]] = {}
        self.waiting: list[int] = []
        self.placed: list[Placed] = []
        self.incidents: list[str] = []
        self._tree = Tree(0, EMPTY_ROOT, 0)
        self._numbers = count(1)

    def add(self, *links: bytes) -> int:
        number = next(self._numbers)
        self.batches[number] = links
        self.waiting.append(number)
        return number

    def copy(self) -> "MemoryState":
        """A backup of this moment."""
        state = MemoryState()
        state.batches, state.waiting, state.placed = dict(self.batches), list(self.waiting), list(self.placed)
        state._tree, state._numbers = self._tree, count(max(self.batches, default=0) + 1)
        return state

    def tree(self) -> Tree:
        return self._tree

    def take_over(self) -> Tree:
        self._tree = Tree(self._tree.size, self._tree.root, self._tree.fence + 1)
        return self._tree

    def pending(self, most_leaves: int) -> list[PendingBatch]:
        chosen, leaves = list[PendingBatch](), 0
        for number in sorted(self.waiting):
            leaves += len(self.batches[number])
            if chosen and leaves > most_leaves:
                break
            chosen.append(PendingBatch(number, self.batches[number]))
        return chosen

    def advance(self, before: Tree, after: Tree, placed: Sequence[Placed]) -> None:
        if self._tree != before or not {each.batch for each in placed} <= set(self.waiting):
            raise Overtaken("the tree is elsewhere")
        self._tree = Tree(after.size, after.root, before.fence)
        self.placed += placed
        for each in placed:
            self.waiting.remove(each.batch)

    def leaves(self, first: int, end: int) -> list[bytes]:
        found = dict(self._numbered())
        if not found.keys() >= set(range(first, end)):
            raise LogStopped("the ledger has not all leaves")
        return [found[number] for number in range(first, end)]

    def report(self, what: str) -> None:
        self.incidents.append(what)

    def _numbered(self) -> Iterator[tuple[int, bytes]]:
        for each in self.placed:
            yield from enumerate(self.batches[each.batch], each.first_leaf)


@dataclass(slots=True)
class RememberingSigner:
    """Signs, and remembers every checkpoint that it has put its name to."""

    name: str = ORIGIN
    signed: list[Checkpoint] = field(default_factory=list)
    keys: list[Ed25519PrivateKey] = field(default_factory=lambda: [LOG_KEY])
    gone: list[VerifierKey] = field(default_factory=list)

    async def known(self) -> Sequence[VerifierKey]:
        return [*await self.signing(), *self.gone]

    async def signing(self) -> Sequence[VerifierKey]:
        return [log_key(key) for key in self.keys]

    async def sign(self, statement: bytes) -> Sequence[Signature]:
        self.signed.append(read_checkpoint(statement.decode()))
        return [log_key(key).signature(key.sign(statement)) for key in self.keys]


def log_key(key: Ed25519PrivateKey) -> VerifierKey:
    return VerifierKey(ORIGIN, ED25519, key.public_key().public_bytes_raw())


class MemoryWitnesses:
    """Witnesses that keep what they have cosigned, and check as c2sp.org/tlog-witness says."""

    def __init__(self, how_many: int, needed: int) -> None:
        self.keys = {
            f"witness.example/{number}": Ed25519PrivateKey.from_private_bytes(bytes([number + 10]) * 32)
            for number in range(how_many)
        }
        verifiers = [
            VerifierKey(name, COSIGNATURE, key.public_key().public_bytes_raw()) for name, key in self.keys.items()
        ]
        self.quorum = Quorum(needed, tuple(verifiers))
        self.held: dict[str, Checkpoint] = {}
        self.away: set[str] = set()

    async def ask(self, note: str, hash_at: HashAt, names: Collection[str]) -> Answers:
        return await asyncio.to_thread(self._asked, note, hash_at, set(names))

    def _asked(self, note: str, hash_at: HashAt, names: set[str]) -> Answers:
        text = read_note(note).text
        new = read_checkpoint(text)
        signatures, ahead, contradicting = dict[str, Signature](), dict[str, int](), dict[str, str]()
        for name in sorted(names - self.away):
            held = self.held.get(name, Checkpoint(ORIGIN, 0, EMPTY_ROOT))
            if held.size > new.size:
                ahead[name] = held.size
                continue
            proof = consistency_proof(held.size, new.size, hash_at)
            try:
                check_consistency(held.size, new.size, held.root, new.root, proof)
            except BadProof as error:
                contradicting[name] = str(error)
                continue
            self.held[name] = new
            signatures[name] = cosign(text, name, self.keys[name], 1_800_000_000)
        return Answers(signatures, ahead, contradicting, dict.fromkeys(self.away & names, "away"))
