"""From the settings of policy to whose bundles count: every key is read at the start, and all problems are told."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from policy.trust import Trust
from proxy.settings.origin import KeyPath, Origin
from proxy.settings.problems import Findings, Unfit
from proxy.settings.shape import PolicySettings

if TYPE_CHECKING:
    from policy.trust import TrustedKey

_KEY_REMEDY: Final = "Name a PEM file with an EC public key on P-256, or an RSA public key: openssl pkey -pubout."
_UNSIGNED_REMEDY: Final = "Take one of them out: with keys every bundle has to be signed."
_SCOPE_REMEDY: Final = "Add policy.keys, or take the scope out."


def read_trust(
    given: PolicySettings, path_of: Callable[[KeyPath, str], Path], origin: Origin, found: Findings
) -> Trust:
    """Whose bundles count. `path_of` gives the absolute path of a file that a key names."""
    keys: dict[str, TrustedKey] = {}
    for keyid, file in given.keys.items():
        at = ("policy", "keys", keyid)
        key = found.take(origin.where(at), _key, path_of(at, file))
        if key is not None:
            keys[keyid] = key
    if given.unsigned and given.keys:
        found.add(origin.where(("policy", "unsigned")), "is given together with keys", _UNSIGNED_REMEDY)
    if given.scope and not given.keys:
        found.add(origin.where(("policy", "scope")), "is given, while no key can make a signature", _SCOPE_REMEDY)
    return Trust(keys, required=not given.unsigned, scope=given.scope or "")


def _key(path: Path) -> "TrustedKey":
    from policy.engine import PolicyRefused  # With keys alone: neither these nor cryptography is needed without.
    from policy.pem import read_public_key

    try:
        return read_public_key(path)
    except PolicyRefused as error:
        raise Unfit(error.problems[0], _KEY_REMEDY) from error
