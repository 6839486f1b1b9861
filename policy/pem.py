"""Keys in PEM files: which may sign bundles, and for which algorithm each is."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from policy.engine import PolicyRefused
from policy.trust import TrustedKey

PublicKey = EllipticCurvePublicKey | RSAPublicKey
PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey

MIN_RSA_BITS: Final = 2048
"""NIST SP 800-131A, revision 2, table 2: fewer bits are not for signatures any more."""

_MAX_PEM_BYTES: Final = 64 << 10


def read_public_key(path: Path) -> TrustedKey:
    """The key in a PEM file. Raises PolicyRefused."""
    pem = _read(path)
    if b"PRIVATE KEY" in pem:
        raise PolicyRefused((f"{path}: holds a private key; whoever checks has the public half alone",))
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PolicyRefused((f"{path}: holds no public key in PEM",)) from error
    if not isinstance(key, EllipticCurvePublicKey | RSAPublicKey):
        raise PolicyRefused((f"{path}: is neither an EC key (P-256) nor an RSA key",))
    return TrustedKey(key, algorithm_of(path, key))


def read_private_key(path: Path) -> PrivateKey:
    """The key in a PEM file without a password. Raises PolicyRefused."""
    try:
        key = load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PolicyRefused((f"{path}: holds no private key in PEM that is open without a password",)) from error
    if not isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey):
        raise PolicyRefused((f"{path}: is neither an EC key (P-256) nor an RSA key",))
    return key


def algorithm_of(path: Path, key: PublicKey) -> str:
    """The one algorithm that a key is for. Raises PolicyRefused."""
    if isinstance(key, RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            raise PolicyRefused((f"{path}: an RSA key of {key.key_size} bits; {MIN_RSA_BITS} are the least",))
        return "RS256"
    if not isinstance(key.curve, SECP256R1):
        raise PolicyRefused((f"{path}: an EC key on {key.curve.name}; ES256 is on P-256",))
    return "ES256"


def read_keys(texts: Iterable[str]) -> dict[str, TrustedKey]:
    """Keys given as ID=FILE. Raises PolicyRefused with all that is wrong."""
    keys: dict[str, TrustedKey] = {}
    problems: list[str] = []
    for text in texts:
        keyid, equals, file = text.partition("=")
        if not (keyid and equals and file) or keyid in keys:
            problems.append(f"--key {text}: not ID=FILE, or an ID that is given twice")
            continue
        try:
            keys[keyid] = read_public_key(Path(file))
        except PolicyRefused as error:
            problems += error.problems
    if problems:
        raise PolicyRefused(tuple(problems))
    return keys


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_PEM_BYTES)
    except OSError as error:
        raise PolicyRefused((f"{path}: {error.strerror}",)) from error
