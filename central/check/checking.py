"""The check of a ledger against its log: one consistent view of the database, gone through once.

What it remembers grows with the number of chains and data keys, not with that of records.

    1   published  the published checkpoint is signed by the log's key, and its files lead to its root
    2   tree       the tree in the database is the published one, or continues it
    3   places     each leaf belongs to one batch, and each batch waits or has its leaves
    4   batches    each batch has all its records, and each record a batch
    5   records    header, body and box of each record have the hashes that it is known by
    6   links      each record follows the one before it, but where a gap was noted
    7   keys       each incarnation is certified by the identity that is registered
    8   heads      each head is signed by its incarnation, and names a record of its chain
    9   leaves     each record is the leaf that was published
    10  standing   each chain stands at its last record
    11  kept       wrapped keys and strays are the bytes that came

What no checkpoint covers yet is only as good as the heads over it and the receipts that its sidecars hold.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, select
from sqlalchemy import Row as SqlRow

from central.check.findings import Finding, Findings, Step
from central.check.kept import check_kept
from central.check.places import AT_ONCE, Named, Places
from central.check.published import Expected, PublishedLog, read_log
from central.check.walk import BatchRow, HeadRow, Row, Standing, Walk, Wrong
from central.ledger.vocabulary import IncidentKind
from central.log.sql_state import SqlTreeState
from central.log.state import TreeState
from central.log.store import LogFolder
from central.registry import Registry, Sidecar
from central.store.engine import Store
from central.store.tables import batches, chains, heads, incarnations, incidents, log_batches, pending, records
from evidence.chain import Position


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at, and what was found.

    `strangers` counts chains of sidecars that are not registered (any more): whose identity theirs is, nobody knows.
    Of the data keys that records name and that are not there, `destroyed` have a tombstone of central, `missing` none:
    their sidecar never sent them, or somebody took them away. `first_missing` says where the first of them is named.
    """

    origin: str
    leaves: int
    root: str
    cosigned: tuple[str, ...]
    chains: int
    records: int
    waiting: int
    strangers: int
    destroyed: int
    missing: int
    first_missing: str | None
    findings: Findings

    @property
    def ok(self) -> bool:
        """Whether everything is as it was written."""
        return not self.findings.count


def check_ledger(
    store: Store, folder: LogFolder, expected: Expected, registry: Registry, own: Sidecar | None = None
) -> Checked:
    """Check all of it; it may go on growing meanwhile. `own` is central itself, as the writer of tombstones.

    Raises LedgerUnavailable, OSError.
    """
    findings = Findings()
    # First the log, then the database: that one is never behind.
    log = read_log(folder, expected, findings)
    with store.reading() as connection:
        walked = _Walked(connection, log, registry, own, findings)
        with _read(findings, Step.STANDING):
            walked.all(SqlTreeState(store))
        there, waiting = set[str](), 0
        with _read(findings, Step.KEPT):
            there = check_kept(connection, walked.destroyed, findings)
            waiting = connection.execute(select(func.count()).select_from(pending)).scalar_one()
    published = log.checkpoint
    missing = {key: at for key, at in walked.data_keys.items() if key[1] not in there and key not in walked.destroyed}
    return Checked(
        origin=expected.origin,
        leaves=published.size,
        root=published.root.hex(),
        cosigned=log.cosigned,
        chains=walked.chains,
        records=walked.records,
        waiting=waiting,
        strangers=walked.strangers,
        destroyed=len(walked.data_keys.keys() & walked.destroyed),
        missing=len(missing),
        first_missing=next(iter(missing.values()), None),
        findings=findings,
    )


@contextmanager
def _read(findings: Findings, step: Step, named: Named | None = None) -> Iterator[None]:
    """What is of a type that is never written (SQLite takes any) is a finding as well, and ends the block."""
    try:
        yield
    except (TypeError, ValueError, AttributeError) as error:
        what = f"something that stands there is none of ours: {error}"
        whose = (None, None, None) if named is None else (named.sidecar, named.tenant, named.chain)
        findings.add(Finding(step, what, *whose))


class _Walked:
    """Walks along chain after chain."""

    def __init__(
        self, connection: Connection, log: PublishedLog, registry: Registry, own: Sidecar | None, findings: Findings
    ) -> None:
        self._connection, self._log, self._registry, self._findings = connection, log, registry, findings
        self._own = own
        self.chains = 0
        self.records = 0
        self.strangers = 0
        self.data_keys: dict[tuple[str, str], str] = {}
        self.destroyed: set[tuple[str, str]] = set()

    def all(self, state: TreeState) -> None:
        """The places of the batches, then each chain."""
        known = self._connection.execute(select(chains).order_by(chains.c.no)).all()
        named = {row.no: Named(row.sidecar, row.tenant, row.chain.hex()) for row in known}
        self.chains = len(known)
        with _read(self._findings, Step.PLACES):
            Places(self._connection, self._log, named, self._findings).check(state)
        for row in known:
            with _read(self._findings, Step.RECORDS, named[row.no]):
                self._chain(row)

    def _chain(self, row: "SqlRow[Any]") -> None:
        """One chain, up to the first thing that is not right in it."""
        walk = Walk(self._standing(row), self._batches(row.no), self._heads(row.no), self._log.leaf)
        try:
            with self._rows(row.no) as found:
                for record in found:
                    walk.take(record)
                    self.records += 1
            walk.end()
        except Wrong as wrong:
            finding = Finding(wrong.step, wrong.what, row.sidecar, row.tenant, row.chain.hex(), wrong.seq, wrong.leaf)
            self._findings.add(finding)
        for key, seq in walk.data_keys.items():
            self.data_keys.setdefault((row.tenant, key), f"record {seq} of chain {row.chain.hex()}")
        if self._own is not None and row.sidecar == self._own.id:
            self.destroyed |= {(row.tenant, key) for key in walk.destroyed}

    @contextmanager
    def _rows(self, chain_no: int) -> Iterator[Iterator[Row]]:
        table = records
        query = select(table).where(table.c.chain_no == chain_no).order_by(table.c.seq, table.c.received_at)
        with self._connection.execute(query, execution_options=AT_ONCE) as result:
            yield (Row(row.seq, row.received_at, row.link, row.header, row.body, row.box) for row in result)

    def _standing(self, row: "SqlRow[Any]") -> Standing:
        mine = self._own is not None and row.sidecar == self._own.id
        registered = self._own if mine else self._registry.find(row.sidecar)
        self.strangers += registered is None
        return Standing(
            sidecar=row.sidecar,
            tenant=row.tenant,
            chain=row.chain.hex(),
            first_seq=row.first_seq,
            position=Position(row.seq, row.link.hex()),
            last_header=row.last_header,
            key=row.incarnation_key,
            signed=row.signed,
            gaps=self._gaps(row),
            keys=self._keys(row.no),
            identity=None if registered is None else registered.public_key,
        )

    def _gaps(self, row: "SqlRow[Any]") -> Mapping[int, int]:
        table = incidents
        query = select(table.c.seq, table.c.amount).where(
            table.c.tenant == row.tenant, table.c.chain == row.chain, table.c.kind == IncidentKind.GAP.value
        )
        return {found.seq: found.amount for found in self._connection.execute(query)}

    def _keys(self, chain_no: int) -> Mapping[int, tuple[str, bytes | None]]:
        table = incarnations
        query = select(table).where(table.c.chain_no == chain_no)
        return {row.first_seq: (row.incarnation, row.public_key) for row in self._connection.execute(query)}

    def _batches(self, chain_no: int) -> list[BatchRow]:
        query = (
            select(batches, log_batches.c.first_leaf)
            .outerjoin(log_batches, log_batches.c.batch_id == batches.c.id)
            .where(batches.c.chain_no == chain_no)
            .order_by(batches.c.first_seq, batches.c.id)
        )
        return [
            BatchRow(row.id, row.first_seq, row.last_seq, row.received_at, row.first_leaf)
            for row in self._connection.execute(query)
        ]

    def _heads(self, chain_no: int) -> list[HeadRow]:
        covered = and_(records.c.chain_no == heads.c.chain_no, records.c.seq == heads.c.signed)
        query = (
            select(heads.c.seq, heads.c.signed, heads.c.note, records.c.link)
            .outerjoin(records, covered)
            .where(heads.c.chain_no == chain_no)
            .order_by(heads.c.seq, heads.c.no)
        )
        return [
            HeadRow(row.seq, row.signed, row.note.decode("utf-8", "surrogateescape"), row.link)
            for row in self._connection.execute(query)
        ]
