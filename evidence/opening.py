"""Begins a new incarnation on a claimed chain: its key, its certificate, its `start`, and the end of what was open."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.claiming import Claim, Owner, claim
from evidence.clock import Clock
from evidence.keys import Keys
from evidence.random_pool import RandomPool
from evidence.record import Entry, Kind
from evidence.room import Limits
from evidence.scribe import Scribe
from evidence.sealing import Recipient, Sealer
from evidence.signing import Certificate, public_text
from evidence.spool import Spool
from evidence.version import own_version
from evidence.writing import Writer

_FOUND_OPEN: Final = {"outcome": "unknown", "delivery": "nothing", "effect": "unknown", "reason": "found_open"}


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes: the sidecar for one tenant, with its keys, clock and limits, and what its `start` says besides."""

    sidecar: str
    tenant: str
    keys: Keys
    isolation: str
    clock: Clock
    limits: Limits
    start: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Opened:
    """A chain that a new incarnation has started on."""

    incarnation: str
    spool: Spool
    writer: Writer


def begin(folder: Path, author: Author) -> Opened:
    """Claim a chain, declare what was repaired, end what was found open; also on chains that others left open.

    Blocks on the disk. Raises OSError.
    """
    claims = claim(folder, Owner(author.sidecar, author.tenant, public_text(author.keys.identity)))
    for orphan in claims.orphans:
        _adopt(orphan, author)
    return _start(claims.mine, author, claims.abandoned)


def _adopt(orphan: Claim, author: Author) -> None:
    opened = _start(orphan, author, ())
    opened.writer.store([opened.writer.draft(Entry(Kind.CLOSE, {"reason": "recovered"}))])
    opened.writer.store_head(opened.writer.written)
    opened.spool.close()


def _start(claimed: Claim, author: Author, abandoned: tuple[str, ...]) -> Opened:
    incarnation, key = secrets.token_hex(16), Ed25519PrivateKey.generate()
    spool = Spool(claimed.chain, claimed.lock, claimed.segment, author.limits.reserve_bytes)
    sealer = Sealer(
        author.tenant,
        Recipient(author.keys.tenants[author.tenant]),
        lambda kind, text: author.keys.pseudonym_of(author.tenant, kind, text),
        RandomPool(),
        author.limits.units,
    )
    scribe = Scribe(
        sidecar=author.sidecar,
        tenant=author.tenant,
        incarnation=incarnation,
        key=key,
        sealer=sealer,
        position=claimed.position,
    )
    writer = Writer(spool, scribe, sealer, author.clock, claimed.open_calls)
    body = {**start_body(author, incarnation, key), "repaired_bytes": claimed.repaired_bytes, "abandoned": abandoned}
    unknown = [Entry(Kind.OUTCOME, _FOUND_OPEN, call=call) for call in claimed.open_calls]
    writer.store([writer.draft(entry) for entry in (Entry(Kind.START, body), *unknown)])
    return Opened(incarnation, spool, writer)


def start_body(author: Author, incarnation: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    """What `start` says of who writes from here on, and the identity's certificate for it."""
    not_before = author.clock.now().rfc3339()
    certificate = Certificate(author.sidecar, incarnation, public_text(key), author.tenant, not_before)
    signature = author.keys.identity.sign(certificate.statement())
    return {
        "agentgate": own_version(),
        **author.start,
        "identity": public_text(author.keys.identity),
        "incarnation_key": certificate.public_key,
        "certificate": {"not_before": not_before, "signature": base64.b64encode(signature).decode()},
        "isolation": author.isolation,
        "last_receipt": None,
    }
