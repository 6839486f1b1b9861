"""Checkpoints of a transparency log (c2sp.org/tlog-checkpoint), and cosignatures (c2sp.org/tlog-cosignature). Pure.

A checkpoint is a note: origin, number of leaves, and root hash in base64, a line each, signed by the log's own key
under the name of the origin. Witnesses add their lines. Here whatever is off is refused, a line by a known key above
all; lines by keys that nobody here knows say nothing, as the format demands.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.merkle import EMPTY_ROOT, HASH_BYTES
from evidence.note import COSIGNATURE, ED25519, Note, Signature, VerifierKey, read_note
from evidence.signing import BadSignature, check, exact_base64

_MOST_LEAVES: Final = (1 << 63) - 1
_LAST_SECOND: Final = (1 << 63) - 1
_TIME_BYTES: Final = 8
_SIGNATURE_BYTES: Final = 64


class NotWitnessed(BadSignature):
    """A checkpoint that its log has signed, and too few of the witnesses."""

    def __init__(self, needed: int, found: int) -> None:
        super().__init__(f"{needed} cosignatures are needed, and the checkpoint has {found}")
        self.needed = needed
        self.found = found


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: the first `size` leaves have this root."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The text of the note, its last LF included."""
        root = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), root, *self.extensions))


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's word that at `unix_seconds` it had seen the log grow to the checkpoint, and to no larger tree."""

    witness: str
    unix_seconds: int


@dataclass(frozen=True, slots=True)
class Quorum:
    """How many of which witnesses must have cosigned. Raises ValueError for a number or keys that make no sense."""

    needed: int
    witnesses: tuple[VerifierKey, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.needed <= len(self.witnesses):
            raise ValueError(f"{self.needed} of {len(self.witnesses)} witnesses cannot cosign")
        if any(witness.kind != COSIGNATURE for witness in self.witnesses):
            raise ValueError("a witness has a key for cosignatures (type 0x04)")
        publics = {witness.public for witness in self.witnesses}
        if len(publics) != len(self.witnesses):
            raise ValueError("one key stands for two witnesses")


NOBODY: Final = Quorum(0, ())
"""No witness is known, and none is needed."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A checkpoint whose signatures hold, with those of the known witnesses."""

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]


def open_checkpoint(note: str, log: VerifierKey, quorum: Quorum = NOBODY) -> Opened:
    """The checkpoint in a note of this log. Raises BadSignature, NotWitnessed where only cosignatures are missing."""
    return open_checkpoint_by(note, (log,), quorum)


def open_checkpoint_by(note: str, keys: Sequence[VerifierKey], quorum: Quorum = NOBODY) -> Opened:
    """The checkpoint in a note of a log that has several keys, one of which has signed at least, and none wrongly.

    Raises BadSignature, NotWitnessed where only cosignatures are missing.
    """
    read = read_note(note)
    checkpoint = read_checkpoint(read.text)
    for log in keys:
        if checkpoint.origin != log.name:
            raise BadSignature(f"the checkpoint is of the log {checkpoint.origin}, not of {log.name}")
        if log.kind != ED25519:
            raise BadSignature("a log signs with a key of type 0x01")
    found = [(log, line) for log in keys if (line := _the_one(read, log)) is not None]
    if not found:
        raise BadSignature(f"the log {checkpoint.origin} has not signed the checkpoint with this key")
    for log, signature in found:
        check(log.public, signature.signed, read.text.encode())
    cosignatures = check_cosignatures(read, quorum.witnesses)
    if len(cosignatures) < quorum.needed:
        raise NotWitnessed(quorum.needed, len(cosignatures))
    return Opened(checkpoint, cosignatures)


def check_cosignatures(note: Note, witnesses: Sequence[VerifierKey]) -> tuple[Cosignature, ...]:
    """The cosignatures of these witnesses, in their order. Raises BadSignature if one that is there does not hold."""
    found = [(witness, _the_one(note, witness)) for witness in witnesses]
    return tuple(_cosignature(note.text, witness, line) for witness, line in found if line is not None)


def read_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint's note. Raises BadSignature for any other text."""
    *lines, rest = text.split("\n")
    if rest or len(lines) < 3 or not all(lines):
        raise BadSignature("a checkpoint has three lines or more, and none is empty")
    if not lines[1].isascii() or not lines[1].isdecimal() or len(lines[1]) > len(str(_MOST_LEAVES)):
        raise BadSignature("the second line of a checkpoint is the number of leaves")
    try:
        root = exact_base64(lines[2])
    except ValueError as error:
        raise BadSignature(f"the root of the checkpoint is {error}") from error
    checkpoint = Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]))
    if checkpoint.text() != text or checkpoint.size > _MOST_LEAVES or len(root) != HASH_BYTES:
        raise BadSignature("the checkpoint is not in the form that is written")
    if not checkpoint.size and root != EMPTY_ROOT:
        raise BadSignature("the checkpoint gives an empty tree another root than that of nothing")
    return checkpoint


def cosign(text: str, name: str, key: Ed25519PrivateKey, unix_seconds: int) -> Signature:
    """A witness's signature under the text of a checkpoint."""
    verifier = VerifierKey(name, COSIGNATURE, key.public_key().public_bytes_raw())
    return cosignature(verifier, unix_seconds, key.sign(cosigned(text, unix_seconds)))


def cosignature(witness: VerifierKey, unix_seconds: int, signed: bytes) -> Signature:
    """The line of a witness that has signed what `cosigned` gives."""
    return witness.signature(unix_seconds.to_bytes(_TIME_BYTES) + signed)


def _cosignature(text: str, witness: VerifierKey, line: Signature) -> Cosignature:
    unix_seconds = int.from_bytes(line.signed[:_TIME_BYTES])
    if len(line.signed) != _TIME_BYTES + _SIGNATURE_BYTES or unix_seconds > _LAST_SECOND:
        raise BadSignature(f"the cosignature of {witness.name} is not in its form")
    try:
        check(witness.public, line.signed[_TIME_BYTES:], cosigned(text, unix_seconds))
    except BadSignature as error:
        raise BadSignature(f"the cosignature of {witness.name} does not hold") from error
    return Cosignature(witness.name, unix_seconds)


def cosigned(text: str, unix_seconds: int) -> bytes:
    """What a witness signs under the text of a checkpoint."""
    return f"cosignature/v1\ntime {unix_seconds}\n{text}".encode()


def _the_one(note: Note, key: VerifierKey) -> Signature | None:
    lines = [signature for signature in note.signatures if key.made(signature)]
    if len(lines) > 1:
        raise BadSignature(f"{key.name} has signed twice with one key")
    return lines[0] if lines else None
