"""Proofs that links are leaves of a log, out of the log's static files: what any mirror of it can give. Pure."""

from collections.abc import Callable, Collection, Mapping

from evidence.checkpoint import Checkpoint, read_checkpoint
from evidence.merkle import inclusion_proof
from evidence.note import read_note
from evidence.tiles import WIDTH, BadTile, Piece, TiledHashes, bundle_at, changed_bundles, narrowed, read_bundle, whole

GetFile = Callable[[str], bytes | None]
"""Gives what the log has at a path, None where it has nothing there."""


class LogFiles:
    """The files of a log up to one checkpoint of it. Raises BadSignature for a checkpoint that is none.

    `places` says where links stand, so that nothing else of the log is read; it is held to what is there.
    """

    def __init__(self, get: GetFile, places: Mapping[bytes, int] | None = None) -> None:
        self._get, self._places = get, places
        note = get("checkpoint")
        if note is None:
            raise BadTile("there is no file `checkpoint`: not the folder of a log")
        self.note = note.decode("utf-8", "replace")
        self.checkpoint: Checkpoint = read_checkpoint(read_note(self.note).text)
        self.keys = get("keys/log") or b""
        self._hashes = TiledHashes(self.checkpoint.size, self._fetch)

    def indexes(self, links: Collection[bytes]) -> Mapping[bytes, int]:
        """Where those of the links stand that are in the log. Reads the log from its beginning until all are found."""
        if self._places is not None:
            return self._placed(links, self._places)
        wanted, found = set(links), dict[bytes, int]()
        for bundle in changed_bundles(0, self.checkpoint.size):
            if not wanted:
                break
            piece = bundle_at(bundle.index * 256, self.checkpoint.size)
            for at, leaf in enumerate(read_bundle(self._fetch(piece), piece.width), bundle.index * 256):
                if leaf in wanted:
                    found[leaf] = at
                    wanted.remove(leaf)
        return found

    def _placed(self, links: Collection[bytes], places: Mapping[bytes, int]) -> Mapping[bytes, int]:
        """Those of the links whose places the checkpoint's tree has. Raises BadTile where another link stands there."""
        indexes = ((link, places[link]) for link in links if link in places)
        found = {link: index for link, index in indexes if index < self.checkpoint.size}
        leaves: list[bytes] = []
        piece: Piece | None = None
        for link, index in sorted(found.items(), key=lambda each: each[1]):
            if (bundle := bundle_at(index, self.checkpoint.size)) != piece:
                piece, leaves = bundle, read_bundle(self._fetch(bundle), bundle.width)
            if leaves[index - bundle.index * WIDTH] != link:
                raise BadTile(f"leaf {index} of the log is not the record that is said to stand there")
        return found

    def proof(self, index: int) -> tuple[bytes, ...]:
        """The proof that the leaf with this number is in the tree of the checkpoint."""
        return tuple(inclusion_proof(index, self.checkpoint.size, self._hashes))

    def _fetch(self, piece: Piece) -> bytes:
        content = self._get(piece.path)
        if content is not None:
            return content
        # A partial tile may be gone where the whole one is there.
        full = self._get(whole(piece).path)
        if full is None:
            raise BadTile(f"the log has no file {piece.path}")
        return narrowed(piece, full)
