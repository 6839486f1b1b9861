"""Proofs that links are leaves of a log, out of the log's static files: what any mirror of it can give. Pure."""

from collections.abc import Callable, Collection, Mapping

from evidence.checkpoint import Checkpoint, read_checkpoint
from evidence.merkle import inclusion_proof
from evidence.note import read_note
from evidence.tiles import BadTile, Piece, TiledHashes, bundle_at, changed_bundles, narrowed, read_bundle, whole

GetFile = Callable[[str], bytes | None]
"""Gives what the log has at a path, None where it has nothing there."""


class LogFiles:
    """The files of a log up to one checkpoint of it. Raises BadSignature for a checkpoint that is none."""

    def __init__(self, get: GetFile) -> None:
        self._get = get
        note = get("checkpoint")
        if note is None:
            raise BadTile("there is no file `checkpoint`: not the folder of a log")
        self.note = note.decode("utf-8", "replace")
        self.checkpoint: Checkpoint = read_checkpoint(read_note(self.note).text)
        self.keys = get("keys/log") or b""
        self._hashes = TiledHashes(self.checkpoint.size, self._fetch)

    def indexes(self, links: Collection[bytes]) -> Mapping[bytes, int]:
        """Where those of the links stand that are in the log. Reads the log from its beginning until all are found."""
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
