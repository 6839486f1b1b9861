"""What an append writes: records by COPY where the database has it, then everything that is told of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Insert, Row, Table, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from central.ledger.standing import KnownHead, Life, Silence, Turned
from central.store import tables
from central.store.engine import SQLITE
from evidence.batch import Sent, WrappedKey

_COPY: Final = "COPY records (chain_no, seq, received_at, link, header, body, box) FROM STDIN WITH (FORMAT binary)"
_TYPES: Final = ("int8", "int8", "int8", "bytea", "bytea", "bytea", "bytea")

_CALLS: Final = text(
    "INSERT INTO calls (chain_no, call, state, intent_seq, last_seq) "
    "SELECT :chain_no, * FROM unnest(CAST(:calls AS bytea[]), CAST(:states AS text[]), "
    "CAST(:intents AS bigint[]), CAST(:lasts AS bigint[])) "
    "ON CONFLICT (chain_no, call) DO UPDATE SET state = excluded.state, intent_seq = excluded.intent_seq, "
    "last_seq = excluded.last_seq"
)
"""One statement for all calls of a batch: a row for each is half of what an append costs."""

_CALLS_OF: Final = text(
    "SELECT c.* FROM unnest(CAST(:calls AS bytea[])) AS named "
    "CROSS JOIN LATERAL (SELECT * FROM calls WHERE chain_no = :chain_no AND call = named OFFSET 0) AS c"
)
"""OFFSET 0 has each looked up in the index. Without it PostgreSQL reads all calls of the chain and compares."""


def insert_into(connection: Connection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """An INSERT that can say what happens on a conflict."""
    return sqlite.insert(table) if connection.dialect.name == SQLITE else postgresql.insert(table)


def keep_records(connection: Connection, chain_no: int, received_at: int, new: Sequence[Sent]) -> None:
    """Put the records in: all bytes as they came."""
    rows = (
        (
            chain_no,
            sent.record.header.seq,
            received_at,
            bytes.fromhex(sent.record.link),
            sent.record.header_bytes,
            sent.record.body_bytes,
            sent.box,
        )
        for sent in new
    )
    if connection.dialect.name == SQLITE:
        names = [column.name for column in tables.records.columns]
        connection.execute(insert(tables.records), [dict(zip(names, row, strict=True)) for row in rows])
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(_TYPES)
        for row in rows:
            copy.write_row(row)


def keep_batch(
    connection: Connection, chain_no: int, received_at: int, new: Sequence[Sent], first_at: int, last_at: int
) -> int:
    """The row of the batch, which waits for the sequencer from now on; gives its id."""
    statement = insert(tables.batches).values(
        chain_no=chain_no,
        first_seq=new[0].record.header.seq,
        last_seq=new[-1].record.header.seq,
        first_at=first_at,
        last_at=last_at,
        received_at=received_at,
    )
    batch_id = int(connection.execute(statement.returning(tables.batches.c.id)).scalar_one())
    connection.execute(insert(tables.pending).values(batch_id=batch_id))
    return batch_id


def keep_heads(connection: Connection, chain_no: int, received_at: int, heads: Iterable[KnownHead]) -> None:
    """Signed heads that were checked, and those whose key was lost in a gap."""
    _all(
        connection,
        insert(tables.heads),
        [
            {
                "chain_no": chain_no,
                "seq": head.seq,
                "signed": head.signed,
                "checked": head.checked,
                "note": head.note.encode(),
                "received_at": received_at,
            }
            for head in heads
        ],
    )


def keep_keys(
    connection: Connection, tenant: str, chain_no: int | None, received_at: int, keys: Iterable[WrappedKey]
) -> None:
    """Wrapped keys that are not there yet."""
    statement = insert_into(connection, tables.data_keys).on_conflict_do_nothing(index_elements=["tenant", "id"])
    _all(
        connection,
        statement,
        [
            {
                "tenant": tenant,
                "id": bytes.fromhex(key.id),
                "unit": key.unit,
                "chain_no": chain_no,
                "line": key.line,
                "received_at": received_at,
            }
            for key in keys
        ],
    )


def keep_calls(connection: Connection, chain_no: int, calls: Mapping[bytes, Turned]) -> None:
    """Where each call stands after these records."""
    if not calls:
        return
    if connection.dialect.name != SQLITE:
        connection.execute(_CALLS, _columns(chain_no, calls))
        return
    statement = insert_into(connection, tables.calls)
    changed = {name: statement.excluded[name] for name in ("state", "intent_seq", "last_seq")}
    _all(
        connection,
        statement.on_conflict_do_update(index_elements=["chain_no", "call"], set_=changed),
        [
            {
                "chain_no": chain_no,
                "call": key,
                "state": turned.state.value,
                "intent_seq": turned.intent_seq,
                "last_seq": turned.last_seq,
            }
            for key, turned in calls.items()
        ],
    )


def _columns(chain_no: int, calls: Mapping[bytes, Turned]) -> dict[str, Any]:
    turned = calls.values()
    return {
        "chain_no": chain_no,
        "calls": list(calls),
        "states": [call.state.value for call in turned],
        "intents": [call.intent_seq for call in turned],
        "lasts": [call.last_seq for call in turned],
    }


def keep_lives(connection: Connection, chain_no: int, received_at: int, lives: Sequence[Life]) -> None:
    """Incarnations: the first may go on with one that is known, all others are new."""
    table = tables.incarnations
    for number, life in enumerate(lives):
        told = {
            "last_seq": life.last_seq,
            "last_at": life.last_at,
            "last_boot": life.last_boot,
            "closed": life.closed,
            "received_at": received_at,
        }
        if number == 0 and not life.started:
            known = (
                select(table.c.first_seq)
                .where(table.c.chain_no == chain_no, table.c.incarnation == life.incarnation)
                .order_by(table.c.first_seq.desc())
                .limit(1)
            )
            if (first := connection.execute(known).scalar()) is not None:
                row = (table.c.chain_no == chain_no, table.c.first_seq == first)
                more = table.c.heartbeats + life.heartbeats
                connection.execute(update(table).where(*row).values(**told, heartbeats=more))
                continue
        statement = insert(table).values(
            chain_no=chain_no,
            first_seq=life.first_seq,
            incarnation=life.incarnation,
            public_key=life.public_key,
            isolation=life.isolation,
            first_at=life.first_at,
            heartbeats=life.heartbeats,
            **told,
        )
        connection.execute(statement)


def keep_silences(connection: Connection, chain_no: int, silences: Iterable[Silence]) -> None:
    """Long times without a record."""
    _all(
        connection,
        insert(tables.silences),
        [
            {
                "chain_no": chain_no,
                "after_seq": silence.after_seq,
                "from_at": silence.from_at,
                "to_at": silence.to_at,
                "boot_us": silence.boot_us,
            }
            for silence in silences
        ],
    )


def _all(connection: Connection, statement: Insert, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)


def calls_of(connection: Connection, chain_no: int, keys: Sequence[bytes]) -> Sequence[Row[Any]]:
    """Those of these calls that a chain has."""
    if connection.dialect.name == SQLITE:
        table = tables.calls
        query = select(table).where(table.c.chain_no == chain_no, table.c.call.in_(keys))
        return connection.execute(query).all()
    return connection.execute(_CALLS_OF, {"chain_no": chain_no, "calls": list(keys)}).all()
