"""Incidents and strays. The same matter is one row, however often it comes: a count, and when it was met last."""

from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, func, select

from central.ledger.keeping import insert_into, keep_keys
from central.ledger.sealings import keep_sealings
from central.ledger.vocabulary import Incident
from central.store import tables
from evidence.batch import Batch, write_batch
from evidence.line import box_line, note_line
from evidence.record import record_line

STRAY_BYTES: Final = 64 << 20
"""How much of a sidecar's strays is kept; what comes after that is counted and named by its digest, not kept."""


def raise_incident(connection: Connection, incident: Incident, now: int) -> int:
    """Write it down, or count it where it is known already; gives its number."""
    table = tables.incidents
    statement = insert_into(connection, table).values(
        tenant=incident.tenant,
        sidecar=incident.sidecar,
        chain=bytes.fromhex(incident.chain),
        kind=incident.kind.value,
        about=incident.about,
        seq=incident.seq,
        amount=incident.amount,
        what=incident.what,
        first_at=now,
        last_at=now,
        count=1,
    )
    again = {
        "count": table.c.count + 1,
        "last_at": statement.excluded.last_at,
        "amount": statement.excluded.amount,
    }
    statement = statement.on_conflict_do_update(
        index_elements=["tenant", "sidecar", "chain", "kind", "about"], set_=again
    )
    return int(connection.execute(statement.returning(table.c.no)).scalar_one())


def keep_stray(connection: Connection, batch: Batch, incident: Incident, incident_no: int, now: int) -> None:
    """Put the batch aside, once. Its wrapped keys go where they can be erased, under the tenant that sent them."""
    table = tables.strays
    data = stray_bytes(batch)
    mine = (table.c.tenant == incident.tenant, table.c.sidecar == incident.sidecar)
    held = connection.execute(select(func.coalesce(func.sum(func.length(table.c.data)), 0)).where(*mine)).scalar_one()
    if held + len(data) > STRAY_BYTES:
        return
    statement = insert_into(connection, table).values(
        tenant=incident.tenant,
        sidecar=incident.sidecar,
        digest=sha256(data).digest(),
        incident_no=incident_no,
        data=data,
        received_at=now,
    )
    connection.execute(statement.on_conflict_do_nothing(index_elements=["tenant", "sidecar", "digest"]))
    keep_keys(connection, incident.tenant, None, now, batch.keys)
    keep_sealings(connection, incident.tenant, now, batch.records)


def stray_bytes(batch: Batch) -> bytes:
    """The bytes of a batch as it came, but for its wrapped keys: each line has one spelling."""
    heads = list(batch.heads)
    lines: list[bytes] = []

    def heads_after(seq: int) -> None:
        while heads and heads[0].seq <= seq:
            lines.append(note_line(heads.pop(0).note))

    heads_after(batch.after.seq)
    for sent in batch.records:
        record = sent.record
        lines.append(record_line(record.header_bytes, record.body_bytes, record.link))
        if sent.box is not None:
            lines.append(box_line(sent.box))
        heads_after(record.header.seq)
    return write_batch(
        sidecar=batch.sidecar,
        tenant=batch.tenant,
        chain=batch.chain,
        after=batch.after,
        gap=batch.gap,
        keys=(),
        lines=lines,
    )
