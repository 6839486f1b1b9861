"""Where batches stand in the log: each leaf has one batch, each batch waits or has its leaves, and the tree fits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from central.check.findings import Finding, Findings, Step
from central.check.published import PublishedLog
from central.log.state import Tree, TreeState
from central.log.stopping import LogStopped
from central.store.tables import batches, log_batches, pending, records, tree
from evidence.merkle import EMPTY_ROOT, leaf_hash

_COMPARED: Final = 1 << 20
"""So many leaves without a batch are looked for among the records."""

AT_ONCE: Final = {"yield_per": 1000}
"""How rows are fetched: a bounded number at a time."""


_PLACED: Final = (
    select(
        log_batches.c.batch_id,
        log_batches.c.first_leaf,
        log_batches.c.count,
        batches.c.chain_no,
        batches.c.first_seq,
        batches.c.last_seq,
    )
    .outerjoin(batches, batches.c.id == log_batches.c.batch_id)
    .order_by(log_batches.c.first_leaf)
)
_ASTRAY: Final = (
    select(batches)
    .outerjoin(log_batches, log_batches.c.batch_id == batches.c.id)
    .outerjoin(pending, pending.c.batch_id == batches.c.id)
    .where(log_batches.c.batch_id.is_(None), pending.c.batch_id.is_(None))
    .order_by(batches.c.id)
)
_TWICE: Final = (
    select(batches)
    .join(log_batches, log_batches.c.batch_id == batches.c.id)
    .join(pending, pending.c.batch_id == batches.c.id)
    .order_by(batches.c.id)
)


@dataclass(frozen=True, slots=True)
class Named:
    """Whose chain it is; `chain` is 64 hex digits."""

    sidecar: str
    tenant: str
    chain: str


class Places:
    """Goes through the leaves in their order."""

    def __init__(
        self, connection: Connection, log: PublishedLog, chains: Mapping[int, Named], findings: Findings
    ) -> None:
        self._connection, self._log, self._chains, self._findings = connection, log, chains, findings
        self._unclaimed: dict[bytes, int] = {}

    def check(self, state: TreeState) -> Tree:
        """Batches, tree, and leaves that no batch claims; gives the tree."""
        stands = self._tree()
        self._leaves(stands)
        self._waiting()
        self._look_for_unclaimed()
        if not self._findings.count:
            self._continued(state, stands)
        return stands

    def _tree(self) -> Tree:
        row = self._connection.execute(select(tree.c.size, tree.c.root, tree.c.fence)).one_or_none()
        stands = Tree(0, EMPTY_ROOT, 0) if row is None else Tree(row.size, bytes(row.root), row.fence)
        published = self._log.checkpoint
        if stands.size and not self._log.whole and not self._findings.count:
            self._add(Step.PUBLISHED, f"nothing is published, and the database has a tree of {stands.size} leaves")
        elif stands.size < published.size:
            what = f"the database has a tree of {stands.size} leaves, and {published.size} are published: an older copy"
            self._add(Step.TREE, what)
        elif stands.size == published.size and stands.root != published.root:
            self._add(Step.TREE, f"the database has another root for {stands.size} leaves than was published")
        return stands

    def _continued(self, state: TreeState, stands: Tree) -> None:
        """What the database has beyond the published tree leads to its root as well."""
        try:
            edge = self._log.edge()
            for leaf in state.leaves(edge.size, stands.size):
                edge.append(leaf_hash(leaf))
        except LogStopped as error:
            self._add(Step.TREE, str(error))
            return
        if edge.root() != stands.root:
            self._add(Step.TREE, f"the records of the {stands.size} leaves do not lead to the root of the tree")

    def _leaves(self, stands: Tree) -> None:
        end = 0
        for row in self._connection.execute(_PLACED, execution_options=AT_ONCE):
            self._place(row, end)
            self._hole(end, min(row.first_leaf, stands.size))
            end = max(end, row.first_leaf + row.count)
        self._hole(end, stands.size)
        if end > stands.size:
            self._add(Step.PLACES, f"batches have {end} leaves, and the tree has {stands.size}")

    def _place(self, row: Any, end: int) -> None:
        if row.chain_no is None:
            self._add(Step.PLACES, f"batch {row.batch_id} has leaves and is not there", leaf=row.first_leaf)
        elif row.count != row.last_seq - row.first_seq + 1:
            self._at(row, f"batch {row.batch_id} has {row.count} leaves for its records to number {row.last_seq}")
        elif row.first_leaf < end:
            self._at(row, f"batch {row.batch_id} has leaves that another has as well")

    def _hole(self, first: int, end: int) -> None:
        """Leaves that no batch claims may be those of an older copy, whose records came again."""
        for index in range(first, min(end, first + _COMPARED)):
            leaf = self._log.leaf(index)
            if leaf is None or len(self._unclaimed) >= _COMPARED:
                self._add(Step.PLACES, f"leaves {index} to {end - 1} belong to no batch", leaf=index)
                return
            self._unclaimed[leaf] = index

    def _look_for_unclaimed(self) -> None:
        if not self._unclaimed:
            return
        for (link,) in self._connection.execute(select(records.c.link), execution_options=AT_ONCE):
            self._unclaimed.pop(bytes(link), None)
        for leaf, index in sorted(self._unclaimed.items(), key=lambda item: item[1]):
            self._add(Step.PLACES, f"the log has the record {leaf.hex()}, and the ledger has not", leaf=index)

    def _waiting(self) -> None:
        for row in self._connection.execute(_ASTRAY, execution_options=AT_ONCE):
            self._at(row, f"batch {row.id} has no leaves and does not wait for any")
        for row in self._connection.execute(_TWICE, execution_options=AT_ONCE):
            self._at(row, f"batch {row.id} has its leaves and waits for them")
        orphans = select(pending.c.batch_id).where(pending.c.batch_id.not_in(select(batches.c.id)))
        for (number,) in self._connection.execute(orphans):
            self._add(Step.PLACES, f"batch {number} waits for its leaves and is not there")

    def _at(self, row: Any, what: str) -> None:
        named = self._chains.get(row.chain_no)
        if named is None:
            self._add(Step.PLACES, f"{what}; it is of a chain that is not there")
            return
        self._findings.add(Finding(Step.PLACES, what, named.sidecar, named.tenant, named.chain, row.first_seq))

    def _add(self, step: Step, what: str, leaf: int | None = None) -> None:
        self._findings.add(Finding(step, what, leaf=leaf))
