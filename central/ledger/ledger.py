"""The ledger as its users see it: where a chain stands, and a batch that is taken as a whole or not at all.

All calls block. Once `append` has returned, what it names is durable; when it raises LedgerUnavailable nothing of it
is stored, unless the database's answer alone was lost, so that the sender tries again, and duplicates are passed over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from sqlalchemy import Connection, Row, select, update

from central.ledger.following import Follower, Refused
from central.ledger.incidents import keep_stray, raise_incident
from central.ledger.keeping import (
    calls_of,
    insert_into,
    keep_batch,
    keep_calls,
    keep_heads,
    keep_keys,
    keep_lives,
    keep_records,
    keep_silences,
)
from central.ledger.sealings import keep_sealings
from central.ledger.standing import NOTHING, Standing, Turned, call_key
from central.ledger.vocabulary import Appended, Incident, IncidentKind, Kept, NotJoined
from central.registry import Sidecar
from central.store import tables
from central.store.engine import WAIT_SECONDS, Store, open_store
from central.store.schema import check_schema
from evidence.batch import Batch, Sent
from evidence.chain import Position, State
from evidence.clock import Clock, SystemClock
from evidence.record import GENESIS, read_header

HEARTBEAT_SECONDS: Final = 30.0
"""How often a sidecar that has nothing else to write writes a heartbeat."""

_AT_ONCE: Final = 500
"""Values in one IN list: a statement is made for each count."""


@dataclass(frozen=True, slots=True)
class _Chain:
    """The row of a chain, locked."""

    no: int
    first_seq: int
    sidecar: str
    standing: Standing


class Ledger:
    """A ledger on one database. Safe for several threads, and for several processes on PostgreSQL."""

    def __init__(self, store: Store, clock: Clock, heartbeat_seconds: float) -> None:
        self.store = store
        self._clock = clock
        self._silence_us = int(2 * heartbeat_seconds * 1_000_000)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Clock | None = None,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        connections: int = 8,
        wait_seconds: float = WAIT_SECONDS,
    ) -> Self:
        """The ledger at `sqlite:///PATH` or `postgresql://…`.

        Raises StoreProblem for a URL that names none, SchemaProblem for a schema that is older or unknown, and
        LedgerUnavailable.
        """
        store = open_store(url, connections=connections, wait_seconds=wait_seconds)
        try:
            check_schema(store)
        except BaseException:
            store.close()
            raise
        return cls(store, clock or SystemClock(), heartbeat_seconds)

    def close(self) -> None:
        """Give back all connections."""
        self.store.close()

    def position(self, sidecar: str, tenant: str, chain: str) -> Position:
        """Up to where the ledger holds a chain of this sidecar; 0 and GENESIS for one that it does not know."""
        table = tables.chains
        mine = (table.c.tenant == tenant, table.c.sidecar == sidecar, table.c.chain == bytes.fromhex(chain))
        with self.store.reading() as connection:
            row = connection.execute(select(table.c.seq, table.c.link).where(*mine)).one_or_none()
        return Position() if row is None else Position(row.seq, row.link.hex())

    def append(self, batch: Batch, registered: Sidecar) -> Appended:
        """Take what is new of a batch that this sidecar sent.

        Raises NotJoined where records are missing and the sender did not say so, Kept for a batch that no chain can
        take, LedgerUnavailable.
        """
        now = self._clock.now().unix_ns // 1000
        try:
            _check_owner(batch, registered)
            with self.store.writing() as connection:
                return _append(connection, batch, registered, now, self._silence_us)
        except Refused as refused:
            incident = _incident(batch, registered, refused.kind, str(refused.seq), refused.seq, refused.what, 0)
        with self.store.writing() as connection:
            number = raise_incident(connection, incident, now)
            keep_stray(connection, batch, incident, number, now)
        raise Kept(incident)

    def append_within(self, connection: Connection, batch: Batch, registered: Sidecar) -> Appended:
        """Take a batch of central's own as part of a transaction. Raises NotJoined, Refused: then nothing of it may
        be committed."""
        _check_owner(batch, registered)
        return _append(connection, batch, registered, self._clock.now().unix_ns // 1000, self._silence_us)


def _check_owner(batch: Batch, registered: Sidecar) -> None:
    if (batch.sidecar, batch.tenant) != (registered.id, registered.tenant):
        what = (
            f"sidecar {registered.id} of tenant {registered.tenant} sent evidence of sidecar {batch.sidecar}, "
            f"tenant {batch.tenant}"
        )
        raise Refused(IncidentKind.TENANT, batch.after.seq, what)
    if batch.after.seq == 0 and batch.records and batch.records[0].record.link != batch.chain:
        raise Refused(IncidentKind.FORK, 1, "the chain is not named by the link of its first record")


def _append(connection: Connection, batch: Batch, registered: Sidecar, now: int, silence_us: int) -> Appended:
    chain = _lock(connection, batch, registered, now)
    if chain.sidecar != registered.id:
        raise Refused(IncidentKind.TENANT, batch.after.seq, f"the chain is that of sidecar {chain.sidecar}")
    held = chain.standing.position
    if batch.after.seq > held.seq and not batch.gap:
        raise NotJoined(held)
    new = _new_part(connection, chain, batch)
    asked = _Held(connection, chain.no, new)
    follower = Follower(chain.standing, asked, identity=registered.public_key, silence_us=silence_us)
    if batch.after.seq > held.seq:
        if not new:
            return Appended(held, 0, ())
        follower.leap(batch.after)
    _follow(follower, batch, new, held)
    _keep(connection, chain, batch, new, follower, now)
    incidents = tuple(
        _incident(batch, registered, noted.kind, noted.about, noted.seq, noted.what, noted.amount)
        for noted in follower.noted
    )
    for incident in incidents:
        raise_incident(connection, incident, now)
    return Appended(follower.standing.position, len(new), incidents)


def _lock(connection: Connection, batch: Batch, registered: Sidecar, now: int) -> _Chain:
    """The row of the chain, made if need be, that no other append can have before this transaction ends."""
    table, name = tables.chains, bytes.fromhex(batch.chain)
    query = select(table).where(table.c.tenant == registered.tenant, table.c.chain == name).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        statement = insert_into(connection, table).values(
            tenant=registered.tenant, sidecar=registered.id, chain=name, first_seq=0, seq=0,
            link=bytes.fromhex(GENESIS), signed=0, missing=0, received_at=now,
        )  # fmt: skip
        connection.execute(statement.on_conflict_do_nothing(index_elements=["tenant", "chain"]))
        row = connection.execute(query).one()
    return _Chain(row.no, row.first_seq, row.sidecar, _standing(row))


def _standing(row: Row[tuple[object, ...]]) -> Standing:
    last = None if row.last_header is None else read_header(row.last_header)
    return Standing(Position(row.seq, row.link.hex()), last, row.incarnation_key, row.signed, row.missing)


def _new_part(connection: Connection, chain: _Chain, batch: Batch) -> tuple[Sent, ...]:
    """The records of the batch that come after what is held, which the others have to agree with. Raises Refused.

    Records name each other: where the last known one is the same, all before it are.
    """
    held = chain.standing.position
    new: tuple[Sent, ...] = ()
    if batch.after.seq > held.seq:
        return batch.records
    if batch.last.seq <= held.seq:
        known, said = _link(connection, chain, batch.last.seq), batch.last
    else:
        new = batch.records[held.seq - batch.after.seq :]
        known, said = held.link, Position(held.seq, new[0].record.header.prev)
    if known is not None and known != said.link:
        raise Refused(IncidentKind.FORK, said.seq, f"the ledger holds another record {said.seq} of this chain")
    return new


def _link(connection: Connection, chain: _Chain, seq: int) -> str | None:
    """The link of a held record; None for one that a gap took."""
    if seq in {0, chain.standing.position.seq}:
        return GENESIS if seq == 0 else chain.standing.position.link
    return _Held(connection, chain.no, ()).link(seq)


def _follow(follower: Follower, batch: Batch, new: tuple[Sent, ...], held: Position) -> None:
    """Heads stand between records; those before what is held were there with it."""
    heads = [head for head in batch.heads if head.seq >= held.seq]
    at = 0
    while at < len(heads) and heads[at].seq <= max(held.seq, batch.after.seq):
        follower.head(heads[at])
        at += 1
    for sent in new:
        follower.take(sent)
        while at < len(heads) and heads[at].seq == sent.record.header.seq:
            follower.head(heads[at])
            at += 1


def _keep(
    connection: Connection, chain: _Chain, batch: Batch, new: tuple[Sent, ...], follower: Follower, now: int
) -> None:
    standing = follower.standing
    if new:
        lives = follower.lives
        keep_records(connection, chain.no, now, new)
        keep_batch(connection, chain.no, now, new, lives[0].first_at, lives[-1].last_at)
        keep_lives(connection, chain.no, now, lives)
        keep_calls(connection, chain.no, follower.calls)
        keep_silences(connection, chain.no, follower.silences)
        keep_sealings(connection, batch.tenant, now, new)
    keep_heads(connection, chain.no, now, follower.heads)
    keep_keys(connection, batch.tenant, chain.no, now, batch.keys)
    values = {
        "first_seq": chain.first_seq or (new[0].record.header.seq if new else 0),
        "seq": standing.position.seq,
        "link": bytes.fromhex(standing.position.link),
        "incarnation_key": standing.key,
        "signed": standing.signed,
        "missing": standing.missing,
        "received_at": now,
    }
    if new:
        values["last_header"] = new[-1].record.header_bytes
    connection.execute(update(tables.chains).where(tables.chains.c.no == chain.no).values(values))


class _Held:
    """Answers from the database; the calls that the records name are asked for at once."""

    def __init__(self, connection: Connection, chain_no: int, new: Iterable[Sent]) -> None:
        self._connection = connection
        self._chain_no = chain_no
        named = {sent.record.header.call for sent in new} - {None}
        self._calls = self._asked([call_key(call) for call in named if call is not None])

    def link(self, seq: int) -> str | None:
        table = tables.records
        query = select(table.c.link).where(table.c.chain_no == self._chain_no, table.c.seq == seq)
        link = self._connection.execute(query).scalar()
        return None if link is None else bytes(link).hex()

    def call(self, key: bytes) -> Turned:
        return self._calls.get(key, NOTHING)

    def open_calls(self) -> list[bytes]:
        table = tables.calls
        query = select(table.c.call, table.c.intent_seq, table.c.last_seq).where(
            table.c.chain_no == self._chain_no, table.c.state == State.OPEN.value
        )
        found = self._connection.execute(query).all()
        self._calls |= {bytes(row.call): Turned(State.OPEN, row.intent_seq, row.last_seq) for row in found}
        return [bytes(row.call) for row in found]

    def _asked(self, keys: list[bytes]) -> dict[bytes, Turned]:
        found: dict[bytes, Turned] = {}
        for start in range(0, len(keys), _AT_ONCE):
            for row in calls_of(self._connection, self._chain_no, keys[start : start + _AT_ONCE]):
                found[bytes(row.call)] = Turned(State(row.state), row.intent_seq, row.last_seq)
        return found


def _incident(
    batch: Batch, registered: Sidecar, kind: IncidentKind, about: str, seq: int, what: str, amount: int
) -> Incident:
    return Incident(kind, registered.tenant, registered.id, batch.chain, about, seq, what, amount)
