"""The published log, as a stranger finds it: its signatures, its files, and the leaves in them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from central.check.findings import Finding, Findings, Step
from central.log.growing import edge_of
from central.log.store import LogFolder
from evidence.checkpoint import NOBODY, Checkpoint, Opened, Quorum, open_checkpoint
from evidence.merkle import EMPTY_ROOT, Edge, root_at
from evidence.note import VerifierKey
from evidence.signing import BadSignature
from evidence.tiles import WIDTH, BadTile, TiledHashes, bundle_at, check_files, read_bundle

_BUNDLES: Final = 4096
"""How many bundles are remembered: chains that were written at the same time have their leaves next to each other."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a log is held to: its keys (one of them counts), its witnesses, checkpoints that were kept elsewhere."""

    keys: Sequence[VerifierKey]
    quorum: Quorum = NOBODY
    kept: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.keys:
            raise ValueError("a log is known by a key")

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self.keys[0].name

    def opened(self, note: str, quorum: Quorum = NOBODY) -> Opened:
        """A checkpoint that one of the keys has signed. Raises BadSignature."""
        for key in self.keys[:-1]:
            with suppress(BadSignature):
                return open_checkpoint(note, key, quorum)
        return open_checkpoint(note, self.keys[-1], quorum)


class PublishedLog:
    """The log up to its published checkpoint; where its files are broken it has no leaves to compare with."""

    def __init__(self, folder: LogFolder, checkpoint: Checkpoint, cosigned: tuple[str, ...], *, whole: bool) -> None:
        self.checkpoint = checkpoint
        self.cosigned = cosigned
        self.whole = whole
        self._folder = folder
        self._bundle = lru_cache(_BUNDLES)(self._read)

    def leaf(self, index: int) -> bytes | None:
        """A leaf; None for one that is not published, or cannot be read."""
        if not self.whole or index >= self.checkpoint.size:
            return None
        return self._bundle(index // WIDTH)[index % WIDTH]

    def edge(self) -> Edge:
        """The edge of its tree, to add leaves to."""
        return edge_of(self.checkpoint.size, self._folder.read)

    def _read(self, number: int) -> list[bytes]:
        bundle = bundle_at(number * WIDTH, self.checkpoint.size)
        return read_bundle(self._folder.read(bundle), bundle.width)


def read_log(folder: LogFolder, expected: Expected, findings: Findings) -> PublishedLog:
    """Read what is published and hold it to what is expected of it."""
    nothing = PublishedLog(folder, Checkpoint(expected.origin, 0, EMPTY_ROOT), (), whole=False)
    note = folder.checkpoint()
    if note is None:
        if expected.kept:
            findings.add(_finding("nothing is published, and a checkpoint was kept elsewhere"))
        return nothing
    try:
        opened = expected.opened(note, expected.quorum)
    except BadSignature as error:
        findings.add(_finding(f"the published checkpoint does not count: {error}"))
        return nothing
    checkpoint, whole = opened.checkpoint, False
    hash_at = TiledHashes(checkpoint.size, folder.read)
    try:
        check_files(checkpoint.size, folder.read)
        whole = root_at(checkpoint.size, hash_at) == checkpoint.root
        if not whole:
            findings.add(_finding("the leaves that are published do not lead to the root of the signed checkpoint"))
        for text in expected.kept if whole else ():
            _hold_to(text, expected, checkpoint, hash_at, findings)
    except (BadTile, FileNotFoundError) as error:
        findings.add(_finding(f"the files of the log are not whole: {error}"))
        whole = False
    return PublishedLog(folder, checkpoint, tuple(each.witness for each in opened.cosignatures), whole=whole)


def _hold_to(note: str, expected: Expected, published: Checkpoint, hash_at: TiledHashes, findings: Findings) -> None:
    """What was signed once is the beginning of what is published now."""
    try:
        kept = expected.opened(note).checkpoint
    except BadSignature as error:
        findings.add(_finding(f"a checkpoint that was given does not count: {error}"))
        return
    if kept.size > published.size:
        what = f"a checkpoint of {kept.size} leaves was signed, and {published.size} are published: an older copy"
        findings.add(_finding(what))
    elif root_at(kept.size, hash_at) != kept.root:
        what = f"the published tree does not begin with the {kept.size} leaves of a checkpoint that was signed"
        findings.add(_finding(what))


def _finding(what: str) -> Finding:
    return Finding(Step.PUBLISHED, what)
