"""Which waiting batches a published tree holds already. Pure."""

from collections.abc import Iterable, Sequence

from central.log.state import PendingBatch, Placed


def placed_in(leaves: Sequence[bytes], first: int, waiting: Iterable[PendingBatch]) -> list[Placed]:
    """Where batches stand among leaves, the first of which has the number `first`; in the order of the leaves.

    A batch that is not there whole is left out: it becomes leaves once more, which says nothing false.
    """
    at = {leaf: number for number, leaf in enumerate(leaves)}
    placed = []
    for batch in waiting:
        begin = at.get(batch.links[0]) if batch.links else None
        if begin is not None and tuple(leaves[begin : begin + len(batch.links)]) == batch.links:
            placed.append(Placed(batch.id, first + begin, len(batch.links)))
    return sorted(placed, key=lambda each: each.first_leaf)
