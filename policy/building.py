"""Building a bundle of a folder, and signing one: the same input gives the same bytes.

The data of a folder, in however many JSON files, becomes the one `data.json` that OPA reads; a `.manifest` in the
folder says what the bundle's roots and metadata are. What is built is opened and loaded as a sidecar would.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from policy.archive import MANIFEST, SIGNATURES, write_archive
from policy.bundle import load, load_bundle
from policy.engine import Policy, PolicyRefused
from policy.opening import Bundle, digest_of, opened
from policy.pem import PrivateKey
from policy.trust import UNSIGNED

_SORTED: Final = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a build; None leaves it to the folder's `.manifest`, else to the defaults."""

    built_by: str
    version: int | None = None
    revision: str | None = None
    rollback_of: int | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """A bundle, the policy in it, and the files of the folder that are no part of it."""

    bundle: Bundle
    policy: Policy
    ignored: tuple[str, ...]


def build(folder: Path, wanted: Wanted) -> Built:
    """The bundle of a folder, unsigned. Raises PolicyRefused with every problem that was found."""
    if not folder.is_dir():
        raise PolicyRefused((f"{folder}: is no folder",))
    ignored, links = _strays(folder)
    problems = [f"{path}: is a link; a bundle holds files alone" for path in links]
    policy = _tried(problems, folder)
    manifest = _manifest(folder, wanted, problems)
    if policy is None or problems:
        raise PolicyRefused(tuple(problems))
    files = {path: text.encode() for path, text in policy.modules.items()}
    if data := _own(policy.data):
        files["data.json"] = orjson.dumps(data, option=_SORTED)
    manifest["revision"] = manifest.get("revision") or digest_of(files)
    files[MANIFEST] = orjson.dumps(manifest, option=_SORTED)
    bundle = opened(folder.name, write_archive(files), UNSIGNED)
    return Built(bundle, load_bundle(bundle, grants=None), ignored)


def signed(bundle: Bundle, key: PrivateKey, algorithm: str, keyid: str, scope: str = "") -> bytes:
    """The archive of `bundle` with a signature in the place of whatever it had. Raises PolicyRefused."""
    from policy.signatures import sign  # Only who signs needs a JWT library.

    if bundle.manifest.version is None:
        raise PolicyRefused((f"{bundle.name}: has no version: agentgate policy build --version N",))
    load_bundle(bundle, grants=None)
    try:
        signature = sign(bundle.files, key, algorithm, keyid, scope)
    except (ValueError, RecursionError) as error:
        raise PolicyRefused((f"{bundle.name}: cannot be signed: {error}",)) from error
    return write_archive({**bundle.files, SIGNATURES: signature})


def _strays(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What lies in the folder and is no part of a policy, and what is a link."""
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
    links = tuple(name for name, path in paths.items() if path.is_symlink())
    files = (name for name, path in paths.items() if path.is_file() and name not in links)
    return tuple(name for name in files if name != MANIFEST and not _is_part(name)), links


def _is_part(name: str) -> bool:
    return (name.endswith(".rego") and not name.endswith("_test.rego")) or name.endswith(".json")


def _tried(problems: list[str], folder: Path) -> Policy | None:
    try:
        return load(str(folder), grants=None)
    except PolicyRefused as error:
        problems += error.problems
        return None


def _own(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data without what the sidecar puts in."""
    ours = {
        key: value
        for key, value in data["agentgate"].items()
        if key not in ("grants", "trusted_upstreams", "exceptions")
    }
    others = {key: value for key, value in data.items() if key != "agentgate"}
    return {**others, "agentgate": ours} if ours else others


def _manifest(folder: Path, wanted: Wanted, problems: list[str]) -> dict[str, Any]:
    """What the folder's manifest says, and what is wanted over it; it is checked when the bundle is opened."""
    try:
        found = json.loads((folder / MANIFEST).read_bytes().decode())
    except FileNotFoundError:
        found = {}
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{MANIFEST}: {error}")
        found = {}
    if not isinstance(found, dict) or not isinstance(found.get("metadata", {}), dict):
        problems.append(f"{MANIFEST}: is not an object, or its metadata is none")
        found = {}
    given = {"version": wanted.version, "rollback_of": wanted.rollback_of, "built_by": wanted.built_by}
    metadata = {**found.get("metadata", {}), **{name: value for name, value in given.items() if value is not None}}
    revision = {} if wanted.revision is None else {"revision": wanted.revision}
    return {"roots": [""], "rego_version": 1, **found, **revision, "metadata": metadata}
