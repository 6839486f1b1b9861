"""The tokens file: who may call, each known by the SHA-256 of a bearer token. The tokens lie with the agents only.

    [[tokens]]
    sha256 = "…"          # printf %s "$TOKEN" | sha256sum
    tenant = "acme"       # default: "default"
    agent = "billing-bot"
    user = "alice"        # optional: whom the agent works for

The file is as private as a key: whoever writes it decides who is who.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from proxy.path.identify import Holder
from proxy.settings.origin import Origin
from proxy.settings.problems import Findings
from proxy.settings.reading import parse_file, read_shape
from proxy.settings.shape import Name

_OTHERS: Final = 0o077


class TokenSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One token, and whom it stands for."""

    sha256: Annotated[
        str, Meta(pattern=r"\A[0-9a-f]{64}\Z", description="SHA-256 of the token: 64 hex digits, lower case.")
    ]
    agent: Annotated[Name, Meta(description="The agent that holds the token.")]
    tenant: Annotated[Name, Meta(description="The agent's tenant.")] = "default"
    user: Annotated[Name | None, Meta(description="The person the agent works for, if it is one person.")] = None


def load_tokens(path: Path) -> Mapping[str, Holder]:
    """Whom each token stands for, by its SHA-256 (hex). Raises ConfigProblems with everything that is wrong."""
    found = Findings()
    holders = read_tokens(path, found)
    found.settle()
    return holders


def read_tokens(path: Path, found: Findings) -> Mapping[str, Holder]:
    """As `load_tokens`, into a collection of problems; what is well formed is returned in any case."""
    parsed = found.take(str(path), parse_file, path)
    if parsed is None:
        return {}
    _check_private(path, found)
    entries = parsed.pop("tokens", [])
    if parsed or not isinstance(entries, list) or not entries:
        found.add(str(path), "is no list of tokens", "Write one [[tokens]] table for each token, and nothing else.")
        return {}
    return _holders(path, entries, found)


def _holders(path: Path, entries: list[Any], found: Findings) -> Mapping[str, Holder]:
    origin, holders = Origin(path), dict[str, Holder]()
    for number, entry in enumerate(entries, 1):
        at = (f"tokens[{number}]",)
        if not isinstance(entry, Mapping):
            found.add(origin.where(at), "is no table", "Write sha256 and agent, and tenant or user if needed.")
            continue
        token = read_shape(TokenSettings, entry, origin, found, at)
        if token is None:
            continue
        if token.sha256 in holders:
            found.add(origin.where((*at, "sha256")), "this token stands there twice", "Give each agent its own token.")
        holders[token.sha256] = Holder(token.tenant, token.agent, token.user)
    return holders


def _check_private(path: Path, found: Findings) -> None:
    """Whoever can write this file can be anybody, and whoever can read it can try tokens at leisure."""
    status = path.stat()
    mode = stat.S_IMODE(status.st_mode)
    if mode & _OTHERS:
        found.add(str(path), f"is open to others (mode {mode:04o})", f"chmod 600 {path}")
    if status.st_uid not in (0, os.geteuid()):
        found.add(str(path), f"belongs to user id {status.st_uid}", "Let it belong to root or the sidecar's user.")
