"""The layout of a transparency log as static files (c2sp.org/tlog-tiles): hashes in tiles, leaves in bundles. Pure.

A tile of level L holds hashes of the tree's level 8 L, 256 of them when it is full; its file never changes then. A tile
at the right edge has fewer, and its width stands in its path: a growing tree gets another file, no file other bytes.
A bundle holds the leaves whose hashes a tile of level 0 has.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from evidence.merkle import HASH_BYTES, leaf_hash, node_hash

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
_TOP: Final = 63 // HEIGHT
"""The highest level of tiles of a tree whose size has 63 bits."""

_LENGTH_BYTES: Final = 2
_PATH: Final = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


class BadTile(ValueError):
    """A path, or the content of a file, that no log of this layout has."""


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """`width` hashes of a level of tiles, from number `index` * 256 on."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it lies, from the root of the log."""
        return _path(str(self.level), self.index, self.width)


@dataclass(frozen=True, slots=True, order=True)
class Bundle:
    """`width` leaves, from number `index` * 256 on."""

    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it lies, from the root of the log."""
        return _path("entries", self.index, self.width)


Piece = Tile | Bundle
"""What a log has a file for, besides its checkpoint."""

Fetch = Callable[[Piece], bytes]
"""Gives the content of the file of a tile or bundle of the log."""


def read_path(path: str) -> Piece:
    """What lies at a path. Raises BadTile unless it is spelled as it is written."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise BadTile(f"{path!r} is not the path of a tile")
    index = int(found["index"].replace("/", "").replace("x", ""))
    width = int(found["width"] or WIDTH)
    piece = Bundle(index, width) if found["level"] == "entries" else Tile(int(found["level"]), index, width)
    if piece.path != path or width > WIDTH or (isinstance(piece, Tile) and piece.level > 63):
        raise BadTile(f"{path!r} is not the path of a tile")
    return piece


def whole(piece: Piece) -> Piece:
    """The full tile or bundle that takes the place of this one."""
    return Bundle(piece.index) if isinstance(piece, Bundle) else Tile(piece.level, piece.index)


def narrowed(piece: Piece, content: bytes) -> bytes:
    """The content of a partial tile or bundle out of the content of the whole one. Raises BadTile."""
    if isinstance(piece, Bundle):
        return write_bundle(read_bundle(content, WIDTH)[: piece.width])
    return write_tile(read_tile(content, WIDTH)[: piece.width])


def changed_tiles(old: int, new: int) -> Iterator[Tile]:
    """The tiles that a tree of `new` leaves has and one of `old`, which is not larger, has not."""
    for level in range(_TOP + 1):
        for index, width in _changed(old >> level * HEIGHT, new >> level * HEIGHT):
            yield Tile(level, index, width)


def changed_bundles(old: int, new: int) -> Iterator[Bundle]:
    """Likewise the bundles."""
    for index, width in _changed(old, new):
        yield Bundle(index, width)


def tile_at(level: int, index: int, size: int) -> Tile:
    """The tile with a hash of a level of tiles, in a tree of `size` leaves. Raises BadTile if the tree has it not."""
    count = size >> level * HEIGHT
    if not 0 <= index < count:
        raise BadTile(f"a tree of {size} leaves has no hash {index} at level {level} of its tiles")
    return Tile(level, index // WIDTH, min(WIDTH, count - index // WIDTH * WIDTH))


def bundle_at(index: int, size: int) -> Bundle:
    """The bundle with a leaf, in a tree of `size` leaves. Raises BadTile if the tree has it not."""
    tile = tile_at(0, index, size)
    return Bundle(tile.index, tile.width)


def write_tile(hashes: Sequence[bytes]) -> bytes:
    """The content of a tile."""
    return b"".join(hashes)


def read_tile(content: bytes, width: int) -> list[bytes]:
    """The hashes of a tile. Raises BadTile unless there are `width` of them."""
    if len(content) != width * HASH_BYTES:
        raise BadTile(f"a tile of {width} hashes has {width * HASH_BYTES} bytes, not {len(content)}")
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def write_bundle(leaves: Sequence[bytes]) -> bytes:
    """The content of a bundle: each leaf after its length in two bytes."""
    return b"".join(len(leaf).to_bytes(_LENGTH_BYTES) + leaf for leaf in leaves)


def read_bundle(content: bytes, width: int) -> list[bytes]:
    """The leaves of a bundle. Raises BadTile unless there are `width` of them, and nothing else."""
    leaves, at = [], 0
    while at < len(content):
        begin = at + _LENGTH_BYTES
        at = begin + int.from_bytes(content[at:begin])
        leaves.append(content[begin:at])
    if at != len(content) or len(leaves) != width:
        raise BadTile(f"not a bundle of {width} leaves")
    return leaves


class TiledHashes:
    """Gives the hash of each whole node of a tree of `size` leaves from its tiles; fetches each tile once."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        self._size = size
        self._fetch = fetch
        self._tiles: dict[Tile, list[bytes]] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """The hash of a node (`evidence.merkle.HashAt`). Raises BadTile, and what `fetch` raises."""
        stored, above = level // HEIGHT, level % HEIGHT
        first = index << above
        tile = tile_at(stored, first + (1 << above) - 1, self._size)
        if tile not in self._tiles:
            self._tiles[tile] = read_tile(self._fetch(tile), tile.width)
        at = first % WIDTH
        return _folded(self._tiles[tile][at : at + (1 << above)])


def check_files(size: int, fetch: Fetch) -> None:
    """Hold each tile of a whole log to the leaves below it. Raises BadTile, which names the first that is not theirs.

    Whether the leaves are those of a checkpoint, `evidence.merkle.root_at` says with `TiledHashes`. Reads everything.
    """
    for bundle in changed_bundles(0, size):
        leaves = read_bundle(fetch(bundle), bundle.width)
        _check_tile(Tile(0, bundle.index, bundle.width), [leaf_hash(leaf) for leaf in leaves], fetch)
    for tile in changed_tiles(0, size):
        if tile.level:
            below = (Tile(tile.level - 1, tile.index * WIDTH + at) for at in range(tile.width))
            _check_tile(tile, [_folded(read_tile(fetch(each), WIDTH)) for each in below], fetch)


def _check_tile(tile: Tile, hashes: Sequence[bytes], fetch: Fetch) -> None:
    if fetch(tile) != write_tile(hashes):
        raise BadTile(f"{tile.path} does not hold the hashes of what is below it")


def _folded(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of neighbouring hashes."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def _changed(old: int, new: int) -> Iterator[tuple[int, int]]:
    if new > old:
        for index in range(old // WIDTH, (new - 1) // WIDTH + 1):
            yield index, min(WIDTH, new - index * WIDTH)


def _path(level: str, index: int, width: int) -> str:
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join([*('x' + group for group in groups[:-1]), groups[-1]])}{partial}"
