"""Writes entries as the lines of a chain: seals, hashes, links and signs. No input or output; time is an argument."""

from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.chain import Position
from evidence.clock import Instant
from evidence.line import box_line, note_line
from evidence.record import (
    OUTCOMES,
    Entry,
    Header,
    Kind,
    body_hash,
    encode_body,
    encode_header,
    link_of,
    record_line,
)
from evidence.sealing import Sealer
from evidence.signing import Head, sign_note, signer_name

_DAY_NS: Final = 86_400 * 1_000_000_000
_OURS: Final = frozenset({"commitments", "sealed"})


class Scribe:
    """One incarnation's pen. `position` is where the chain stands after the last line that was made."""

    def __init__(
        self, *, sidecar: str, tenant: str, incarnation: str, key: Ed25519PrivateKey, sealer: Sealer, position: Position
    ) -> None:
        self._sidecar = sidecar
        self._tenant = tenant
        self._incarnation = incarnation
        self._key = key
        self._sealer = sealer
        self.position = position

    def write(self, entry: Entry, instant: Instant, *, plain: bool = True) -> bytes:
        """The lines of `entry` as the next record; with `plain` false its box keeps salts only.

        Raises ValueError for a body without canonical form, with a member that is ours, or an unknown outcome.
        """
        _check_body(entry)
        members, box = self._seal(entry, instant, plain=plain)
        body = encode_body({**entry.body, **members})
        header = encode_header(
            Header(
                kind=entry.kind,
                sidecar=self._sidecar,
                incarnation=self._incarnation,
                seq=self.position.seq + 1,
                prev=self.position.link,
                at=instant.rfc3339(),
                boot=instant.boot_us,
                call=entry.call,
                tenant=self._tenant,
                body_hash=body_hash(body),
            )
        )
        self.position = Position(self.position.seq + 1, link_of(header))
        return record_line(header, body, self.position.link) + box

    def head(self, position: Position, instant: Instant) -> bytes:
        """The line of a signed head over `position`."""
        head = Head(self._incarnation, position, instant.rfc3339())
        return note_line(sign_note(head.text(), signer_name(self._incarnation), self._key))

    def _seal(self, entry: Entry, instant: Instant, *, plain: bool) -> tuple[Mapping[str, Any], bytes]:
        if not entry.secrets:
            return {}, b""
        redacted = entry.redacted if plain else {}
        sealed = self._sealer.seal(
            entry.secrets,
            entry.unit,
            retention=entry.retention,
            day=instant.unix_ns // _DAY_NS,
            plain=plain and entry.plain,
            redacted=redacted,
        )
        return sealed.members, box_line(sealed.box)


def _check_body(entry: Entry) -> None:
    if not _OURS.isdisjoint(entry.body):
        raise ValueError(f"a body must not have the members {sorted(_OURS)}")
    if entry.kind is Kind.OUTCOME and entry.body.get("outcome") not in OUTCOMES:
        raise ValueError(f"no outcome: {entry.body.get('outcome')!r}")
