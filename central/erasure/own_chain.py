"""Central's own chains, one for each tenant: written like a sidecar's, by an identity of its own, into the ledger.

Each deed is a life of its own: `start`, what was done, `close` and a head, in the transaction that does it. So the
ledger never has one without the other. The copy in the state folder comes after; see `central.erasure.copying`.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection, select

from central.ledger.ledger import Ledger
from central.registry import Sidecar
from central.store import tables
from evidence.batch import read_batch, write_batch
from evidence.chain import Position
from evidence.clock import Clock
from evidence.keys import signing_key
from evidence.record import Entry, Kind, Record, read_record
from evidence.scribe import Scribe
from evidence.sealing import Recipient, Sealer
from evidence.signing import Certificate, public_text

KEY_NAME: Final = "evidence"
"""The identity is STATE/keys/evidence.key; `agentgate verify --key` takes evidence.pub beside it."""


class OwnChain:
    """The pen of central. `id` is what its chains have in the place of a sidecar's name."""

    def __init__(self, ledger: Ledger, state: Path, clock: Clock) -> None:
        """Makes the identity where there is none. Raises KeyProblem."""
        self._ledger, self._clock = ledger, clock
        self._identity = signing_key(state, KEY_NAME)
        self.public = self._identity.public_key().public_bytes_raw()
        self.id = f"central-{hashlib.sha256(self.public).hexdigest()[:16]}"

    def registered(self, tenant: str) -> Sidecar:
        """Central as the ledger has to know it."""
        return Sidecar(self.id, tenant, self.public)

    def write(self, connection: Connection, tenant: str, entries: Iterable[Entry]) -> list[Record]:
        """Add these to the tenant's chain as part of a transaction; gives them as records, in their order."""
        chain, after = self._standing(connection, tenant)
        incarnation, key = secrets.token_hex(16), Ed25519PrivateKey.generate()
        scribe = Scribe(
            sidecar=self.id, tenant=tenant, incarnation=incarnation, key=key, sealer=_no_secrets(tenant), position=after
        )
        start = Entry(Kind.START, self._start_body(tenant, incarnation, key))
        close = Entry(Kind.CLOSE, {"reason": "stopped"})
        lines = [scribe.write(entry, self._clock.now()) for entry in (start, *entries, close)]
        records = [read_record(line[:-1]) for line in lines]
        lines.append(scribe.head(scribe.position, self._clock.now()))
        data = write_batch(
            sidecar=self.id,
            tenant=tenant,
            chain=chain or records[0].link,
            after=after,
            gap=False,
            keys=(),
            lines=lines,
        )
        self._ledger.append_within(connection, read_batch(data), self.registered(tenant))
        return records[1:-1]

    def _standing(self, connection: Connection, tenant: str) -> tuple[str | None, Position]:
        table = tables.chains
        query = select(table.c.chain, table.c.seq, table.c.link).where(
            table.c.tenant == tenant, table.c.sidecar == self.id
        )
        row = connection.execute(query.order_by(table.c.no.desc()).limit(1)).one_or_none()
        return (None, Position()) if row is None else (row.chain.hex(), Position(row.seq, row.link.hex()))

    def _start_body(self, tenant: str, incarnation: str, key: Ed25519PrivateKey) -> dict[str, Any]:
        not_before = self._clock.now().rfc3339()
        certificate = Certificate(self.id, incarnation, public_text(key), tenant, not_before)
        signature = self._identity.sign(certificate.statement())
        return {
            "identity": public_text(self._identity),
            "incarnation_key": certificate.public_key,
            "certificate": {"not_before": not_before, "signature": base64.b64encode(signature).decode()},
            "isolation": "host",
            "last_receipt": None,
            "repaired_bytes": 0,
            "abandoned": [],
        }


def _no_secrets(tenant: str) -> Sealer:
    """What central writes of its own has nothing sealed: the key of this one is kept by nobody."""
    nobody = Recipient(X25519PrivateKey.generate().public_key())
    return Sealer(tenant, nobody, lambda _kind, text: text, secrets.token_bytes, 1)
