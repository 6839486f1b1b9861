"""The tree of RFC 6962: Certificate Transparency's published tree, a naive tree, and proofs that somebody changed."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.merkle import (
    EMPTY_ROOT,
    BadProof,
    Edge,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_at,
)
from tests.evidence import naive_tree
from tests.peers.places import ROOT

_PUBLISHED: Final[dict[str, Any]] = json.loads((ROOT / "tests/vectors/log/published.json").read_text("utf-8"))
_LEAVES: Final = [bytes.fromhex(leaf) for leaf in _PUBLISHED["leaves"]]
_ROOTS: Final = [bytes.fromhex(root) for root in _PUBLISHED["roots"]]
_SIZES: Final = st.integers(0, 70)


def _proof(row: dict[str, Any]) -> list[bytes]:
    return [bytes.fromhex(each) for each in row["proof"]]


def _many(size: int) -> list[bytes]:
    return [index.to_bytes(32) for index in range(size)]


def _published_node(level: int, index: int) -> bytes:
    return bytes.fromhex(_PUBLISHED["nodes"][level][index])


def test_the_published_tree_grows_as_published() -> None:
    edge, roots = Edge(), [EMPTY_ROOT]
    for leaf in _LEAVES:
        for node in edge.append(leaf_hash(leaf)):
            assert node.hash == _published_node(node.level, node.index)
        roots.append(edge.root())
    assert roots == _ROOTS
    assert [root_at(size, _published_node) for size in range(9)] == _ROOTS


@pytest.mark.parametrize("row", _PUBLISHED["inclusion"], ids=lambda row: f"{row['index']}-of-{row['size']}")
def test_a_published_inclusion_proof(row: dict[str, Any]) -> None:
    index, size = row["index"], row["size"]
    assert inclusion_proof(index, size, _published_node) == _proof(row)
    check_inclusion(index, size, leaf_hash(_LEAVES[index]), _proof(row), _ROOTS[size])


@pytest.mark.parametrize("row", _PUBLISHED["consistency"], ids=lambda row: f"{row['old']}-to-{row['new']}")
def test_a_published_consistency_proof(row: dict[str, Any]) -> None:
    old, new = row["old"], row["new"]
    assert consistency_proof(old, new, _published_node) == _proof(row)
    check_consistency(old, new, _ROOTS[old], _ROOTS[new], _proof(row))


@given(_SIZES)
def test_a_tree_of_any_size_has_the_naive_root(size: int) -> None:
    leaves, edge = _many(size), Edge()
    for leaf in leaves:
        edge.append(leaf_hash(leaf))
    stored = Edge.of(size, naive_tree.hash_at(leaves))
    assert edge.root() == stored.root() == naive_tree.mth(leaves)
    assert [node.hash for node in edge.append(b"\x07" * 32)] == [node.hash for node in stored.append(b"\x07" * 32)]


@given(_SIZES, st.data())
def test_a_leaf_is_proved_as_the_naive_tree_does(size: int, data: st.DataObject) -> None:
    leaves = _many(size + 1)
    index = data.draw(st.integers(0, size))
    proof = inclusion_proof(index, len(leaves), naive_tree.hash_at(leaves))
    assert proof == naive_tree.path(index, leaves)
    check_inclusion(index, len(leaves), leaf_hash(leaves[index]), proof, naive_tree.mth(leaves))


@given(_SIZES, _SIZES)
def test_growth_is_proved_as_the_naive_tree_does(first: int, second: int) -> None:
    old, new = sorted((first, second))
    leaves = _many(new)
    proof = consistency_proof(old, new, naive_tree.hash_at(leaves))
    assert proof == (naive_tree.proof(old, leaves) if old else [])
    check_consistency(old, new, naive_tree.mth(leaves[:old]), naive_tree.mth(leaves), proof)


@given(_SIZES.filter(bool), _SIZES.filter(bool), st.data())
def test_a_tree_with_another_past_is_never_consistent(first: int, second: int, data: st.DataObject) -> None:
    """Neither the other tree's proof nor any mixture of both."""
    old, new = sorted((first, second))
    leaves, other = _many(new), _many(new)
    other[data.draw(st.integers(0, old - 1))] = b"\xff" * 32
    proofs = [naive_tree.proof(old, each) for each in (leaves, other)]
    mixed = [data.draw(st.sampled_from(pair)) for pair in zip(*proofs, strict=True)]
    with pytest.raises(BadProof):
        check_consistency(old, new, naive_tree.mth(leaves[:old]), naive_tree.mth(other), mixed)


_Change = Callable[[list[bytes]], list[bytes]]
_CHANGES: Final = [
    pytest.param(lambda proof: proof[:-1], id="the-last-hash-is-missing"),
    pytest.param(lambda proof: proof[1:], id="the-first-hash-is-missing"),
    pytest.param(lambda proof: [*proof, proof[-1]], id="a-hash-more"),
    pytest.param(lambda proof: [proof[0], *proof], id="a-hash-more-in-front"),
    pytest.param(lambda proof: [bytes(32), *proof[1:]], id="another-hash"),
    pytest.param(lambda proof: [*proof[:-1], proof[-1][:31]], id="a-byte-short"),
    pytest.param(lambda proof: [*proof[:-1], proof[-1] + b"\x00"], id="a-byte-long"),
    pytest.param(lambda proof: proof[::-1], id="backwards"),
    pytest.param(lambda _: [], id="nothing"),
]


@pytest.mark.parametrize("change", _CHANGES)
def test_a_changed_proof_shows_nothing(change: _Change) -> None:
    inclusion = change(inclusion_proof(5, 8, _published_node))
    with pytest.raises(BadProof):
        check_inclusion(5, 8, leaf_hash(_LEAVES[5]), inclusion, _ROOTS[8])
    consistency = change(consistency_proof(6, 8, _published_node))
    with pytest.raises(BadProof):
        check_consistency(6, 8, _ROOTS[6], _ROOTS[8], consistency)


@pytest.mark.parametrize(
    ("index", "size", "leaf", "root"),
    [
        pytest.param(4, 8, _LEAVES[5], _ROOTS[8], id="another-place"),
        pytest.param(13, 8, _LEAVES[5], _ROOTS[8], id="beyond-the-tree"),
        pytest.param(-3, 8, _LEAVES[5], _ROOTS[8], id="before-the-tree"),
        pytest.param(5, 16, _LEAVES[5], _ROOTS[8], id="a-larger-tree"),
        pytest.param(5, 6, _LEAVES[5], _ROOTS[8], id="a-smaller-tree"),
        pytest.param(5, 8, _LEAVES[4], _ROOTS[8], id="another-leaf"),
        pytest.param(5, 8, _LEAVES[5], _ROOTS[7], id="another-root"),
        pytest.param(0, 0, b"", EMPTY_ROOT, id="the-empty-tree"),
    ],
)
def test_a_proof_is_of_one_leaf_at_one_place_of_one_tree(index: int, size: int, leaf: bytes, root: bytes) -> None:
    with pytest.raises(BadProof):
        check_inclusion(index, size, leaf_hash(leaf), inclusion_proof(5, 8, _published_node), root)


@pytest.mark.parametrize(
    ("old", "new", "old_root", "new_root", "length"),
    [
        pytest.param(8, 6, _ROOTS[8], _ROOTS[6], 3, id="shrinking"),
        pytest.param(-1, 8, _ROOTS[6], _ROOTS[8], 3, id="negative"),
        pytest.param(6, 8, _ROOTS[5], _ROOTS[8], 3, id="another-old-root"),
        pytest.param(6, 8, _ROOTS[6], _ROOTS[7], 3, id="another-new-root"),
        pytest.param(8, 8, _ROOTS[8], _ROOTS[7], 0, id="two-roots-of-one-size"),
        pytest.param(8, 8, _ROOTS[8], _ROOTS[8], 1, id="one-size-needs-no-proof"),
        pytest.param(0, 8, EMPTY_ROOT, _ROOTS[8], 1, id="an-empty-tree-needs-no-proof"),
        pytest.param(0, 8, _ROOTS[1], _ROOTS[8], 0, id="an-empty-tree-with-a-root"),
        pytest.param(4, 8, _ROOTS[4], _ROOTS[8], 0, id="a-power-of-two-without-proof"),
    ],
)
def test_trees_that_are_not_consistent(old: int, new: int, old_root: bytes, new_root: bytes, length: int) -> None:
    with pytest.raises(BadProof):
        check_consistency(old, new, old_root, new_root, consistency_proof(6, 8, _published_node)[:length])


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda: inclusion_proof(8, 8, _published_node), id="no-such-leaf"),
        pytest.param(lambda: inclusion_proof(-1, 8, _published_node), id="a-leaf-before-the-first"),
        pytest.param(lambda: consistency_proof(7, 6, _published_node), id="shrinking"),
    ],
)
def test_what_cannot_be_proved_is_not_tried(ask: Callable[[], list[bytes]]) -> None:
    with pytest.raises(ValueError, match="tree of"):
        ask()


def test_the_cost_of_a_leaf_does_not_depend_on_the_size() -> None:
    """Two nodes a leaf in the long run, also in a tree of 2^60 leaves of which nobody has any."""
    edge = Edge.of(1 << 60, lambda level, index: level.to_bytes(16) + index.to_bytes(16))
    made = sum(len(edge.append(bytes(32))) for _ in range(1024))
    assert made == 2047
