"""Who may read evidence: static tokens in a file, each for one tenant.

    [readers.auditor]
    tenant = "acme"
    token_sha256 = "<64 hex digits: SHA-256 of the token>"

`wrapped_keys = true` also lets a reader have the wrapped data keys. The file holds hashes only, and a token has at
least 32 characters, so that a hash gives nothing away.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from central.problem import Findings, Unfit
from central.shaping import named_tables
from evidence.record import is_digest

_MEMBERS: Final = frozenset({"tenant", "token_sha256"})
_OPTIONAL: Final = frozenset({"wrapped_keys"})
_WRITE: Final = "Write [readers.NAME] with tenant and token_sha256: docs/central.md."


class ReadersProblem(Unfit):
    """A file of readers that cannot be used; the text names the file and everything that is wrong with it."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who may read what is of one tenant. `wrapped_keys`: also the wrapped data keys, which the tenant's
    private key opens."""

    name: str
    tenant: str
    wrapped_keys: bool = False


@dataclass(frozen=True, slots=True)
class Readers:
    """All readers, by the SHA-256 (hex) of their tokens."""

    by_hash: Mapping[str, Reader]

    def find(self, token: str) -> Reader | None:
        """Whose token this is. The look-up is by hash: its time says nothing of the token."""
        return self.by_hash.get(hashlib.sha256(token.encode()).hexdigest())


def read_readers(path: Path) -> Readers:
    """Read the file. Raises ReadersProblem with all that is wrong."""
    findings = Findings()
    found: dict[str, Reader] = {}
    for name, members in named_tables(path, "readers", findings, _WRITE).items():
        problem = _problem(members, found)
        if problem is None:
            found[members["token_sha256"]] = Reader(name, members["tenant"], members.get("wrapped_keys", False))
        else:
            findings.add(f"{path}: readers.{name}", problem, _WRITE)
    if findings.problems:
        raise ReadersProblem(findings.problems)
    return Readers(found)


def _problem(members: Any, found: Mapping[str, Reader]) -> str | None:
    if not isinstance(members, dict) or members.keys() - _OPTIONAL != _MEMBERS:
        return "needs `tenant` and `token_sha256`, may have `wrapped_keys`, and nothing else"
    if not isinstance(members.get("wrapped_keys", False), bool):
        return "`wrapped_keys` is true or false"
    if not isinstance(members["tenant"], str) or not members["tenant"]:
        return "`tenant` is a name"
    if not is_digest(members["token_sha256"]):
        return "`token_sha256` has 64 lower-case hex digits"
    return "another reader has the same token" if members["token_sha256"] in found else None
