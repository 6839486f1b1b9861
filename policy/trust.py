"""Whose bundles count: public keys by the id that a signature names. Each key is for one algorithm alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key and the algorithm that it is for: what a signature says of its algorithm chooses nothing."""

    public: "EllipticCurvePublicKey | RSAPublicKey"
    algorithm: str


@dataclass(frozen=True, slots=True)
class Trust:
    """What a bundle needs to count. `keys` are by keyid, `scope` is what its signature must be for.

    Without keys every bundle is refused, unless it need not be signed (`required` is false); folders and built-in
    policies are not asked.
    """

    keys: Mapping[str, TrustedKey] = field(default_factory=dict)
    required: bool = True
    scope: str = ""


@dataclass(frozen=True, slots=True)
class ExceptionTrust:
    """Whose exceptions count: public keys by keyid, and with `local` the key of the state folder itself."""

    keys: Mapping[str, TrustedKey] = field(default_factory=dict)
    local: bool = False


UNSIGNED: Final = Trust(required=False)
"""Any bundle will do: for development and for looking at one."""
