"""Signatures of a chain: the identity that vouches for an incarnation, and the incarnation's signed heads.

A head is a C2SP signed note (c2sp.org/signed-note), Ed25519, signed by `agentgate/<incarnation>`.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import json

from evidence.canonical import canonical
from evidence.chain import Position
from evidence.record import is_digest

_CERTIFICATE_TAG: Final = b"agentgate/incarnation/v1\x00"
_HEAD: Final = "agentgate/head/v1"
_ED25519: Final = b"\x01"
"""The signature type of Ed25519 in a note's key id."""

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
    if _ENCODER.encode(raw) != quoted:
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
    signature = _key_id(name, key.public_key().public_bytes_raw()) + key.sign(text.encode())
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
    if blob[:4] != _key_id(name, public):
        raise BadSignature("the note names another key")
    check(public, blob[4:], f"{text}\n".encode())
    return f"{text}\n"


class Verifier(NamedTuple):
    """Whose notes count: the name of the key, and its raw public half (Ed25519)."""

    name: str
    public: bytes


def read_verifier(text: str) -> Verifier:
    """A verifier key as C2SP has it, `<name>+<key id, 8 hex digits>+<base64 of type and key>`. Raises ValueError."""
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    raw = exact_base64(encoded)
    if not name or any(letter.isspace() for letter in name) or raw[:1] != _ED25519 or len(raw) != 33:
        raise ValueError("not the verifier key of an Ed25519 signer")
    if key_id != _key_id(name, raw[1:]).hex():
        raise ValueError("the key id is not that of this name and key")
    return Verifier(name, raw[1:])


def verifier_text(verifier: Verifier) -> str:
    """The verifier key as it is handed out; what `read_verifier` takes."""
    encoded = base64.b64encode(_ED25519 + verifier.public).decode()
    return f"{verifier.name}+{_key_id(verifier.name, verifier.public).hex()}+{encoded}"


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


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]
