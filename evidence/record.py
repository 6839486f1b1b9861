"""One record of the chain: what a caller of the journal hands in, and the bytes that stand in the file.

A record is one line: `record`, the header, the body and the link, separated by TAB. Header and body are canonical
JSON; the header holds the body's hash, the link is the header's hash and the next header's `prev`.
"""

import hashlib
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field, json

from evidence.canonical import EXACT, canonical, read

GENESIS: Final = "0" * 64
"""`prev` of the first record of a chain: 32 zero bytes."""

_HEADER_TAG: Final = b"agentgate/header/v1\x00"
_BODY_TAG: Final = b"agentgate/body/v1\x00"
_RECORD: Final = b"record"
_DIGEST: Final = re.compile("[0-9a-f]{64}")
_TWO_DIGESTS: Final = re.compile("[0-9a-f]{128}")

Exact = Annotated[int, Meta(ge=-EXACT, le=EXACT)]
"""An integer that a double holds."""

Durability = Literal["process", "host", "acknowledged"]
"""What an intent survives before the call goes on: this process's end, the host's, the sidecar's own loss."""


class Kind(StrEnum):
    """What a record tells."""

    START = "start"
    INTENT = "intent"
    OUTCOME = "outcome"
    REFUSAL = "refusal"
    APPROVAL = "approval"
    ORDER = "order"
    NOTICE = "notice"
    HEARTBEAT = "heartbeat"
    LATE = "late"
    CLOSE = "close"
    TOMBSTONE = "tombstone"
    HOLD = "hold"
    ABANDONMENT = "abandonment"
    LOSS = "loss"


OUTCOMES: Final = frozenset({"completed", "failed", "not_sent", "cancelled", "killed", "unknown"})
"""What `outcome` in the body of an outcome record can be."""


class Entry(Struct, frozen=True):
    """What the journal is asked to record.

    `body` is free of secrets: it is stored in the clear. `secrets` maps a name to the bytes that only a commitment
    and a sealed box may hold; with `plain` false the box keeps the salts alone, so that the text is nowhere,
    or what `redacted` has for that name: it says what stood there, and is not what was committed to.
    `unit` is the erasure unit (a subject or a session) whose data key seals the box, and `retention` the class by
    which that is kept: each class of a unit has a key of its own. The body of an outcome has the member `outcome`, one
    of OUTCOMES; beside it stand `delivery`, `effect` and `reason`.
    """

    kind: Kind
    body: Mapping[str, Any]
    call: str | None = None
    secrets: Mapping[str, bytes] = field(default_factory=dict)
    plain: bool = True
    redacted: Mapping[str, bytes] = field(default_factory=dict)
    unit: str = ""
    retention: str = ""
    durability: Durability = "process"


class Header(Struct, frozen=True, forbid_unknown_fields=True):
    """The part of a record that the chain is made of. `at` is RFC 3339 UTC, `boot` microseconds since boot.

    The fields are sorted: a header is encoded in canonical form as it stands here.
    """

    at: str
    body_hash: str
    boot: Exact
    call: str | None
    incarnation: str
    kind: Kind
    prev: str
    seq: Exact
    sidecar: str
    tenant: str
    v: Literal[1] = 1


_ENCODER: Final = json.Encoder()
_HEADERS: Final = json.Decoder(Header)


class Record(Struct, frozen=True):
    """A record that was read: its parts as values, its bytes as they stand in the file.

    `box` is the hash of the sealed box on the line after it, None where the record has no box.
    """

    header: Header
    body: Mapping[str, Any]
    link: str
    header_bytes: bytes
    body_bytes: bytes
    box: str | None


class BadLine(ValueError):
    """A line that is none of ours, or contradicts itself; the text says how."""


def body_hash(body: bytes) -> str:
    """SHA-256 over the domain tag and the exact bytes of the body, in hex."""
    return hashlib.sha256(_BODY_TAG + body).hexdigest()


def link_of(header: bytes) -> str:
    """SHA-256 over the domain tag and the exact bytes of the header, in hex: what the next record calls `prev`."""
    return hashlib.sha256(_HEADER_TAG + header).hexdigest()


def encode_header(header: Header) -> bytes:
    """The canonical bytes of a header."""
    # Its keys are ASCII and sorted, its numbers small: nothing else has to be looked at.
    return _ENCODER.encode(header)


def record_line(header: bytes, body: bytes, link: str) -> bytes:
    """The line of a record, its LF included."""
    return b"record\t%b\t%b\t%b\n" % (header, body, link.encode())


def read_record(line: bytes) -> Record:
    """Read a line (without its LF). Raises BadLine unless form, body hash and link agree with the bytes."""
    parts = line.split(b"\t")
    if len(parts) != 4 or parts[0] != _RECORD:
        raise BadLine("not a record line")
    header, link = _read_linked(parts[1]), link_of(parts[1])
    if body_hash(parts[2]) != header.body_hash:
        raise BadLine("the body does not have the hash that its header names")
    if link.encode() != parts[3]:
        raise BadLine("the link is not the hash of the header")
    try:
        body = read(parts[2])
    except ValueError as error:
        raise BadLine(f"the body is not canonical JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadLine("the body is no object")
    return Record(header, body, link, parts[1], parts[2], _box_of(body) if "sealed" in body else None)


def _box_of(body: Mapping[str, Any]) -> str:
    sealed = body["sealed"]
    if isinstance(sealed, dict) and len(sealed) == 2:
        key, box = sealed.get("key"), sealed.get("hash")
        if type(key) is str and type(box) is str and len(key) == 64 and _TWO_DIGESTS.fullmatch(key + box):
            return box
    raise BadLine("`sealed` does not name a key and the hash of a box")


def read_header(data: bytes) -> Header:
    """Read the bytes of a header. Raises BadLine for anything that this version does not write."""
    header = _read_linked(data)
    if _DIGEST.fullmatch(header.body_hash) is None:
        raise BadLine("a hash in the header is no digest")
    return header


def _read_linked(data: bytes) -> Header:
    """A header whose `body_hash` can still be any text: who has the body sees it."""
    try:
        header = _HEADERS.decode(data)
    except ValueError as error:
        raise BadLine(f"the header is not one of ours: {error}") from error
    if _ENCODER.encode(header) != data:
        raise BadLine("the header is not canonical JSON")
    if _DIGEST.fullmatch(header.prev) is None:
        raise BadLine("a hash in the header is no digest")
    return header


def is_digest(value: object) -> bool:
    """Whether `value` is 64 lower-case hex digits."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def encode_body(body: Mapping[str, Any]) -> bytes:
    """The canonical bytes of a body. Raises ValueError for values without a canonical form."""
    return canonical(body)
