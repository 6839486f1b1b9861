"""What the ledger knows of a sidecar's completeness: its chains as lines, and the doubts that are told of them. Blocks.

A chain is taken for abandoned once its last incarnation has not closed and the sidecar has begun another chain, or
nothing of it has come for `silent_us`. That is concluded anew for each question: what comes late counts at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, func, select

from central.ledger.standing import micros
from central.ledger.vocabulary import IncidentKind
from central.store.engine import Store
from central.store.tables import calls, chains, heads, incarnations, incidents, records, silences
from evidence.chain import State
from evidence.completeness import Code, Doubt, Life, Line, Statement, stated
from evidence.record import read_header

MOST: Final = 2_000
"""Rows of each kind that one answer looks at. Where there are more, nothing is stated."""

_PUT_ASIDE: Final = {IncidentKind.FORK, IncidentKind.SIGNATURE, IncidentKind.CERTIFICATE, IncidentKind.TURN,
                     IncidentKind.TENANT}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """A chain as a report shows it. `unknown` are calls that stay open, since their incarnation is `abandoned`."""

    line: Line
    first_seq: int
    seq: int
    signed: int
    heads: int
    missing: int
    open: int
    abandoned: str | None

    @property
    def unknown(self) -> int:
        """Open calls of which nobody will say what came of them, unless a late batch does."""
        return 0 if self.abandoned is None else self.open


@dataclass(frozen=True, slots=True)
class Told:
    """A statement, and the chains that have something of its time."""

    statement: Statement
    chains: tuple[Shown, ...]


def tell(store: Store, tenant: str, sidecar: str, since: int, until: int, *, now: int, silent_us: int) -> Told:
    """Whether nothing of a tenant's sidecar is missing between two times. Raises LedgerUnavailable."""
    with store.reading() as connection:
        return _Teller(connection, tenant, sidecar, since, until).told(now, silent_us)


class _Teller:
    """One question."""

    def __init__(self, connection: Connection, tenant: str, sidecar: str, since: int, until: int) -> None:
        self._connection = connection
        self._tenant, self._sidecar, self._since, self._until = tenant, sidecar, since, until
        self._too_much = False

    def told(self, now: int, silent_us: int) -> Told:
        mine = and_(chains.c.tenant == self._tenant, chains.c.sidecar == self._sidecar)
        rows = self._some(select(chains).where(mine).order_by(chains.c.no))
        numbers = select(chains.c.no).where(mine)
        lives = self._lives(numbers)
        doubts = self._doubts(rows, numbers)
        lines = {row.no: Line(bytes(row.chain).hex(), tuple(lives.get(row.no, ())), tuple(doubts[row.no]))
                 for row in rows}  # fmt: skip
        everything = [*lines.values(), Line("", (), tuple(self._elsewhere(rows)))]
        if self._too_much:
            what = f"there are more than {MOST} rows of a kind: nothing is stated of so many"
            everything.append(Line("", (), (Doubt(Code.TOO_MUCH, what, None, None),)))
        statement = stated(self._sidecar, everything, self._since, self._until)
        starts = {number: line.lives[0].first_at for number, line in lines.items() if line.lives}
        shown = [self._shown(row, lines[row.no], starts, now - silent_us) for row in rows if self._near(lines[row.no])]
        return Told(statement, tuple(shown))

    def _near(self, line: Line) -> bool:
        return bool(line.lives) and line.lives[0].first_at <= self._until and line.lives[-1].last_at >= self._since

    def _shown(self, row: Row[Any], line: Line, starts: Mapping[int, int], silent_before: int) -> Shown:
        abandoned, last = None, line.lives[-1]
        if not last.closed and any(number != row.no and at > last.last_at for number, at in starts.items()):
            abandoned = "another_chain"
        elif not last.closed and row.received_at < silent_before:
            abandoned = "silent"
        count = select(func.count()).select_from(calls)
        is_open = self._scalar(count.where(calls.c.chain_no == row.no, calls.c.state == State.OPEN.value))
        signed_heads = self._scalar(select(func.count()).select_from(heads).where(heads.c.chain_no == row.no))
        return Shown(line, row.first_seq, row.seq, row.signed, signed_heads, row.missing, is_open, abandoned)

    def _lives(self, numbers: Any) -> dict[int, list[Life]]:
        table, found = incarnations, dict[int, list[Life]]()
        query = select(table).where(table.c.chain_no.in_(numbers)).order_by(table.c.chain_no, table.c.first_seq)
        for row in self._some(query):
            life = Life(row.incarnation, row.first_seq, row.last_seq, row.first_at, row.last_at, row.heartbeats,
                        bool(row.closed), row.public_key is not None)  # fmt: skip
            found.setdefault(row.chain_no, []).append(life)
        return found

    def _doubts(self, rows: Sequence[Row[Any]], numbers: Any) -> dict[int, list[Doubt]]:
        found: dict[int, list[Doubt]] = {row.no: list(self._unsigned(row)) for row in rows}
        by_name = {bytes(row.chain): row.no for row in rows}
        for row in self._incidents():
            if (number := by_name.get(bytes(row.chain))) is not None:
                found[number] += self._incident(row, number)
        names = {row.no: bytes(row.chain).hex() for row in rows}
        table = silences
        for row in self._some(select(table).where(table.c.chain_no.in_(numbers)).order_by(table.c.from_at)):
            first, last = sorted((row.from_at, row.to_at))
            what = f"a silence of {row.boot_us / 1e6:.0f} s, with no heartbeat"
            doubt = Doubt(
                Code.SILENT, what, first + 1, max(last - 1, first + 1), names.get(row.chain_no), row.after_seq
            )
            if row.chain_no in found:
                found[row.chain_no].append(doubt)
        return found

    def _unsigned(self, row: Row[Any]) -> Iterator[Doubt]:
        if row.signed < row.seq:
            what = f"records {row.signed + 1} to {row.seq} are not covered by a signed head"
            first = self._at(row.no, row.signed + 1)
            yield Doubt(Code.UNSIGNED, what, first, None, bytes(row.chain).hex(), row.signed + 1)

    def _incident(self, row: Row[Any], number: int) -> Iterator[Doubt]:
        kind, chain, seq = IncidentKind(row.kind), bytes(row.chain).hex(), row.seq
        before = self._at(number, seq - 1)
        if kind in _PUT_ASIDE:
            yield Doubt(Code.REFUSED, f"evidence was put aside ({kind.value}): {row.what}", before, None, chain, seq)
        elif kind is IncidentKind.GAP:
            yield Doubt(Code.GAP, row.what, before, self._at(number, seq + row.amount), chain, seq)
        elif kind is IncidentKind.LOST:
            yield Doubt(Code.LOST, row.what, before, self._at(number, seq), chain, seq)
        elif kind is IncidentKind.CLOCK:
            yield self._unsure(row, number, chain)

    def _unsure(self, row: Row[Any], number: int, chain: str) -> Doubt:
        """A clock that went back makes each time of its incarnation uncertain by as much."""
        table = incarnations
        query = select(func.min(table.c.first_at), func.max(table.c.last_at)).where(
            table.c.chain_no == number, table.c.incarnation == row.about
        )
        first, last = self._connection.execute(query).one()
        if first is None or last is None or row.amount == 0:
            return Doubt(Code.CLOCK, row.what, None, None, chain, row.seq)
        first, last = min(first, last) - row.amount, max(first, last) + row.amount
        return Doubt(Code.CLOCK, row.what, first, last, chain, row.seq)

    def _elsewhere(self, rows: Sequence[Row[Any]]) -> Iterator[Doubt]:
        """Evidence that was put aside and belongs to no chain that is held: nobody knows of which time it is."""
        known = {bytes(row.chain) for row in rows}
        for row in self._incidents():
            if bytes(row.chain) not in known:
                what = f"evidence of a chain that is not held was put aside ({row.kind}): {row.what}"
                yield Doubt(Code.REFUSED, what, None, None, bytes(row.chain).hex(), row.seq)

    def _incidents(self) -> Sequence[Row[Any]]:
        table = incidents
        mine = (table.c.tenant == self._tenant, table.c.sidecar == self._sidecar)
        return self._some(select(table).where(*mine).order_by(table.c.no))

    def _at(self, number: int, seq: int) -> int | None:
        table = records
        query = select(table.c.header).where(table.c.chain_no == number, table.c.seq == seq)
        header = self._connection.execute(query).scalar()
        return None if header is None else micros(read_header(bytes(header)).at)

    def _some(self, query: Any) -> Sequence[Row[Any]]:
        found: Sequence[Row[Any]] = self._connection.execute(query.limit(MOST + 1)).all()
        self._too_much = self._too_much or len(found) > MOST
        return found[:MOST]

    def _scalar(self, query: Any) -> int:
        return int(self._connection.execute(query).scalar_one())
