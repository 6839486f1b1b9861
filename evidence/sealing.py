"""Secrets of a record: commitments that stand in the clear, and the sealed box beside it.

Each value gets a fresh salt and an HMAC; salts and texts go into one AES-256-GCM box under the data key of the
record's erasure unit; that key is wrapped by HPKE to the tenant and otherwise lives in memory only, so that the
writer cannot open its own past, and whoever destroys the wrapped key has erased the unit.
"""

import base64
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from msgspec import Struct

from evidence.canonical import canonical, read
from evidence.signing import exact_base64

Random = Callable[[int], bytes]
"""Gives that many unpredictable bytes."""

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_BOX_TAG: Final = b"agentgate/box/v1\x00"
_KEY_TAG: Final = b"agentgate/data-key/v1\x00"
NOTHING: Final[Mapping[str, bytes]] = MappingProxyType({})

_NONCE_BYTES: Final = 12
_SALT_BYTES: Final = 32
_KEY_BYTES: Final = 32
_BOXES_PER_KEY: Final = 1 << 24
"""Random nonces of 96 bits stay safe for 2^32 boxes (NIST SP 800-38D, 8.3); a key retires far earlier."""


class CannotOpen(ValueError):
    """A wrapped key or a box that this private key does not open."""


class Recipient:
    """To whom data keys are wrapped: the tenant's public key."""

    def __init__(self, public: X25519PublicKey) -> None:
        self._public = public
        self.name = base64.b64encode(public.public_bytes_raw()).decode()

    def wrap(self, data_key: bytes, info: bytes) -> bytes:
        """HPKE (RFC 9180), base mode: the encapsulated key, then the ciphertext."""
        return _SUITE.encrypt(data_key, self._public, info)


class Sealed(Struct, frozen=True):
    """What a body gets for its secrets (`members`), and the bytes of the box."""

    members: Mapping[str, Any]
    box: bytes


@dataclass(slots=True)
class _DataKey:
    id: str
    cipher: AESGCM
    aad: bytes
    day: int
    boxes: int = 0


class Sealer:
    """Seals the secrets of one tenant's chain; keeps the data keys of the `units` most recently used units.

    A new data key's line for keys.jsonl waits in `unwritten` until the writer has stored it: it goes to disk before
    the first box that needs it.
    """

    def __init__(
        self, tenant: str, recipient: Recipient, pseudonym: Callable[[str, str], str], random: Random, units: int
    ) -> None:
        self._tenant = tenant
        self._recipient = recipient
        self._pseudonym = pseudonym
        self._random = random
        self._units = units
        self._keys: OrderedDict[tuple[str, str], _DataKey] = OrderedDict()
        self.unwritten: list[bytes] = []

    def seal(
        self,
        secrets: Mapping[str, bytes],
        unit: str,
        *,
        retention: str,
        day: int,
        plain: bool,
        redacted: Mapping[str, bytes] = NOTHING,
    ) -> Sealed:
        """Commit to each value; with `plain` the box holds salts and texts, else the salts and what is `redacted`.

        A data key seals one class of `retention` and one day alone (`day` is any number of the present one), since all
        that it has sealed is erased together. Raises ValueError for a name that is no ASCII identifier.
        """
        key = self._key(unit, retention, day)
        commitments, opened = {}, {}
        for name, value in secrets.items():
            if not name.isascii() or not name.isidentifier():
                raise ValueError(f"not the name of a secret: {name!r}")
            salt = self._random(_SALT_BYTES)
            commitments[name] = {"hmac": commitment(salt, value), "bytes": len(value)}
            opened[name] = _content(salt, value if plain else None, redacted.get(name))
        nonce = self._random(_NONCE_BYTES)
        # All keys are ASCII and all values text, so sorted output is canonical.
        content = orjson.dumps(opened, option=orjson.OPT_SORT_KEYS)
        box = nonce + key.cipher.encrypt(nonce, content, key.aad)
        key.boxes += 1
        return Sealed({"commitments": commitments, "sealed": {"key": key.id, "hash": box_hash(box)}}, box)

    def drop(self, keys: AbstractSet[str]) -> None:
        """Seal nothing more under these data keys: what comes next of their units gets a new one."""
        for name in [name for name, key in self._keys.items() if key.id in keys]:
            del self._keys[name]

    def _key(self, unit: str, retention: str, day: int) -> _DataKey:
        name = unit, retention
        key = self._keys.get(name)
        if key is None or key.day != day or key.boxes >= _BOXES_PER_KEY:
            key = self._keys[name] = self._make(unit, day)
        self._keys.move_to_end(name)
        if len(self._keys) > self._units:
            self._keys.popitem(last=False)
        return key

    def _make(self, unit: str, day: int) -> _DataKey:
        raw = self._random(_KEY_BYTES)
        content = _wrap(raw, self._tenant, self._pseudonym("unit", unit), self._recipient)
        key_id = key_line_id(content)
        self.unwritten.append(canonical({**content, "id": key_id}) + b"\n")
        return _DataKey(key_id, AESGCM(raw), _aad(key_id, self._tenant), day)


def commitment(salt: bytes, value: bytes) -> str:
    """HMAC-SHA-256 of the value under its salt, in hex."""
    return hmac.digest(salt, value, "sha256").hex()


def box_hash(box: bytes) -> str:
    """SHA-256 of the bytes of a box, in hex: what `sealed.hash` of its record says."""
    return hashlib.sha256(box).hexdigest()


def key_line_id(content: Mapping[str, Any]) -> str:
    """The id of a wrapped key: SHA-256 over the canonical form of everything else on its line, in hex."""
    return hashlib.sha256(canonical(content)).hexdigest()


def read_key_line(line: bytes) -> Mapping[str, Any]:
    """Read a line of keys.jsonl (without its LF). Raises ValueError unless its id is the hash of the rest."""
    members = read(line)
    if not isinstance(members, dict) or members.keys() != {"v", "id", "tenant", "unit", "to", "wrapped"}:
        raise ValueError("not the line of a wrapped key")
    if key_line_id({name: value for name, value in members.items() if name != "id"}) != members["id"]:
        raise ValueError("the id of a wrapped key is not the hash of its content")
    return members


def unwrap(members: Mapping[str, Any], private: X25519PrivateKey) -> bytes:
    """The data key of a line that `read_key_line` gave. Raises CannotOpen."""
    try:
        return _SUITE.decrypt(exact_base64(members["wrapped"]), private, _info(members["tenant"], members["unit"]))
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("this private key does not open the data key") from error


def open_box(box: bytes, data_key: bytes, key_id: str, tenant: str) -> dict[str, tuple[bytes, bytes | None]]:
    """Salt and value of each secret in a box; the value is None where the box does not have it. Raises CannotOpen."""
    contents = box_contents(box, data_key, key_id, tenant)
    return {name: (exact_base64(content["salt"]), value_of(content)) for name, content in contents.items()}


def box_contents(box: bytes, data_key: bytes, key_id: str, tenant: str) -> dict[str, Mapping[str, str]]:
    """What a box says of each secret: `salt`, and at most one of `text`, `base64` and `redacted`. Raises CannotOpen."""
    try:
        opened = AESGCM(data_key).decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], _aad(key_id, tenant))
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("the box does not open with its data key") from error
    contents: dict[str, Mapping[str, str]] = orjson.loads(opened)
    return contents


def _content(salt: bytes, value: bytes | None, redacted: bytes | None) -> dict[str, str]:
    content = {"salt": base64.b64encode(salt).decode()}
    if value is not None:
        try:
            content["text"] = value.decode()
        except UnicodeDecodeError:
            content["base64"] = base64.b64encode(value).decode()
    elif redacted is not None:
        content["redacted"] = redacted.decode("utf-8", "replace")
    return content


def value_of(content: Mapping[str, str]) -> bytes | None:
    """The value that was committed to, where the box has it."""
    if "text" in content:
        return content["text"].encode()
    return exact_base64(content["base64"]) if "base64" in content else None


def _wrap(raw: bytes, tenant: str, unit: str, recipient: Recipient) -> dict[str, Any]:
    return {
        "v": 1,
        "tenant": tenant,
        "unit": unit,
        "to": recipient.name,
        "wrapped": base64.b64encode(recipient.wrap(raw, _info(tenant, unit))).decode(),
    }


def _info(tenant: str, unit: str) -> bytes:
    return _KEY_TAG + canonical([tenant, unit])


def _aad(key_id: str, tenant: str) -> bytes:
    # The id has a fixed length, so the two cannot run into each other.
    return _BOX_TAG + key_id.encode() + tenant.encode()
