"""The manifest of a bundle: what OPA reads of it, and what the sidecar reads besides.

    revision, roots, rego_version, file_rego_versions, wasm    OPA's
    metadata.version        an integer that only rises, from one bundle of a name to the next
    metadata.rollback_of    the version in whose place an older one is put, on purpose
    metadata.name           whose versions they are; without it, those of the same roots

OPA's reader takes any capital letters for a key and merges a key that stands twice: neither is accepted here.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

from policy.archive import MANIFEST
from policy.engine import PolicyRefused
from policy.roots import overlaps

MAX_VERSION: Final = 2**53 - 1

_MEMBERS: Final = frozenset({"revision", "roots", "rego_version", "file_rego_versions", "wasm", "metadata"})


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says about itself. `document` is all of it, as it stands in the file."""

    revision: str | None = None
    roots: tuple[str, ...] = ("",)
    version: int | None = None
    rollback_of: int | None = None
    name: str | None = None
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """What a version is compared within: bundles of one name, else of the same roots."""
        return self.name if self.name is not None else "roots:" + ",".join(sorted(self.roots))


def read_manifest(name: str, files: Mapping[str, bytes]) -> Manifest:
    """The manifest among the files of the bundle `name`. Raises PolicyRefused with all that is wrong with it."""
    strays = sorted(path for path in files if PurePosixPath(path).name == MANIFEST and path != MANIFEST)
    if strays:
        raise PolicyRefused(tuple(f"{name}: {path}: a manifest stands at the root" for path in strays))
    try:
        document = json.loads(files.get(MANIFEST, b"{}").decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise PolicyRefused((f"{name}: .manifest: {error}",)) from error
    if not isinstance(document, dict):
        raise PolicyRefused((f"{name}: .manifest: not an object",))
    if problems := tuple(f"{name}: .manifest: {problem}" for problem in _problems(document)):
        raise PolicyRefused(problems)
    metadata = document.get("metadata", {})
    return Manifest(
        revision=document.get("revision") or None,
        roots=tuple(root.strip("/") for root in document.get("roots", ("",))),
        version=metadata.get("version"),
        rollback_of=metadata.get("rollback_of"),
        name=metadata.get("name"),
        document=document,
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands there twice")
    return members


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"no member {name!r} is known" for name in sorted(document.keys() - _MEMBERS))
    if not isinstance(document.get("revision", ""), str):
        yield "revision is not a string"
    versions = document.get("file_rego_versions", {})
    of_files = list(versions.values()) if isinstance(versions, dict) else [None]
    if any(version != 1 for version in (document.get("rego_version", 1), *of_files)):
        yield "rego_version is not 1"
    if document.get("wasm"):
        yield "wasm: rules that were compiled elsewhere are not looked into, and not taken"
    yield from _roots_problems(document.get("roots", [""]))
    yield from _metadata_problems(document.get("metadata", {}))


def _roots_problems(roots: Any) -> Iterator[str]:
    if not isinstance(roots, list) or not roots or not all(isinstance(root, str) for root in roots):
        yield "roots is not a list of paths"
        return
    yield from (f"roots {one!r} and {other!r} overlap" for one, other in overlaps(roots))


def _metadata_problems(metadata: Any) -> Iterator[str]:
    if not isinstance(metadata, dict):
        yield "metadata is not an object"
        return
    for member in ("version", "rollback_of"):
        value = metadata.get(member, 0)
        if type(value) is not int or not 0 <= value <= MAX_VERSION:
            yield f"metadata.{member} is not an integer from 0 to {MAX_VERSION}"
            return
    if "rollback_of" in metadata and metadata.get("version", MAX_VERSION) >= metadata["rollback_of"]:
        yield "metadata.rollback_of is not above metadata.version: only an older version is put in the place of another"
    if not isinstance(metadata.get("name", "-"), str) or not metadata.get("name", "-"):
        yield "metadata.name is not a text"
