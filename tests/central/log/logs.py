"""A log of a test: its files, read as a stranger would, and held to the published checkpoint."""

from collections.abc import Sequence
from pathlib import Path

from central.log.asking import NoWitnesses, Witnesses
from central.log.sequencer import LogKeys, Published, Sequencer
from central.log.state import TreeState
from central.log.store import LogFolder
from evidence.checkpoint import NOBODY, Checkpoint, Quorum, open_checkpoint
from evidence.merkle import root_at
from evidence.tiles import TiledHashes, changed_bundles, check_files, read_bundle
from tests.central.log.memory import LOG, RememberingSigner


def sequencer(
    state: TreeState,
    folder: Path,
    signer: LogKeys | None = None,
    witnesses: Witnesses | None = None,
    most_leaves: int = 1000,
) -> Sequencer:
    return Sequencer(state, LogFolder(folder), signer or RememberingSigner(), witnesses or NoWitnesses(), most_leaves)


async def run(
    state: TreeState, folder: Path, signer: LogKeys | None = None, witnesses: Witnesses | None = None
) -> None:
    """A process that starts, takes all that waits, and ends."""
    with LogFolder(folder).held():
        running = sequencer(state, folder, signer, witnesses)
        await running.start()
        while await running.step() is not None:
            pass


def checked(folder: Path, quorum: Quorum = NOBODY) -> tuple[Checkpoint, list[bytes]]:
    """The published checkpoint and all leaves; every signature, tile and root is checked."""
    files = LogFolder(folder)
    note = files.checkpoint()
    assert note is not None
    checkpoint = open_checkpoint(note, LOG, quorum).checkpoint
    check_files(checkpoint.size, files.read)
    assert root_at(checkpoint.size, TiledHashes(checkpoint.size, files.read)) == checkpoint.root
    leaves = list[bytes]()
    for bundle in changed_bundles(0, checkpoint.size):
        leaves += read_bundle(files.read(bundle), bundle.width)
    return checkpoint, leaves


def sizes(published: Sequence[Published | None]) -> list[int | None]:
    return [None if each is None else each.checkpoint.size for each in published]
