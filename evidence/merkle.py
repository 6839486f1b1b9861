"""The Merkle tree of RFC 6962 (section 2.1): hashes, growing from its right edge, proofs and their verification. Pure.

A node is named by its level and its index: it is the root over the leaves `[index << level, (index + 1) << level)`.
Only nodes whose leaves are all there are ever asked for, so that a store of such nodes (evidence/tiles.py) is enough.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""

HashAt = Callable[[int, int], bytes]
"""Gives the hash of the node with this level and index; all its leaves are in the tree."""

Range = tuple[int, int]
"""Leaves from the first number up to, and without, the second."""


class BadProof(ValueError):
    """A proof that does not show what it was brought for; the text says in what it fails."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Node:
    """A node that has all its leaves."""

    level: int
    index: int
    hash: bytes


class Edge:
    """A tree of which only the right edge is kept: one hash for each bit of its size."""

    __slots__ = ("_hashes", "size")

    def __init__(self) -> None:
        self.size = 0
        self._hashes: list[bytes] = []

    @classmethod
    def of(cls, size: int, hash_at: HashAt) -> Self:
        """The edge of a tree whose nodes are stored."""
        edge = cls()
        edge.size = size
        edge._hashes = [hash_at(level, index) for level, index in _whole_nodes(0, size)]
        return edge

    def append(self, leaf: bytes) -> list[Node]:
        """Add a leaf by its hash; the nodes that are whole now, the leaf first and each the parent of the one before.

        Costs one hash for each of them but the first: fewer than two a leaf in the long run, whatever the size.
        """
        nodes = [Node(0, self.size, leaf)]
        while nodes[-1].index & 1:
            child = nodes[-1]
            nodes.append(Node(child.level + 1, child.index >> 1, node_hash(self._hashes.pop(), child.hash)))
        self._hashes.append(nodes[-1].hash)
        self.size += 1
        return nodes

    def root(self) -> bytes:
        """The root over all leaves so far."""
        return _joined(self._hashes)

    def copy(self) -> "Edge":
        """An edge of its own, to try what a batch would make of it."""
        edge = Edge()
        edge.size, edge._hashes = self.size, list(self._hashes)
        return edge


def root_at(size: int, hash_at: HashAt) -> bytes:
    """The root over the first `size` leaves."""
    return _joined([hash_at(level, index) for level, index in _whole_nodes(0, size)])


def inclusion_proof(index: int, size: int, hash_at: HashAt) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962, section 2.1.1. Raises ValueError unless `index` is of a leaf of that tree."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    siblings, begin, end = [], 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        siblings.append((middle, end) if index < middle else (begin, middle))
        begin, end = (begin, middle) if index < middle else (middle, end)
    return [_range_root(*sibling, hash_at) for sibling in reversed(siblings)]


def consistency_proof(old: int, new: int, hash_at: HashAt) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962, section 2.1.2; nothing where one of the trees is empty or they are the same.

    Raises ValueError unless the old tree is not the larger one.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not grow out of one of {old}")
    if old in (0, new):
        return []
    ranges, begin, end = list[Range](), 0, new
    while end != old:
        middle = begin + _split(end - begin)
        ranges.append((middle, end) if old <= middle else (begin, middle))
        begin, end = (begin, middle) if old <= middle else (middle, end)
    if begin:
        ranges.append((begin, end))
    return [_range_root(*each, hash_at) for each in reversed(ranges)]


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raises BadProof unless `proof` shows the leaf with this hash at `index` of that tree (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise BadProof(f"a tree of {size} leaves has no leaf {index}")
    _check_hashes(leaf, root, *proof)
    place, last, found = index, size - 1, leaf
    for sibling in proof:
        if not last:
            raise BadProof("the inclusion proof is too long")
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise BadProof("the inclusion proof is too short")
    if found != root:
        raise BadProof(f"the inclusion proof of leaf {index} leads to another root")


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raises BadProof unless `proof` shows that the new tree begins with the old one (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new:
        raise BadProof(f"a tree of {new} leaves does not grow out of one of {old}")
    _check_hashes(old_root, new_root, *proof)
    if old in (0, new):
        _check_trivial(old, new, old_root, new_root, proof)
        return
    path = list(proof)
    if not old & (old - 1):
        path.insert(0, old_root)
    if not path:
        raise BadProof("the consistency proof is too short")
    roots = _follow(old, new, path)
    if roots[0] != old_root:
        raise BadProof(f"the consistency proof leads to another root at {old}")
    if roots[1] != new_root:
        raise BadProof(f"the consistency proof leads to another root at {new}")


def _follow(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots at the old and the new size that a path leads to."""
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old_root = new_root = path[0]
    for sibling in path[1:]:
        if not last:
            raise BadProof("the consistency proof is too long")
        if place & 1 or place == last:
            old_root, new_root = node_hash(sibling, old_root), node_hash(sibling, new_root)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new_root = node_hash(new_root, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise BadProof("the consistency proof is too short")
    return old_root, new_root


def _check_trivial(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    if proof:
        raise BadProof("the consistency proof is too long")
    if not old and old_root != EMPTY_ROOT:
        raise BadProof("the empty tree has another root")
    if old == new and old_root != new_root:
        raise BadProof(f"there are two roots at {old}")


def _check_hashes(*hashes: bytes) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise BadProof(f"a hash has {HASH_BYTES} bytes")


def _split(count: int) -> int:
    """The largest power of two smaller than `count`, which is at least 2."""
    return 1 << (count - 1).bit_length() - 1


def _range_root(begin: int, end: int, hash_at: HashAt) -> bytes:
    return _joined([hash_at(level, index) for level, index in _whole_nodes(begin, end)])


def _whole_nodes(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Level and index of the fewest whole nodes over a range that begins where a subtree of its height does."""
    while begin < end:
        level = (end - begin).bit_length() - 1
        yield level, begin >> level
        begin += 1 << level


def _joined(hashes: Sequence[bytes]) -> bytes:
    """The root over neighbouring nodes, the largest first."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root
