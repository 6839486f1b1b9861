"""Who signs: one protocol for a key in a file, and for those that come later (KMS, transit engines, PKCS#11).

A signer gives a signature that holds, or raises SigningFailed. There is no third answer: whoever needs a signature
stops where there is none, and tells the text of the exception, which has what, where, and what to do.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.key_files import KeyFile, Protection, read_key_file, write_key_file
from evidence.keys import KeyProblem
from evidence.note import COSIGNATURE, ED25519, VerifierKey
from evidence.signing import BadSignature, check

SECONDS: Final = 10.0
"""How long one signature may take. A transit engine answers in milliseconds, or something is wrong."""


class Purpose(StrEnum):
    """What a key may sign; the value names its folder."""

    RECEIPTS = "receipts"
    LOG = "log"
    WITNESS = "witness"

    @property
    def kind(self) -> int:
        """The kind of key in C2SP's key ids."""
        return COSIGNATURE if self is Purpose.WITNESS else ED25519


class SigningFailed(Exception):
    """There is no signature: what failed, where, and what to do."""


class Signer(Protocol):
    """Holds one Ed25519 key, or reaches it."""

    @property
    def name(self) -> str:
        """The key name in notes."""
        ...

    @property
    def key_id(self) -> bytes:
        """The four bytes before each of its signatures in a note."""
        ...

    @property
    def public(self) -> bytes:
        """The raw public key, 32 bytes."""
        ...

    @property
    def purpose(self) -> Purpose:
        """What it may sign."""
        ...

    async def sign(self, statement: bytes) -> bytes:
        """The signature, 64 bytes. Raises SigningFailed."""
        ...


def verifier_of(signer: Signer) -> VerifierKey:
    """What others hold the signatures of a signer to."""
    return VerifierKey(signer.name, signer.purpose.kind, signer.public)


@dataclass(frozen=True, slots=True)
class Ed25519FileSigner:
    """A key that was read from an encrypted file (evidence/key_files.py) and is held in this process."""

    name: str
    purpose: Purpose
    _private: Ed25519PrivateKey

    @classmethod
    def make(cls, path: Path, name: str, purpose: Purpose, private: Ed25519PrivateKey, protection: Protection) -> Self:
        """Put a key into a new file. Raises FileExistsError, OSError."""
        write_key_file(path, KeyFile(name, purpose, private), protection)
        return cls(name, purpose, private)

    @classmethod
    def open(cls, path: Path, name: str, purpose: Purpose, protection: Protection) -> Self:
        """The key of this name and purpose in a file. Raises KeyProblem."""
        found = read_key_file(path, protection)
        if (found.name, found.purpose) != (name, purpose):
            raise KeyProblem(
                f"{path}: is the key of {found.name} for {found.purpose}, not of {name} for {purpose}: restore the file"
            )
        return cls(name, purpose, found.private)

    @property
    def public(self) -> bytes:
        """The raw public key."""
        return self._private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        """As C2SP makes it of name, kind and key."""
        return verifier_of(self).id

    async def sign(self, statement: bytes) -> bytes:
        """In this process, and at once."""
        return self._private.sign(statement)


class Guarded:
    """A signer that is held to its word: within a limit of time, and by a signature that holds for its public key."""

    def __init__(self, signer: Signer, seconds: float = SECONDS) -> None:
        self._signer, self._seconds = signer, seconds
        self.name, self.key_id, self.public, self.purpose = signer.name, signer.key_id, signer.public, signer.purpose

    async def sign(self, statement: bytes) -> bytes:
        """Raises SigningFailed, and nothing else of the signer's."""
        try:
            async with asyncio.timeout(self._seconds):
                signature = await self._signer.sign(statement)
            check(self.public, signature, statement)
        except SigningFailed:
            raise
        except TimeoutError as error:
            raise self._failed(f"has not signed within {self._seconds:g} s") from error
        except BadSignature as error:
            raise self._failed("gave a signature that does not hold for its public key") from error
        except Exception as error:
            raise self._failed(f"cannot sign: {type(error).__name__}: {error}") from error
        return signature

    def _failed(self, what: str) -> SigningFailed:
        return SigningFailed(
            f"the key {self.key_id.hex()} of {self.name} {what}. Nothing goes out unsigned: see to what "
            "holds the key, or go on with another one (docs/keys.md)."
        )
