"""What a `start` says: whose chain it is, and with which certified key its incarnation signs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evidence.record import Record
from evidence.signing import Certificate, check, exact_base64, read_public


@dataclass(frozen=True, slots=True)
class Start:
    """The body of a `start` whose certificate holds. `identity` is as it is written, the keys are raw."""

    identity: str
    identity_key: bytes
    incarnation_key: bytes
    isolation: str
    repaired_bytes: int
    abandoned: tuple[str, ...]


def read_start(record: Record) -> Start:
    """Read a `start`. Raises ValueError unless its identity certifies the key of its incarnation."""
    header, body = record.header, record.body
    identity, key, certified = text(body, "identity"), text(body, "incarnation_key"), member(body, "certificate")
    identity_key, incarnation_key = read_public(identity), read_public(key)
    certificate = Certificate(header.sidecar, header.incarnation, key, header.tenant, text(certified, "not_before"))
    check(identity_key, exact_base64(text(certified, "signature")), certificate.statement())
    abandoned = body.get("abandoned")
    return Start(
        identity,
        identity_key,
        incarnation_key,
        str(body.get("isolation")),
        count(body.get("repaired_bytes")),
        tuple(map(str, abandoned)) if isinstance(abandoned, list) else (),
    )


def member(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object that is called so. Raises ValueError."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"`{name}` is missing")  # noqa: TRY004 - what is read is wrong, not how it is read
    return value


def text(body: Mapping[str, Any], name: str) -> str:
    """The text that is called so. Raises ValueError."""
    value = body.get(name)
    if not isinstance(value, str):
        raise ValueError(f"`{name}` is missing")  # noqa: TRY004 - what is read is wrong, not how it is read
    return value


def count(value: object) -> int:
    """`value` if it is a positive integer, else 0."""
    return value if type(value) is int and value > 0 else 0
