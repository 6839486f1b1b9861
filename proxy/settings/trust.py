"""From the settings of policy to whose bundles count: every key is read at the start, and all problems are told."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from policy.trust import ExceptionTrust, Trust
from proxy.settings.origin import KeyPath, Origin
from proxy.settings.problems import Findings, Unfit
from proxy.settings.shape import PolicySettings

if TYPE_CHECKING:
    from policy.trust import TrustedKey

_LOCAL: Final = "local"
_LOCAL_REMEDY: Final = "Give the key another id: local is the key in the state folder (policy.local_exceptions)."
_KEY_REMEDY: Final = "Name a PEM file with an EC public key on P-256, or an RSA public key: openssl pkey -pubout."
_UNSIGNED_REMEDY: Final = "Take one of them out: with keys every bundle has to be signed."
_SCOPE_REMEDY: Final = "Add policy.keys, or take the scope out."


def read_trust(
    given: PolicySettings, path_of: Callable[[KeyPath, str], Path], origin: Origin, found: Findings
) -> Trust:
    """Whose bundles count. `path_of` gives the absolute path of a file that a key names."""
    keys = _keys("keys", given.keys, path_of, origin, found)
    if given.unsigned and given.keys:
        found.add(origin.where(("policy", "unsigned")), "is given together with keys", _UNSIGNED_REMEDY)
    if given.scope and not given.keys:
        found.add(origin.where(("policy", "scope")), "is given, while no key can make a signature", _SCOPE_REMEDY)
    return Trust(keys, required=not given.unsigned, scope=given.scope or "")


def read_exception_trust(
    given: PolicySettings, path_of: Callable[[KeyPath, str], Path], origin: Origin, found: Findings
) -> ExceptionTrust:
    """Whose exceptions count."""
    keys = _keys("exception_keys", given.exception_keys, path_of, origin, found)
    if _LOCAL in given.exception_keys:
        found.add(origin.where(("policy", "exception_keys", _LOCAL)), "is an id that no key may have", _LOCAL_REMEDY)
    return ExceptionTrust(keys, given.local_exceptions)


def _keys(
    name: str, files: Mapping[str, str], path_of: Callable[[KeyPath, str], Path], origin: Origin, found: Findings
) -> "dict[str, TrustedKey]":
    keys: dict[str, TrustedKey] = {}
    for keyid, file in files.items():
        at = ("policy", name, keyid)
        key = found.take(origin.where(at), _key, path_of(at, file))
        if key is not None:
            keys[keyid] = key
    return keys


def _key(path: Path) -> "TrustedKey":
    from policy.engine import PolicyRefused  # With keys alone: neither these nor cryptography is needed without.
    from policy.pem import read_public_key

    try:
        return read_public_key(path)
    except PolicyRefused as error:
        raise Unfit(error.problems[0], _KEY_REMEDY) from error
