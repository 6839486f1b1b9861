"""The registry: which sidecars there are, whose each is, and by which key its evidence is known.

A TOML file, read once:

    [sidecars.gate-1]
    tenant = "acme"
    public_key = "<32 bytes in base64: STATE/keys/identity.pub of the sidecar>"

The tenant of a record is the one that stands here. What a record says of itself has to agree, and decides nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from central.problem import Findings, Unfit
from central.shaping import named_tables
from evidence.signing import read_public

_NAME: Final = re.compile(r"[A-Za-z0-9._@:/+-]{1,256}")
"""What names of sidecars and tenants are made of."""

_MEMBERS: Final = frozenset({"tenant", "public_key"})
_WRITE: Final = "Write [sidecars.ID] with tenant and public_key: docs/central.md."


class RegistryProblem(Unfit):
    """A registry that cannot be used; the text names the file and everything that is wrong with it."""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """One sidecar as it was registered; `public_key` is its identity: Ed25519, raw 32 bytes."""

    id: str
    tenant: str
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Registry:
    """All sidecars by their ids."""

    sidecars: Mapping[str, Sidecar]

    def find(self, sidecar: str) -> Sidecar | None:
        """The sidecar of this id; None if nobody registered it."""
        return self.sidecars.get(sidecar)


def read_registry(path: Path) -> Registry:
    """Read the file. Raises RegistryProblem with all that is wrong."""
    findings = Findings()
    found: dict[str, Sidecar] = {}
    for name, members in named_tables(path, "sidecars", findings, _WRITE).items():
        try:
            found[name] = _sidecar(name, members)
        except ValueError as error:
            findings.add(f"{path}: sidecars.{name}", str(error), _WRITE)
    if findings.problems:
        raise RegistryProblem(findings.problems)
    return Registry(MappingProxyType(found))


def _sidecar(name: str, members: Any) -> Sidecar:
    if not isinstance(members, dict) or members.keys() != _MEMBERS:
        raise ValueError("needs `tenant` and `public_key`, and nothing else")
    tenant, key = members["tenant"], members["public_key"]
    if not isinstance(tenant, str) or not isinstance(key, str):
        raise ValueError("`tenant` and `public_key` are texts")  # noqa: TRY004 - what is read is wrong
    for text in (name, tenant):
        if _NAME.fullmatch(text) is None:
            raise ValueError(f"{text!r} is no name: letters, digits and . _ @ : / + -, at most 256")
    return Sidecar(name, tenant, read_public(key))
