"""A start compares the three places that know the tree: the database, the published files, and the witnesses.

    a witness has more leaves than both        stop: both are older copies
    a witness has another tree                 stop
    the files contradict themselves            stop
    the database is behind the files           it takes the published tree over if that begins with its own; else stop
    the database is ahead                      the files are written from it, if it continues them; else stop
    too few witnesses answer                   wait, if any is needed: both may be older copies

All of it blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from central.log.adopting import placed_in
from central.log.asking import Answers
from central.log.growing import edge_of, grown
from central.log.state import Tree, TreeState
from central.log.stopping import LogStopped, WitnessesAway
from central.log.store import LogFolder
from evidence.checkpoint import Checkpoint, Quorum, open_checkpoint_by
from evidence.merkle import EMPTY_ROOT, Edge, root_at
from evidence.note import VerifierKey
from evidence.signing import BadSignature
from evidence.tiles import WIDTH, BadTile, TiledHashes, changed_bundles, read_bundle

_ALL: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Out:
    """What was published: the checkpoint, its note (None before the first), and the edge of its tree."""

    checkpoint: Checkpoint
    note: str | None
    edge: Edge


def read_published(folder: LogFolder, name: str, keys: Sequence[VerifierKey]) -> Out:
    """The published checkpoint, held to the log's keys and to the tiles beside it. Raises LogStopped."""
    note = folder.checkpoint()
    if note is None:
        return Out(Checkpoint(name, 0, EMPTY_ROOT), None, Edge())
    try:
        checkpoint = open_checkpoint_by(note, keys).checkpoint
        edge = edge_of(checkpoint.size, folder.read)
    except (BadSignature, BadTile, FileNotFoundError) as error:
        raise LogStopped(f"the published log cannot be read: {error}. Bring its files back.") from error
    if edge.root() != checkpoint.root:
        raise LogStopped("the tiles do not lead to the root of the published checkpoint. Bring the files back.")
    return Out(checkpoint, note, edge)


def refuse_older(tree: Tree, published: Checkpoint, answers: Answers) -> None:
    """Raises LogStopped if witnesses, who were shown what was published, know more than everything here."""
    largest = max(published.size, tree.size)
    for name, size in sorted(answers.ahead.items()):
        if size > largest:
            raise LogStopped(
                f"the witness {name} has cosigned {size} leaves, and nothing here has more than {largest}: the "
                "database and the files are older copies. Bring back newer ones."
            )
    for name, what in sorted(answers.contradicting.items()):
        raise LogStopped(
            f"the witness {name} has cosigned another tree than the published one of {published.size} leaves ({what}). "
            "Bring back the database and the files that made it."
        )


def refuse_unknowing(quorum: Quorum, answers: Answers) -> None:
    """Raises WitnessesAway unless so many answered that each tree which enough of them cosigned is known to one."""
    asked = len(quorum.witnesses)
    if not quorum.needed:
        return
    wanted = max(quorum.needed, asked - quorum.needed + 1)
    if asked - len(answers.away) < wanted:
        away = "; ".join(f"{name}: {what}" for name, what in sorted(answers.away.items()))
        raise WitnessesAway(
            f"{wanted} of {asked} witnesses have to answer before the log goes on after a start ({away})"
        )


def join(state: TreeState, folder: LogFolder, tree: Tree, out: Out) -> tuple[Tree, Edge]:
    """Bring database and files to the larger of the two: the tree that both have then, its edge. Raises LogStopped."""
    try:
        if tree.size < out.checkpoint.size:
            tree = _adopt(state, folder, tree, out.checkpoint)
        return tree, _catch_up(state, folder, tree, out)
    except (BadTile, FileNotFoundError) as error:
        raise LogStopped(f"the published log cannot be read: {error}. Bring its files back.") from error


def _adopt(state: TreeState, folder: LogFolder, behind: Tree, published: Checkpoint) -> Tree:
    if root_at(behind.size, TiledHashes(published.size, folder.read)) != behind.root:
        raise LogStopped(
            f"the database has a tree of {behind.size} leaves, and the published one of {published.size} does not "
            "begin with it. Bring back the database that made the published one."
        )
    leaves = _published_leaves(folder, behind.size, published.size)
    placed = placed_in(leaves, behind.size, state.pending(_ALL))
    after = Tree(published.size, published.root, behind.fence)
    state.advance(behind, after, placed)
    found = sum(each.count for each in placed)
    state.report(
        f"the database had {behind.size} leaves, and {published.size} were published: it is an older copy. It took the "
        f"published tree over, and has the records of {found} of these {len(leaves)} leaves."
    )
    return after


def _published_leaves(folder: LogFolder, first: int, end: int) -> list[bytes]:
    leaves = list[bytes]()
    for bundle in changed_bundles(first, end):
        leaves += read_bundle(folder.read(bundle), bundle.width)
    return leaves[first % WIDTH :]


def _catch_up(state: TreeState, folder: LogFolder, tree: Tree, out: Out) -> Edge:
    """Write the files from what was published up to the database's tree, and hold its root to them."""
    published = out.checkpoint.size
    leaves = state.leaves(published, tree.size) if tree.size > published else []
    edge, files = grown(out.edge, leaves, folder.read)
    if (edge.size, edge.root()) != (tree.size, tree.root):
        raise LogStopped(
            f"the database has a tree of {tree.size} leaves that does not continue the published one of {published}. "
            "Bring back the database that made it."
        )
    for piece, content in files:
        folder.write(piece, content)
    return edge
