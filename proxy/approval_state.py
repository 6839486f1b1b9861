"""What a modern client carries between two rounds for the sidecar: sealed, so that it can neither read nor make one.

The text is `agentgate.` and base64url (RFC 4648, section 5, without padding) of a nonce and of JSON under AES-256-GCM;
the key is derived (HKDF-SHA-256) from the state folder's key for approvals, so that a state outlives a restart.
"""

import base64
import os
from collections.abc import Mapping
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX: Final = "agentgate."
"""How a state of ours begins; what begins otherwise is the upstream's."""

_PURPOSE: Final = b"agentgate approval state v1"
_NONCE_BYTES: Final = 12


def seal_state(members: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    """`members` (JSON) as text."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + _cipher(key).encrypt(nonce, orjson.dumps(members), _PURPOSE)
    return PREFIX + base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def unseal_state(text: str, key: Ed25519PrivateKey) -> dict[str, Any] | None:
    """The members of a sealed text; None for one that `key` has not sealed."""
    try:
        sealed = base64.b64decode(_padded(text.removeprefix(PREFIX)), altchars=b"-_", validate=True)
        members = orjson.loads(_cipher(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _PURPOSE))
    except (ValueError, InvalidTag):
        return None
    return members if isinstance(members, dict) else None


def _cipher(key: Ed25519PrivateKey) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(key.private_bytes_raw()))


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)
