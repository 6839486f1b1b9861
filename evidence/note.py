"""Signed notes that several keys have signed (c2sp.org/signed-note), and the verifier keys that they are held to. Pure.

A note is a text, an empty line, and signature lines: em dash, space, key name, space, base64 of key id and signature.
Who signs what with which kind of key is up to the format of the text; evidence/signing.py has notes of one signature.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from evidence.signing import ED25519_KEY, KEY_ID_BYTES, BadSignature, exact_base64, key_id

ED25519: Final = ED25519_KEY
"""The kind of key that signs the text of a note itself."""

COSIGNATURE: Final = 0x04
"""The kind of key with which a witness cosigns a checkpoint, Ed25519 with a timestamp (c2sp.org/tlog-cosignature)."""

_KINDS: Final = frozenset({ED25519, COSIGNATURE})
_PUBLIC_BYTES: Final = 32
_MOST_BYTES: Final = 1 << 18
"""Of a whole note. Sixteen signatures have to find room, and those of post-quantum keys have 5 kB."""

_DASH: Final = "\N{EM DASH} "


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key (raw Ed25519) under a name, for one kind of signature."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """An identifier, and no proof of anything."""
        return key_id(self.name, self.kind, self.public)

    def text(self) -> str:
        """The verifier key as it is handed out: name, key id in hex, and base64 of kind and key, joined by plus."""
        encoded = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{encoded}"

    def signature(self, signed: bytes) -> "Signature":
        """A signature that this key has made."""
        return Signature(self.name, self.id, signed)

    def made(self, signature: "Signature") -> bool:
        """Whether a signature says that it is by this key; whether it is, is not looked at."""
        return signature.name == self.name and signature.key_id == self.id


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of a note, not checked: who is said to have signed, and what follows the key id."""

    name: str
    key_id: bytes
    signed: bytes

    def line(self) -> str:
        """The line of the note, its LF included."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signed).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note as it was read, no signature checked; the text ends in LF."""

    text: str
    signatures: tuple[Signature, ...]


def read_verifier_key(text: str) -> VerifierKey:
    """Read a verifier key of a kind that is known here. Raises ValueError, which says what is wrong with it."""
    name, _, rest = text.partition("+")
    raw = exact_base64(rest.partition("+")[2])
    if not _is_name(name):
        raise ValueError("a verifier key begins with a name that has neither a blank nor a plus")
    if not raw or raw[0] not in _KINDS or len(raw) != 1 + _PUBLIC_BYTES:
        raise ValueError("the verifier key is neither Ed25519 (type 0x01) nor a witness's Ed25519 (type 0x04)")
    key = VerifierKey(name, raw[0], raw[1:])
    if key.text() != text:
        raise ValueError(f"the key id is not that of this name and key, which is {key.id.hex()}")
    return key


def write_note(text: str, signatures: Iterable[Signature]) -> str:
    """The note; `text` ends in LF."""
    return f"{text}\n{''.join(signature.line() for signature in signatures)}"


def read_note(note: str) -> Note:
    """Read a note, and check nothing but its form. Raises BadSignature."""
    try:
        length = len(note.encode())
    except UnicodeEncodeError as error:
        raise BadSignature("the note is not UTF-8") from error
    if length > _MOST_BYTES:
        raise BadSignature(f"the note has more than {_MOST_BYTES} bytes")
    if any(letter < " " and letter != "\n" for letter in note):
        raise BadSignature("the note holds a control character")
    text, blank, lines = note.rpartition("\n\n")
    if not blank:
        raise BadSignature("the note has no empty line before its signatures")
    return Note(f"{text}\n", read_signatures(lines))


def read_signatures(lines: str) -> tuple[Signature, ...]:
    """The signatures of one line or more, each with its LF. Raises BadSignature."""
    *whole, rest = lines.split("\n")
    if rest or not whole:
        raise BadSignature("the last signature line has no end")
    return tuple(_read_line(line) for line in whole)


def _read_line(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not _is_name(name):
        raise BadSignature("a line after the empty line is not a signature")
    try:
        raw = exact_base64(encoded)
    except ValueError as error:
        raise BadSignature(f"the signature of {name} is {error}") from error
    if len(raw) <= KEY_ID_BYTES:
        raise BadSignature(f"the signature of {name} is too short")
    return Signature(name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(letter.isspace() or letter < " " for letter in name)
