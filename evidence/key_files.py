"""A private key at rest: encrypted, in a file that one user alone can read.

One JSON document (RFC 8785, and an LF):

    v           1
    name        the key name under which it signs
    purpose     what it may sign
    public      Ed25519, 32 bytes in base64
    protection  {kind: "passphrase", kdf: "scrypt", n, r, p, salt} | {kind: "wrapping_key", id, salt}
    nonce       12 bytes in base64
    sealed      AES-256-GCM of the 32 private bytes; all members but `nonce` and `sealed` are authenticated with them

The key of the cipher is scrypt (RFC 7914) of the passphrase, or HKDF-SHA-256 of the wrapping key, each over the salt.
"""

import base64
import contextlib
import hashlib
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from evidence.canonical import canonical, read
from evidence.files import flush_folder
from evidence.keys import KeyProblem
from evidence.signing import exact_base64, public_text

_VERSION: Final = 1
_MEMBERS: Final = frozenset({"v", "name", "purpose", "public", "protection", "nonce", "sealed"})
_PRIVATE: Final = 0o600
_OTHERS: Final = 0o077
_WORLD: Final = 0o007
_KEY_BYTES: Final = 32
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_MOST_BYTES: Final = 1 << 16
_SCRYPT_N: Final = 1 << 15
_SCRYPT_R: Final = 8
_MOST_N: Final = 1 << 20
"""scrypt takes 128 * n * r bytes: a file asks for 1 GiB at the most."""

_INFO: Final = b"agentgate/signing-key/v1"


class Protection(Protocol):
    """What private keys are encrypted under."""

    def fresh(self) -> dict[str, Any]:
        """The member `protection` of a new file."""
        ...

    def key(self, members: Mapping[str, Any]) -> bytes:
        """The cipher's key for what a file says of its protection. Raises ValueError: what is wrong, and the remedy."""
        ...


@dataclass(frozen=True, slots=True)
class Passphrase:
    """A passphrase, stretched by scrypt (32 MiB, about a tenth of a second)."""

    secret: bytes = field(repr=False)

    def fresh(self) -> dict[str, Any]:
        """Parameters of today, and a new salt."""
        salt = base64.b64encode(secrets.token_bytes(_SALT_BYTES)).decode()
        return {"kind": "passphrase", "kdf": "scrypt", "n": _SCRYPT_N, "r": _SCRYPT_R, "p": 1, "salt": salt}

    def key(self, members: Mapping[str, Any]) -> bytes:
        """Raises ValueError."""
        n, r, p = members.get("n"), members.get("r"), members.get("p")
        if members.get("kind") != "passphrase":
            raise ValueError("it is encrypted under a wrapping key: name that in `keys.wrapping_key_file`")
        if members.get("kdf") != "scrypt" or type(n) is not int or not 1 < n <= _MOST_N or (r, p) != (_SCRYPT_R, 1):
            raise ValueError("it names a key derivation that is not known here: restore the file")
        return Scrypt(salt=_salt(members), length=_KEY_BYTES, n=n, r=_SCRYPT_R, p=1).derive(self.secret)


@dataclass(frozen=True, slots=True)
class WrappingKey:
    """A key for keys: 32 random bytes that lie somewhere else than what they encrypt."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Tells one wrapping key from another, and says nothing of it."""
        return hashlib.sha256(_INFO + b"\x00" + self.secret).hexdigest()[:16]

    def fresh(self) -> dict[str, Any]:
        """A new salt, and which wrapping key it is."""
        salt = base64.b64encode(secrets.token_bytes(_SALT_BYTES)).decode()
        return {"kind": "wrapping_key", "id": self.id, "salt": salt}

    def key(self, members: Mapping[str, Any]) -> bytes:
        """Raises ValueError."""
        if members.get("kind") != "wrapping_key":
            raise ValueError("it is encrypted under a passphrase: name that in `keys.passphrase_file`")
        if members.get("id") != self.id:
            raise ValueError(
                f"it is encrypted under the wrapping key {members.get('id')}, and this one is {self.id}: restore that"
            )
        return HKDF(SHA256(), _KEY_BYTES, salt=_salt(members), info=_INFO).derive(self.secret)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What such a file holds, decrypted."""

    name: str
    purpose: str
    private: Ed25519PrivateKey = field(repr=False)


def write_key_file(path: Path, content: KeyFile, protection: Protection) -> None:
    """Write a new key file, whole or not at all, flushed. Raises FileExistsError: no key is ever written over."""
    members: dict[str, Any] = {
        "v": _VERSION,
        "name": content.name,
        "purpose": content.purpose,
        "public": public_text(content.private),
        "protection": protection.fresh(),
    }
    nonce = secrets.token_bytes(_NONCE_BYTES)
    cipher = AESGCM(protection.key(members["protection"]))
    sealed = cipher.encrypt(nonce, content.private.private_bytes_raw(), canonical(members))
    members |= {"nonce": base64.b64encode(nonce).decode(), "sealed": base64.b64encode(sealed).decode()}
    put_new(path, canonical(members) + b"\n")


def read_key_file(path: Path, protection: Protection) -> KeyFile:
    """The key in a file. Raises KeyProblem: others can read it, it is not ours, it was changed, it does not open."""
    members = _members(path)
    try:
        nonce, sealed = exact_base64(members.pop("nonce")), exact_base64(members.pop("sealed"))
        key = protection.key(members["protection"])
    except (ValueError, AttributeError, TypeError) as error:
        raise KeyProblem(f"{path}: {error}") from error
    try:
        raw = AESGCM(key).decrypt(nonce, sealed, canonical(members))
        private = Ed25519PrivateKey.from_private_bytes(raw)
    except (InvalidTag, ValueError) as error:
        raise KeyProblem(
            f"{path}: does not open: the passphrase or wrapping key is another one, or the file was changed. "
            "Give the right one, or restore the file."
        ) from error
    if public_text(private) != members["public"]:
        raise KeyProblem(f"{path}: names another public key than its own: restore the file")
    return KeyFile(members["name"], members["purpose"], private)


def _members(path: Path) -> dict[str, Any]:
    content = read_private(path)
    try:
        members = read(content.removesuffix(b"\n"))
    except ValueError as error:
        raise KeyProblem(f"{path}: is no key file ({error}): restore it") from error
    if not isinstance(members, dict) or members.get("v") != _VERSION:
        raise KeyProblem(f"{path}: is no key file of version {_VERSION}: restore it, or use the version that wrote it")
    if members.keys() != _MEMBERS or not all(isinstance(members[name], str) for name in ("name", "purpose", "public")):
        raise KeyProblem(f"{path}: lacks what a key file has: restore it")
    return members


def read_private(path: Path) -> bytes:
    """The content of a file that is this user's alone. Raises KeyProblem."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise KeyProblem(f"{path}: {error.strerror}: restore the file") from error
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise KeyProblem(f"{path}: is no regular file: restore it")
        if found.st_uid != os.geteuid():
            raise KeyProblem(
                f"{path}: belongs to user {found.st_uid}, and this process is user {os.geteuid()}: chown it if you "
                "know who put it there"
            )
        if stat.S_IMODE(found.st_mode) & _OTHERS:
            raise KeyProblem(f"{path}: others can read it (mode {stat.S_IMODE(found.st_mode):04o}): chmod 600 {path}")
        return _bounded(path, file.read(_MOST_BYTES + 1))


def read_passphrase(path: Path) -> Passphrase:
    """The passphrase in a file, without the line end. Raises KeyProblem."""
    text = _secret(path).removesuffix(b"\n").removesuffix(b"\r")
    if not text:
        raise KeyProblem(f"{path}: is empty: write the passphrase into it")
    return Passphrase(text)


def read_wrapping_key(path: Path) -> WrappingKey:
    """The wrapping key in a file: 32 bytes in base64. Raises KeyProblem."""
    try:
        raw = exact_base64(_secret(path).strip())
    except ValueError as error:
        raise KeyProblem(f"{path}: {error}: {_MAKE.format(path=path)}") from error
    if len(raw) != _KEY_BYTES:
        raise KeyProblem(f"{path}: has {len(raw)} bytes where a key has {_KEY_BYTES}: {_MAKE.format(path=path)}")
    return WrappingKey(raw)


_MAKE: Final = "a new one is made by `(umask 077; head -c 32 /dev/urandom | base64 > {path})`"


def make_wrapping_key(path: Path) -> WrappingKey:
    """A new wrapping key in a new file, or the one that another process has just put there. Raises KeyProblem."""
    with contextlib.suppress(FileExistsError):
        put_new(path, base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
    return read_wrapping_key(path)


def put_new(path: Path, content: bytes) -> None:
    """A new file of mode 0600, whole or not at all, flushed with its folder. Raises FileExistsError, OSError."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces what is there.
        path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
    flush_folder(path.parent)


def _secret(path: Path) -> bytes:
    """A secret that is handed in, such as a mounted one: it may be a link, and of a group; not everybody's."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise KeyProblem(f"{path}: {error.strerror}: name a file that holds the secret") from error
    if mode & _WORLD:
        raise KeyProblem(f"{path}: everybody can read it (mode {mode:04o}): chmod o= {path}")
    return _bounded(path, content)


def _bounded(path: Path, content: bytes) -> bytes:
    if len(content) > _MOST_BYTES:
        raise KeyProblem(f"{path}: has more than {_MOST_BYTES} bytes: it is no file of a key")
    return content


def _salt(members: Mapping[str, Any]) -> bytes:
    salt = exact_base64(members.get("salt", ""))
    if len(salt) < _SALT_BYTES:
        raise ValueError("its salt is too short: restore the file")
    return salt
