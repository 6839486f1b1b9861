"""Proofs out of the files of a log, for any tree up to the published one. Blocks.

A proof is checked before it is given: whoever asks gets one that holds, or hears that the files are broken.
"""

from dataclasses import dataclass

from central.log.store import LogFolder
from evidence.checkpoint import Checkpoint, read_checkpoint
from evidence.merkle import (
    BadProof,
    HashAt,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_at,
)
from evidence.note import read_note
from evidence.signing import BadSignature
from evidence.tiles import WIDTH, BadTile, TiledHashes, bundle_at, read_bundle


class NotPublished(ValueError):
    """A leaf or a tree that the published log does not have (yet)."""


class BrokenFiles(Exception):
    """The files of the log do not prove what its checkpoint says: they were changed, or some are missing."""


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That `leaf` is number `index` of the tree of `size` leaves with this root.

    `checkpoint` is the published note of that tree; None where the tree is an older one.
    """

    index: int
    leaf: bytes
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str | None


@dataclass(frozen=True, slots=True)
class Consistency:
    """That the tree of `new` leaves begins with the one of `old`."""

    old: int
    old_root: bytes
    new: int
    new_root: bytes
    hashes: tuple[bytes, ...]


class Prover:
    """Over the files of one log, whose published checkpoint is read anew for each proof."""

    def __init__(self, folder: LogFolder) -> None:
        self._folder = folder

    def inclusion(self, index: int, size: int | None = None) -> Inclusion:
        """The proof of a leaf in the tree of `size` leaves, or the published one. Raises NotPublished, BrokenFiles."""
        note, published = self._published()
        size = published.size if size is None else size
        if not 0 <= index < size <= published.size:
            raise NotPublished(
                f"there is no leaf {index} in {size} leaves of a log that has published {published.size}"
            )
        try:
            hash_at = TiledHashes(published.size, self._folder.read)
            bundle = bundle_at(index, published.size)
            leaf = read_bundle(self._folder.read(bundle), bundle.width)[index % WIDTH]
            root = _root(size, published, hash_at)
            proof = inclusion_proof(index, size, hash_at)
            check_inclusion(index, size, leaf_hash(leaf), proof, root)
        except (BadTile, BadProof, FileNotFoundError) as error:
            raise BrokenFiles(f"leaf {index} cannot be proved: {error}") from error
        return Inclusion(index, leaf, size, root, tuple(proof), note if size == published.size else None)

    def consistency(self, old: int, new: int | None = None) -> Consistency:
        """The proof that a tree begins with an older one. Raises NotPublished, BrokenFiles."""
        _, published = self._published()
        new = published.size if new is None else new
        if not 0 <= old <= new <= published.size:
            raise NotPublished(f"no growth from {old} to {new} leaves in a log that has published {published.size}")
        try:
            hash_at = TiledHashes(published.size, self._folder.read)
            old_root, new_root = _root(old, published, hash_at), _root(new, published, hash_at)
            proof = consistency_proof(old, new, hash_at)
            check_consistency(old, new, old_root, new_root, proof)
        except (BadTile, BadProof, FileNotFoundError) as error:
            raise BrokenFiles(f"growth from {old} to {new} leaves cannot be proved: {error}") from error
        return Consistency(old, old_root, new, new_root, tuple(proof))

    def _published(self) -> tuple[str, Checkpoint]:
        note = self._folder.checkpoint()
        if note is None:
            raise NotPublished("the log has published nothing yet")
        try:
            return note, read_checkpoint(read_note(note).text)
        except BadSignature as error:
            raise BrokenFiles(f"the published checkpoint is none: {error}") from error


def _root(size: int, published: Checkpoint, hash_at: HashAt) -> bytes:
    return published.root if size == published.size else root_at(size, hash_at)
