"""Signatures of a chain: the identity that vouches for an incarnation, and the incarnation's signed heads.

A head is a C2SP signed note (c2sp.org/signed-note), Ed25519, signed by `agentgate/<incarnation>`.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import json

from evidence.canonical import canonical
from evidence.chain import Position
from evidence.record import is_digest

_CERTIFICATE_TAG: Final = b"agentgate/incarnation/v1\x00"
_HEAD: Final = "agentgate/head/v1"
ED25519_KEY: Final = 0x01
"""The kind of key that signs the text of a note itself (in a key id, and in a verifier key)."""

KEY_ID_BYTES: Final = 4

_BYTES: Final = json.Decoder(bytes)
_ENCODER: Final = json.Encoder()
_DASH: Final = "\N{EM DASH} "


class BadSignature(ValueError):
    """A signature or certificate that does not hold, or a note in no known form."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """An identity's word for an incarnation: this public key (32 bytes, base64) writes for this sidecar and tenant."""

    sidecar: str
    incarnation: str
    public_key: str
    tenant: str
    not_before: str

    def statement(self) -> bytes:
        """The bytes that the identity signs."""
        return _CERTIFICATE_TAG + canonical(
            {
                "sidecar": self.sidecar,
                "incarnation": self.incarnation,
                "public_key": self.public_key,
                "tenant": self.tenant,
                "not_before": self.not_before,
            }
        )


@dataclass(frozen=True, slots=True)
class Head:
    """The signed statement that a chain stood at `position`; `at` is RFC 3339."""

    incarnation: str
    position: Position
    at: str

    def text(self) -> str:
        """The text of the note, its last LF included."""
        return f"{_HEAD}\n{self.incarnation}\n{self.position.seq}\n{self.position.link}\n{self.at}\n"


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half: raw 32 bytes, base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def read_public(text: str) -> bytes:
    """The raw 32 bytes of a public key in base64. Raises ValueError."""
    raw = exact_base64(text)
    if len(raw) != 32:
        raise ValueError("a public key has 32 bytes")
    return raw


def exact_base64(text: str | bytes) -> bytes:
    """Decode base64 that has exactly one spelling: padded, and no stray bits. Raises ValueError."""
    quoted = b'"%b"' % (text.encode() if isinstance(text, str) else text)
    try:
        # As a JSON string, which msgspec reads and writes three times as fast as base64 does.
        raw = _BYTES.decode(quoted)
    except ValueError as error:
        raise ValueError(f"not base64: {error}") from error
    # What can still be otherwise: escapes of JSON, which are longer, and bits that the last character has too many.
    over = len(raw) % 3
    if len(quoted) - 2 != (len(raw) + 2) // 3 * 4 or (over and _ENCODER.encode(raw[-over:]) != b'"' + quoted[-5:]):
        raise ValueError("not the one base64 spelling of its bytes")
    return raw


def check(public: bytes, signature: bytes, statement: bytes) -> None:
    """Raises BadSignature unless the holder of `public` (raw Ed25519) signed `statement`."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, statement)
    except (InvalidSignature, ValueError) as error:
        raise BadSignature("the signature does not hold") from error


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """The note with one signature; `text` ends in LF and holds no empty last line, `name` neither blank nor plus."""
    signature = key_id(name, ED25519_KEY, key.public_key().public_bytes_raw()) + key.sign(text.encode())
    return f"{text}\n{_DASH}{name} {base64.b64encode(signature).decode()}\n"


def open_note(note: str, name: str, public: bytes) -> str:
    """The text of a note that carries exactly one signature, by `name` with `public`. Raises BadSignature."""
    text, _, line = note.rpartition("\n\n")
    prefix = f"{_DASH}{name} "
    if not line.startswith(prefix) or not line.endswith("\n"):
        raise BadSignature(f"not a note signed by {name}")
    try:
        blob = exact_base64(line[len(prefix) : -1])
    except ValueError as error:
        raise BadSignature(f"the note's signature is {error}") from error
    if blob[:KEY_ID_BYTES] != key_id(name, ED25519_KEY, public):
        raise BadSignature("the note names another key")
    check(public, blob[KEY_ID_BYTES:], f"{text}\n".encode())
    return f"{text}\n"


def signer_name(incarnation: str) -> str:
    """The key name under which an incarnation signs its heads."""
    return f"agentgate/{incarnation}"


def read_head(text: str) -> Head:
    """Read the text of a head's note. Raises BadSignature for any other text."""
    lines = text.split("\n")
    if len(lines) != 6 or lines[0] != _HEAD or lines[5] or not lines[2].isdecimal() or not is_digest(lines[3]):
        raise BadSignature("the note is not a head")
    head = Head(lines[1], Position(int(lines[2]), lines[3]), lines[4])
    if head.text() != text:
        raise BadSignature("the head is not in the form that is written")
    return head


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The first four bytes of SHA-256 over name, LF, kind and key: an identifier, and no proof of anything."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:KEY_ID_BYTES]
