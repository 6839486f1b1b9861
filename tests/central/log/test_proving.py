"""Proofs out of files: right for every leaf and size, and none at all once a file was changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from central.log.proving import BrokenFiles, NotPublished, Prover
from central.log.store import LogFolder
from evidence.merkle import check_consistency, check_inclusion, leaf_hash
from tests.central.log.logs import run
from tests.central.log.memory import MemoryState, link
from tests.evidence import naive_tree

_LEAVES: Final = [link(number) for number in range(530)]
_SIZES: Final = (1, 2, 255, 256, 257, 400, 512, 529, 530)


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    state = MemoryState()
    for first, end in ((0, 3), (3, 300), (300, 530)):
        state.add(*_LEAVES[first:end])
        await run(state, tmp_path)
    return tmp_path


@pytest.mark.parametrize("size", _SIZES)
def test_each_leaf_of_each_tree_is_proved(folder: Path, size: int) -> None:
    root = naive_tree.mth(_LEAVES[:size])
    for index in {0, size // 3, size - 1}:
        proof = Prover(LogFolder(folder)).inclusion(index, size)
        assert (proof.leaf, proof.root) == (_LEAVES[index], root)
        check_inclusion(index, size, leaf_hash(_LEAVES[index]), proof.hashes, root)


@pytest.mark.parametrize("old", _SIZES)
def test_growth_is_proved(folder: Path, old: int) -> None:
    proof = Prover(LogFolder(folder)).consistency(old)
    assert (proof.new, proof.old_root, proof.new_root) == (
        530,
        naive_tree.mth(_LEAVES[:old]),
        naive_tree.mth(_LEAVES),
    )
    check_consistency(old, 530, proof.old_root, proof.new_root, proof.hashes)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda prover: prover.inclusion(530), id="a-leaf-that-is-not-there-yet"),
        pytest.param(lambda prover: prover.inclusion(-1), id="a-leaf-before-the-first"),
        pytest.param(lambda prover: prover.inclusion(7, 7), id="a-leaf-after-the-tree"),
        pytest.param(lambda prover: prover.inclusion(7, 531), id="a-tree-that-is-not-there-yet"),
        pytest.param(lambda prover: prover.consistency(5, 531), id="growth-to-what-is-not-there-yet"),
        pytest.param(lambda prover: prover.consistency(6, 5), id="shrinking"),
        pytest.param(lambda prover: prover.consistency(-1, 5), id="growth-from-less-than-nothing"),
    ],
)
def test_what_was_not_published_is_not_proved(folder: Path, ask: Callable[[Prover], object]) -> None:
    with pytest.raises(NotPublished):
        ask(Prover(LogFolder(folder)))


def test_a_log_that_published_nothing_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotPublished):
        Prover(LogFolder(tmp_path)).inclusion(0)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        pytest.param("tile/entries/001", lambda data: bytes([data[0], data[1], data[2] ^ 1]) + data[3:], id="a-leaf"),
        pytest.param("tile/entries/001", lambda data: data[:-1], id="a-short-bundle"),
        pytest.param("tile/0/001", lambda data: data[:32] + bytes(32) + data[64:], id="a-hash-beside"),
        pytest.param("tile/1/000.p/2", lambda data: bytes(32) + data[32:], id="a-hash-above"),
        pytest.param("tile/0/002.p/18", lambda data: bytes(32) + data[32:], id="a-hash-at-the-edge"),
        pytest.param("tile/0/001", lambda data: data[32:], id="a-short-tile"),
        pytest.param("tile/0/001", lambda _: None, id="no-tile"),
        pytest.param("checkpoint", lambda data: data.replace(b"\n530\n", b"\n529\n"), id="a-smaller-checkpoint"),
        pytest.param("checkpoint", lambda _: b"nothing", id="no-checkpoint"),
    ],
)
def test_changed_files_prove_nothing(folder: Path, path: str, content: Callable[[bytes], bytes | None]) -> None:
    file = folder / path
    changed = content(file.read_bytes())
    if changed is None:
        file.unlink()
    else:
        file.write_bytes(changed)
    with pytest.raises(BrokenFiles):
        Prover(LogFolder(folder)).inclusion(256)


def test_a_changed_tile_proves_no_growth(folder: Path) -> None:
    tile = folder / "tile/0/001"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    with pytest.raises(BrokenFiles):
        Prover(LogFolder(folder)).consistency(300)
