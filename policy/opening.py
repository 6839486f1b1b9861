"""Opening a bundle: from the bytes of a file to files that may be used, each step before the next looks at anything.

size -> archive (whole, plain files, one spelling of each name) -> signature -> manifest -> kinds of files
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from policy.archive import MANIFEST, SIGNATURES, read_archive, read_file
from policy.engine import PolicyRefused
from policy.manifest import Manifest, read_manifest
from policy.trust import Trust

if TYPE_CHECKING:
    from policy.signatures import Signature

_NEEDS_KEYS: Final = "a bundle, and no key says whose bundles count"


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle. `files` are those that count (without the signature); `signature` is verified, or None."""

    name: str
    packed: bytes
    files: Mapping[str, bytes]
    manifest: Manifest
    signature: "Signature | None"

    @property
    def digest(self) -> str:
        """The digest of its files: two signatures of the same files do not make two bundles."""
        return digest_of(self.files)


def open_bundle(path: Path, trust: Trust) -> Bundle:
    """The bundle at `path`. Raises PolicyRefused: nothing of it has been used then."""
    return opened(path.name, read_file(path), trust)


def opened(name: str, packed: bytes, trust: Trust) -> Bundle:
    """The bundle in `packed`. Raises PolicyRefused."""
    if trust.required and not trust.keys:
        raise PolicyRefused((f"{name}: {_NEEDS_KEYS}: policy.keys (--policy-key ID=FILE), or policy.unsigned",))
    everything = read_archive(name, packed)
    signature = _verified(name, everything, trust) if trust.keys else None
    files = {path: content for path, content in everything.items() if path != SIGNATURES}
    found = read_manifest(name, files)
    if problems := tuple(f"{name}: {problem}" for problem in _problems(files, found, signed=signature is not None)):
        raise PolicyRefused(problems)
    return Bundle(name, packed, files, found, signature)


def digest_of(files: Mapping[str, bytes]) -> str:
    """One digest of many files by their names: `sha256:` and hex."""
    digest = hashlib.sha256()
    for path in sorted(files):
        for part in (path.encode(), files[path]):
            digest.update(len(part).to_bytes(8) + part)
    return "sha256:" + digest.hexdigest()


def _verified(name: str, files: Mapping[str, bytes], trust: Trust) -> "Signature":
    from policy.signatures import verified  # Its JWT library is loaded where there is a signature.

    return verified(name, files, trust)


def _problems(files: Mapping[str, bytes], found: Manifest, *, signed: bool) -> Iterator[str]:
    if signed and found.version is None:
        yield ".manifest: metadata.version is missing: the versions of signed bundles only rise"
    for path in files:
        kind = PurePosixPath(path).name
        if kind.endswith("_test.rego") or not (kind.endswith(".rego") or kind == "data.json" or path == MANIFEST):
            yield f"{path}: a bundle holds rules (.rego, no tests), data.json and .manifest, and nothing else"
