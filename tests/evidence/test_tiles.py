"""The layout of static files: paths as published, tiles of any size, and files that somebody changed."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.merkle import Edge, Node, inclusion_proof, leaf_hash, root_at
from evidence.tiles import (
    WIDTH,
    BadTile,
    Bundle,
    Piece,
    Tile,
    TiledHashes,
    bundle_at,
    changed_bundles,
    changed_tiles,
    check_files,
    narrowed,
    read_bundle,
    read_path,
    read_tile,
    tile_at,
    whole,
    write_bundle,
    write_tile,
)
from tests.evidence import naive_tree

_SIZES: Final = st.integers(0, 1 << 40)


def _leaf(index: int) -> bytes:
    return index.to_bytes(32)


def _files(size: int) -> dict[Piece, bytes]:
    """All files of a log of so many leaves, made the slow way."""
    files: dict[Piece, bytes] = {}
    nodes = {(node.level, node.index): node.hash for node in _nodes(size)}
    for tile in changed_tiles(0, size):
        indices = range(tile.index * WIDTH, tile.index * WIDTH + tile.width)
        files[tile] = write_tile([nodes[tile.level * 8, index] for index in indices])
    for bundle in changed_bundles(0, size):
        first = bundle.index * WIDTH
        files[bundle] = write_bundle([_leaf(index) for index in range(first, first + bundle.width)])
    return files


def _nodes(size: int) -> list[Node]:
    edge = Edge()
    return [node for index in range(size) for node in edge.append(leaf_hash(_leaf(index)))]


@pytest.mark.parametrize(
    ("piece", "path"),
    [
        pytest.param(Tile(0, 0), "tile/0/000", id="the-first"),
        pytest.param(Tile(0, 999), "tile/0/999", id="three-digits"),
        pytest.param(Tile(1, 1000), "tile/1/x001/000", id="four-digits"),
        pytest.param(Tile(0, 1234067), "tile/0/x001/x234/067", id="the-example-of-the-specification"),
        pytest.param(Tile(63, 0, 1), "tile/63/000.p/1", id="the-highest-level"),
        pytest.param(Tile(2, 1234067, 255), "tile/2/x001/x234/067.p/255", id="partial"),
        pytest.param(Bundle(1234067), "tile/entries/x001/x234/067", id="a-bundle"),
        pytest.param(Bundle(0, 17), "tile/entries/000.p/17", id="a-partial-bundle"),
    ],
)
def test_a_path_is_written_and_read(piece: Piece, path: str) -> None:
    assert (piece.path, read_path(path)) == (path, piece)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("tile/00/000", id="padded-level"),
        pytest.param("tile/64/000", id="no-such-level"),
        pytest.param("tile/0/0", id="short-index"),
        pytest.param("tile/0/x000/001", id="padded-index"),
        pytest.param("tile/0/001/x000", id="groups-in-another-order"),
        pytest.param("tile/0/000.p/0", id="empty"),
        pytest.param("tile/0/000.p/256", id="partial-but-full"),
        pytest.param("tile/0/000.p/007", id="padded-width"),
        pytest.param("tile/0/000.p", id="no-width"),
        pytest.param("tile/0/../0/000", id="a-step-up"),
        pytest.param("/tile/0/000", id="a-slash-in-front"),
        pytest.param("tile/0/000\n", id="a-line-end"),
        pytest.param("tile/0/٠٠٠", id="digits-of-another-script"),
        pytest.param("tile/data/000", id="no-such-kind"),
        pytest.param("checkpoint", id="the-checkpoint"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_path_that_no_log_has(path: str) -> None:
    with pytest.raises(BadTile):
        read_path(path)


def test_the_example_of_the_specification_has_its_tiles() -> None:
    tiles = list(changed_tiles(0, 70_000))
    assert [tile for tile in tiles if tile.width < WIDTH] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert sum(tile.level == 0 for tile in tiles) == 274
    assert list(changed_tiles(0, 256)) == [Tile(0, 0), Tile(1, 0, 1)]


@given(_SIZES, st.integers(0, 100_000))
def test_exactly_the_tiles_that_are_new_change(old: int, more: int) -> None:
    new = old + more
    edges = [
        {tile_at(level, (size >> 8 * level) - 1, size) for level in range(8) if size >> 8 * level}
        for size in (old, new)
    ]
    changed = list(changed_tiles(old, new))
    assert len(set(changed)) == len(changed)
    assert edges[1] - edges[0] <= set(changed)
    assert not set(changed) & edges[0]
    assert all(tile.index * WIDTH + tile.width > old >> 8 * tile.level for tile in changed)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 700])
def test_proofs_come_out_of_tiles(size: int) -> None:
    files, leaves = _files(size), [_leaf(index) for index in range(size)]
    hashes = TiledHashes(size, files.__getitem__)
    assert root_at(size, hashes) == naive_tree.mth(leaves)
    for index in {0, size // 2, size - 1}:
        assert inclusion_proof(index, size, hashes) == naive_tree.path(index, leaves)
    check_files(size, files.__getitem__)


def test_the_nodes_of_a_high_level_come_out_of_a_high_tile() -> None:
    size, (first, second) = 2 << 16, (b"\x01" * 32, b"\x02" * 32)
    files: dict[Piece, bytes] = {Tile(2, 0, 2): first + second}
    hashes = TiledHashes(size, files.__getitem__)
    assert (hashes(16, 0), hashes(16, 1)) == (first, second)
    with pytest.raises(BadTile):
        hashes(17, 1)


@pytest.mark.parametrize("size", [300, 65_537])
def test_any_changed_file_is_found(size: int) -> None:
    files = _files(size)
    upper = [piece for piece in files if isinstance(piece, Tile) and piece.level]
    for piece in (*upper, *list(files)[-2:], tile_at(0, 0, size), bundle_at(0, size)):
        content = files[piece]
        with pytest.raises(BadTile):
            check_files(size, {**files, piece: content[:-1] + bytes([content[-1] ^ 1])}.__getitem__)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(write_bundle([_leaf(0)]), id="a-leaf-too-few"),
        pytest.param(write_bundle([_leaf(0)] * 3), id="a-leaf-too-many"),
        pytest.param(write_bundle([_leaf(0)] * 2)[:-1], id="cut-in-a-leaf"),
        pytest.param(write_bundle([_leaf(0)] * 2) + b"\x00", id="cut-in-a-length"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_bundle_of_another_width_is_refused(content: bytes) -> None:
    with pytest.raises(BadTile):
        read_bundle(content, 2)


def test_a_tile_of_another_width_is_refused() -> None:
    with pytest.raises(BadTile):
        read_tile(bytes(65), 2)


def test_a_partial_file_comes_out_of_the_whole_one() -> None:
    files = _files(256)
    for piece in (Tile(0, 0, 7), Bundle(0, 7)):
        assert narrowed(piece, files[whole(piece)]) == _files(7)[piece]
