"""The key files in the state folder, made on first start.

    identity.key, identity.pub            Ed25519: certifies each incarnation; what `verify --key` pins
    pseudonym.key                         32 bytes: the same person gets the same pseudonym at every start
    tenant-<name>.key, tenant-<name>.pub  X25519: data keys are wrapped to the public half

Each file holds 32 raw bytes in base64 and an LF. Nothing here needs a tenant's private half again: the operator may
move it away, and with it the power to read what was sealed.
"""

import base64
import hmac
import os
import secrets
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from evidence.canonical import canonical
from evidence.files import made, make_folder
from evidence.signing import exact_base64

_KEY_BYTES: Final = 32
_PRIVATE: Final = 0o600
_PUBLIC: Final = 0o644
_OTHERS: Final = 0o077
_TENANT: Final = "tenant-"


class KeyProblem(Exception):
    """A key file that cannot be used; the text names the file and says what to do."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that a sidecar holds: its identity, each tenant's public key, the pseudonym key."""

    identity: Ed25519PrivateKey = field(repr=False)
    tenants: Mapping[str, X25519PublicKey]
    pseudonym: bytes = field(repr=False)

    def pseudonym_of(self, tenant: str, kind: str, text: str) -> str:
        """A keyed pseudonym, 32 hex digits: equal texts of a tenant and kind are equal, and say nothing else."""
        return hmac.digest(self.pseudonym, canonical([tenant, kind, text]), "sha256")[:16].hex()


def load_or_make(state: Path, tenants: Iterable[str]) -> Keys:
    """The keys under `state`/keys; those that are missing are made (0600, in a folder 0700).

    Raises KeyProblem for a file that others can read, that is no key, or that is half of a pair whose other half
    alone could be replaced only by becoming somebody else.
    """
    folder = state / "keys"
    try:
        make_folder(folder)
        return Keys(
            identity=Ed25519PrivateKey.from_private_bytes(_signing(folder, "identity")),
            tenants={tenant: X25519PublicKey.from_public_bytes(_recipient(folder, tenant)) for tenant in tenants},
            pseudonym=_pseudonym(folder / "pseudonym.key"),
        )
    except OSError as error:
        raise KeyProblem(f"{error.filename or folder}: {error.strerror}") from error


def tenant_private(path: Path) -> X25519PrivateKey:
    """A tenant's private key from its file. Raises KeyProblem."""
    try:
        raw = _load(path)
    except OSError as error:
        raise KeyProblem(f"{path}: {error.strerror}") from error
    if raw is None:
        raise KeyProblem(f"{path}: no such file")
    return X25519PrivateKey.from_private_bytes(raw)


def signing_key(state: Path, name: str) -> Ed25519PrivateKey:
    """The Ed25519 key `name` under `state`/keys, made if it is missing. Raises KeyProblem."""
    folder = state / "keys"
    try:
        make_folder(folder)
        return Ed25519PrivateKey.from_private_bytes(_signing(folder, name))
    except OSError as error:
        raise KeyProblem(f"{error.filename or folder}: {error.strerror}") from error


def existing_key(state: Path, name: str) -> Ed25519PrivateKey | None:
    """The Ed25519 key `name` under `state`/keys, or None where there is none; nothing is made. Raises KeyProblem."""
    path = state / "keys" / f"{name}.key"
    try:
        raw = _load(path)
    except OSError as error:
        raise KeyProblem(f"{path}: {error.strerror}") from error
    return None if raw is None else Ed25519PrivateKey.from_private_bytes(raw)


def key_problems(state: Path) -> tuple[str, ...]:
    """What is wrong with the key files under `state`/keys, each named with what to do; nothing is made.

    Stricter than a start: a tenant's private half that others can read counts, although no start reads it again.
    """
    folder = state / "keys"
    names = sorted({path.stem for kind in ("*.key", "*.pub") for path in folder.glob(kind)})
    return tuple(problem for name in names if (problem := _pair_problem(folder, name)) is not None)


def _pair_problem(folder: Path, name: str) -> str | None:
    key, public = folder / f"{name}.key", folder / f"{name}.pub"
    kind = X25519PrivateKey if name.startswith(_TENANT) else Ed25519PrivateKey
    try:
        raw, known = _load(key), _read(public)
    except KeyProblem as problem:
        return str(problem)
    except OSError as error:
        return f"{error.filename or key}: {error.strerror}"
    if raw is None:
        return None if name.startswith(_TENANT) else str(_gone(key, public))
    halves = (None, kind.from_private_bytes(raw).public_key().public_bytes_raw())
    return None if known in halves else str(_no_pair(public))


def _gone(key: Path, public: Path) -> KeyProblem:
    return KeyProblem(f"{key} is gone but {public} is here: restore it, or remove {public} to be somebody new")


def _no_pair(public: Path) -> KeyProblem:
    return KeyProblem(f"{public} is not the public half of {public.with_suffix('.key')}: restore the pair")


def _signing(folder: Path, name: str) -> bytes:
    key, public = folder / f"{name}.key", folder / f"{name}.pub"
    raw = _load(key)
    if raw is None:
        if public.exists():
            raise _gone(key, public)
        raw = _make(key, Ed25519PrivateKey.generate().private_bytes_raw())
    _publish(public, Ed25519PrivateKey.from_private_bytes(raw).public_key().public_bytes_raw())
    return raw


def _pseudonym(path: Path) -> bytes:
    return _load(path) or _make(path, secrets.token_bytes(_KEY_BYTES))


def _recipient(folder: Path, tenant: str) -> bytes:
    name = _TENANT + quote(tenant, safe="")
    key, public = folder / f"{name}.key", folder / f"{name}.pub"
    known = _read(public)
    if known is not None:
        return known
    raw = _load(key) or _make(key, X25519PrivateKey.generate().private_bytes_raw())
    return _publish(public, X25519PrivateKey.from_private_bytes(raw).public_key().public_bytes_raw())


def _load(path: Path) -> bytes | None:
    """The bytes of a private file, or None where there is none. Raises KeyProblem if others could read it."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_IMODE(mode) & _OTHERS:
        raise KeyProblem(f"{path} can be read by others (mode {stat.S_IMODE(mode):04o}): chmod 600 {path}")
    return _read(path)


def _read(path: Path) -> bytes | None:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        raw = exact_base64(text.strip())
    except ValueError as error:
        raise KeyProblem(f"{path}: {error}; restore the file") from error
    if len(raw) != _KEY_BYTES:
        raise KeyProblem(f"{path}: {len(raw)} bytes where a key has {_KEY_BYTES}; restore the file")
    return raw


def _make(path: Path, raw: bytes) -> bytes:
    """Write a new private file whole or not at all; when another process was first, its key counts."""
    _write(path, raw, _PRIVATE)
    return _load(path) or raw


def _publish(path: Path, raw: bytes) -> bytes:
    known = _read(path)
    if known is None:
        _write(path, raw, _PUBLIC)
        known = _read(path) or raw
    if known != raw:
        raise _no_pair(path)
    return known


def _write(path: Path, raw: bytes, mode: int) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = made(draft, os.O_WRONLY, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(raw) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces what another process has made meanwhile.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
