"""Who may read evidence: static tokens in a file, each for one tenant.

    [readers.auditor]
    tenant = "acme"
    token_sha256 = "<64 hex digits: SHA-256 of the token>"

The file holds hashes only, and a token has at least 32 characters, so that a hash gives nothing away.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evidence.record import is_digest

_MEMBERS: Final = frozenset({"tenant", "token_sha256"})


class ReadersProblem(ValueError):
    """A file of readers that cannot be used; the text names the file and everything that is wrong with it."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who may read what is of one tenant."""

    name: str
    tenant: str


@dataclass(frozen=True, slots=True)
class Readers:
    """All readers, by the SHA-256 (hex) of their tokens."""

    by_hash: Mapping[str, Reader]

    def find(self, token: str) -> Reader | None:
        """Whose token this is. The look-up is by hash: its time says nothing of the token."""
        return self.by_hash.get(hashlib.sha256(token.encode()).hexdigest())


def read_readers(path: Path) -> Readers:
    """Read the file. Raises ReadersProblem with all that is wrong."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ReadersProblem(f"{path}: {error}") from error
    given = document.pop("readers", {})
    problems = [f"`{name}` is no key: there is `readers`" for name in document]
    found: dict[str, Reader] = {}
    if not isinstance(given, dict):
        raise ReadersProblem(f"{path}: `readers` is no table")
    for name, members in given.items():
        problem = _problem(members, found)
        if problem is None:
            found[members["token_sha256"]] = Reader(name, members["tenant"])
        else:
            problems.append(f"readers.{name}: {problem}")
    if problems:
        raise ReadersProblem(f"{path}: " + "; ".join(problems))
    return Readers(found)


def _problem(members: Any, found: Mapping[str, Reader]) -> str | None:
    if not isinstance(members, dict) or members.keys() != _MEMBERS:
        return "needs `tenant` and `token_sha256`, and nothing else"
    if not isinstance(members["tenant"], str) or not members["tenant"]:
        return "`tenant` is a name"
    if not is_digest(members["token_sha256"]):
        return "`token_sha256` has 64 lower-case hex digits"
    return "another reader has the same token" if members["token_sha256"] in found else None
