"""Who calls central: a sidecar by a signature of its registered key over this very request, a reader by a token.

A sidecar sends `Authorization: Bearer <JWT>` (RFC 7519; EdDSA, RFC 8037) with the claims

    iss     its id                          aud     central's URL as the sidecar knows it
    tenant  whose chain it is about         htm, htu  method and path of the request
    sha256  of the body, in hex             iat, exp  at most five minutes apart

What is replayed within that time changes nothing: central takes the same records twice as once.
"""

import hashlib
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from central.readers import Reader, Readers
from central.registry import Registry, Sidecar

_BEARER: Final = "Bearer "
_REQUIRED: Final = ["iss", "aud", "iat", "exp", "tenant", "htm", "htu", "sha256"]
_LONGEST_SECONDS: Final = 300
_LEEWAY_SECONDS: Final = 60
_ANOTHER: Final = "the token is for another request"


class NotAuthenticated(Exception):
    """Nobody that is known; the text says why, and repeats nothing of what was sent."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A request that a registered sidecar has signed, as far as its head says; `sha256` is that of its body, in hex."""

    sidecar: Sidecar
    sha256: str

    def over(self, body: bytes) -> Sidecar:
        """Who has signed this body. Raises NotAuthenticated for another one."""
        if hashlib.sha256(body).hexdigest() != self.sha256:
            raise NotAuthenticated(_ANOTHER)
        return self.sidecar


def signed_by(authorization: str, registry: Registry, urls: AbstractSet[str], *, method: str, path: str) -> Signed:
    """What a registered sidecar has signed for its own tenant: all but the body, which nobody has to have read.

    Raises NotAuthenticated.
    """
    token = _token(authorization)
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        sidecar = registry.find(issuer) if isinstance(issuer, str) else None
        if sidecar is None:
            raise NotAuthenticated("no such sidecar is registered")
        claims = jwt.decode(
            token,
            Ed25519PublicKey.from_public_bytes(sidecar.public_key),
            algorithms=["EdDSA"],
            audience=sorted(urls),
            leeway=_LEEWAY_SECONDS,
            options={"require": _REQUIRED, "strict_aud": False},
        )
    except jwt.InvalidAudienceError as error:
        raise NotAuthenticated("the token is for another central: its `urls` do not have that address") from error
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as error:
        raise NotAuthenticated("the token is not of this time: do the clocks agree?") from error
    except jwt.PyJWTError as error:
        raise NotAuthenticated("the token is not signed by the key that is registered") from error
    _check(claims, sidecar, {"htm": method, "htu": path})
    return Signed(sidecar, str(claims["sha256"]))


def reader_of(authorization: str, readers: Readers) -> Reader:
    """The reader whose token this is. Raises NotAuthenticated."""
    reader = readers.find(_token(authorization))
    if reader is None:
        raise NotAuthenticated("no reader has this token")
    return reader


def _check(claims: dict[str, Any], sidecar: Sidecar, request: dict[str, str]) -> None:
    if any(claims[name] != value for name, value in request.items()):
        raise NotAuthenticated(_ANOTHER)
    if claims["tenant"] != sidecar.tenant:
        raise NotAuthenticated("the sidecar is registered for another tenant")
    if claims["exp"] - claims["iat"] > _LONGEST_SECONDS:
        raise NotAuthenticated("the token is valid for too long")


def _token(authorization: str) -> str:
    if not authorization.startswith(_BEARER):
        raise NotAuthenticated("a bearer token is missing")
    return authorization[len(_BEARER) :]
