"""The form in which an exception travels: the object, whose key has signed it, and the signature. Pure.

    {"exception": {...}, "keyid": "release-2026", "signature": "<base64>"}

The signature is over a domain tag and the canonical form (RFC 8785) of exception and keyid, with the one algorithm that
the key is for: Ed25519 for the key of the state folder (keyid `local`), ES256 (DER) or RS256 for those of the
configuration.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from evidence.canonical import canonical
from evidence.signing import exact_base64
from policy.engine import PolicyRefused
from policy.exception_problems import ExceptionRefused, Forged, Malformed, UnreadKey, Untrusted
from policy.exceptions import Exempt, as_mapping, read_exception
from policy.trust import TrustedKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from policy.pem import PrivateKey

LOCAL: Final = "local"
"""The id of the key in the state folder."""

_TAG: Final = b"agentgate/exception/v1\x00"
_MEMBERS: Final = frozenset({"exception", "keyid", "signature"})


@dataclass(frozen=True, slots=True)
class ExceptionKeys:
    """Whose exceptions count: `trusted` by keyid, and the state folder's own key where its word counts.

    `gone` where that key's word counts, and there is none.
    """

    trusted: Mapping[str, TrustedKey] = field(default_factory=dict)
    local: "Ed25519PublicKey | None" = None
    gone: bool = False


def signed(one: Exempt, keyid: str, key: "PrivateKey | Ed25519PrivateKey") -> dict[str, Any]:
    """An exception as it travels."""
    content = {"exception": as_mapping(one), "keyid": keyid}
    return {**content, "signature": base64.b64encode(_signature(_TAG + canonical(content), key)).decode()}


def verified(value: Any, keys: ExceptionKeys) -> Exempt:
    """The exception in `value`, if a key that counts has signed it. Raises ExceptionRefused, each problem one line."""
    if not isinstance(value, dict) or value.keys() != _MEMBERS:
        raise Malformed(("not an exception, a keyid and a signature",))
    name = _name_of(value)
    keyid, given = value["keyid"], value["signature"]
    if not isinstance(keyid, str) or not isinstance(given, str):
        raise Malformed((f"{name}: keyid and signature are not texts",))
    try:
        message = _TAG + canonical({"exception": value["exception"], "keyid": keyid})
        signature = exact_base64(given)
    except ValueError as error:
        raise Malformed((f"{name}: {error}",)) from error
    _check(name, keyid, message, signature, keys)
    try:
        return read_exception(value["exception"])
    except PolicyRefused as error:
        raise Malformed(tuple(f"{name}: {problem}" for problem in error.problems)) from error


def _name_of(value: Mapping[str, Any]) -> str:
    inner = value["exception"]
    id = inner.get("id") if isinstance(inner, dict) else None
    return f"exception {id[:80]}" if isinstance(id, str) else "an exception without an id"


def _check(name: str, keyid: str, message: bytes, signature: bytes, keys: ExceptionKeys) -> None:
    from cryptography.exceptions import InvalidSignature  # with exceptions alone

    try:
        if keyid == LOCAL:
            if keys.local is None:
                raise _no_local(name, keys)
            keys.local.verify(signature, message)
            return
        key = keys.trusted.get(keyid)
        if key is None:
            raise Untrusted((f"{name}: no key {keyid[:80]} counts (policy.exception_keys)",))
        _verify(key, signature, message)
    except InvalidSignature as error:
        raise Forged((f"{name}: the signature is not that of key {keyid[:80]} over this exception",)) from error


def _no_local(name: str, keys: ExceptionKeys) -> ExceptionRefused:
    if keys.gone:
        return UnreadKey((f"{name}: the key of the state folder is gone, which has signed it",))
    return Untrusted((f"{name}: the key of the state folder does not count (policy.local_exceptions)",))


def _signature(message: bytes, key: "PrivateKey | Ed25519PrivateKey") -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256

    if isinstance(key, EllipticCurvePrivateKey):
        return key.sign(message, ECDSA(SHA256()))
    if isinstance(key, RSAPrivateKey):
        return key.sign(message, PKCS1v15(), SHA256())
    return key.sign(message)


def _verify(key: TrustedKey, signature: bytes, message: bytes) -> None:
    """Raises InvalidSignature."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    if isinstance(key.public, EllipticCurvePublicKey):
        key.public.verify(signature, message, ECDSA(SHA256()))
    else:
        key.public.verify(signature, message, PKCS1v15(), SHA256())
