"""The files that a log gets when leaves are added: what stands at the edge already, and what comes to it. Pure."""

from collections.abc import Iterator, Sequence

from evidence.merkle import Edge, leaf_hash
from evidence.tiles import (
    HEIGHT,
    WIDTH,
    Bundle,
    Fetch,
    Piece,
    Tile,
    TiledHashes,
    changed_bundles,
    changed_tiles,
    read_bundle,
    read_tile,
    write_bundle,
    write_tile,
)


def edge_of(size: int, fetch: Fetch) -> Edge:
    """The edge of a tree out of its tiles. Raises BadTile, and what `fetch` raises."""
    return Edge.of(size, TiledHashes(size, fetch))


def grown(edge: Edge, leaves: Sequence[bytes], fetch: Fetch) -> tuple[Edge, Iterator[tuple[Piece, bytes]]]:
    """The edge with the leaves added, and the files that are new: bundles first, then tiles from the lowest level.

    `fetch` gives the files of the tree that `edge` is of. It is asked while the files are iterated over.
    """
    old, new, hashes = edge.size, edge.copy(), dict[int, list[bytes]]()
    for leaf in leaves:
        for node in new.append(leaf_hash(leaf)):
            if not node.level % HEIGHT:
                hashes.setdefault(node.level // HEIGHT, []).append(node.hash)
    return new, _files(old, new.size, leaves, hashes, fetch)


def _files(
    old: int, new: int, leaves: Sequence[bytes], hashes: dict[int, list[bytes]], fetch: Fetch
) -> Iterator[tuple[Piece, bytes]]:
    for bundle in changed_bundles(old, new):
        held = _held(bundle.index, old)
        before = read_bundle(fetch(Bundle(bundle.index, held)), held) if held else []
        yield bundle, write_bundle([*before, *_added(bundle, old, leaves)])
    for tile in changed_tiles(old, new):
        count = old >> tile.level * HEIGHT
        held = _held(tile.index, count)
        before = read_tile(fetch(Tile(tile.level, tile.index, held)), held) if held else []
        yield tile, write_tile([*before, *_added(tile, count, hashes[tile.level])])


def _held(index: int, count: int) -> int:
    """How many of the first `count` stand in this tile or bundle already."""
    return max(0, count - index * WIDTH)


def _added(piece: Piece, count: int, new: Sequence[bytes]) -> Sequence[bytes]:
    """Those of the new ones, which follow the first `count`, that stand in this tile or bundle."""
    first = piece.index * WIDTH
    return new[max(0, first - count) : first + piece.width - count]


def replaced(old: int, new: int) -> Iterator[Piece]:
    """The whole tiles and bundles of the new tree of which the old one had a part."""
    for bundle in changed_bundles(old, new):
        if bundle.width == WIDTH and _held(bundle.index, old):
            yield bundle
    for tile in changed_tiles(old, new):
        if tile.width == WIDTH and _held(tile.index, old >> tile.level * HEIGHT):
            yield tile
