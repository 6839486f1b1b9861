"""Loading a policy: the built-in ones, a folder of Rego and data, or an OPA bundle.

What is loaded is not yet trusted to be right: `vetting` looks at it before it becomes active. Folders and
built-ins are unsigned by nature; their revision is the digest of their files. Of a bundle nothing is loaded before
`opening` has found that it counts. Grants are merged into the base
document at `data.agentgate.grants` (in the indexed form of `grants.index`), trusted upstreams at
`data.agentgate.trusted_upstreams`, exceptions at `data.agentgate.exceptions`; they are there for every policy, and no
file of a policy may set them.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson

from policy.archive import MAX_BYTES, MAX_FILES, write_archive
from policy.base_document import base_document
from policy.engine import Policy, PolicyRefused
from policy.exception_file import Found
from policy.exceptions import DEFAULT_SECONDS, revision_of, within
from policy.exceptions import index as index_exceptions
from policy.grants import TooManyEntries
from policy.manifest import Manifest
from policy.module_text import code_of, entry_points, hides_nothing, is_ours, is_system
from policy.opening import Bundle, digest_of, open_bundle
from policy.pins import Pins, digest, read_pins
from policy.roots import stray_data, stray_packages
from policy.trust import Trust

BUILTIN: Final = ("starter", "observe")

_REGO: Final = Path(__file__).parent / "rego"
_GIVEN: Final = ("grants", "trusted_upstreams", "exceptions")
_LIMITS: Final = "exception_limits"

Files = Mapping[str, bytes]

NO_EXCEPTIONS: Final = Found()


def load(
    spec: str,
    *,
    grants: Mapping[str, Any] | None,
    trusted: Iterable[str] = (),
    trust: Trust | None = None,
    pins: Mapping[str, Any] | None = None,
    exceptions: Found = NO_EXCEPTIONS,
) -> Policy:
    """The policy named by `spec`: "starter", "observe", a folder, or a bundle (`.tar.gz`).

    `grants` is the index that `grants.index` makes, `trusted` the names of the upstreams whose annotations
    count, `trust` says which bundles do (without it none), `pins` is the lock file of a policy that has none of its own
    (at `data.agentgate.pins`), `exceptions` what was found of them. Raises PolicyRefused with one line for each
    problem, file and line first.
    """
    path = Path(spec)
    if spec not in BUILTIN and path.is_file():
        bundle = open_bundle(path, trust or Trust())
        return load_bundle(bundle, grants=grants, trusted=trusted, pins=pins, exceptions=exceptions)
    given = _given(grants, trusted)
    if spec in BUILTIN:
        return _excepted(_assemble(spec, _builtin_files(spec), given, pins), exceptions)
    if path.is_dir():
        return _excepted(_assemble(path.name, _folder_files(path), given, pins), exceptions)
    raise PolicyRefused((f"{spec}: neither {' nor '.join(BUILTIN)}, nor a folder, nor a bundle",))


def load_bundle(
    bundle: Bundle,
    *,
    grants: Mapping[str, Any] | None,
    trusted: Iterable[str] = (),
    pins: Mapping[str, Any] | None = None,
    exceptions: Found = NO_EXCEPTIONS,
) -> Policy:
    """The policy in an opened bundle, with grants and all else that is given as for `load`. Raises PolicyRefused."""
    policy = _assemble(bundle.name, bundle.files, _given(grants, trusted), pins, bundle.manifest)
    policy = _excepted(policy, exceptions)
    return replace(policy, version=bundle.manifest.version, signed=bundle.signature is not None)


def pack(policy: Policy) -> bytes:
    """The policy as an OPA bundle with our `system.authz`; it owns every root and its revision names rules and data."""
    manifest = {"revision": bundle_revision(policy), "roots": [""], "rego_version": 1}
    files = {".manifest": orjson.dumps(manifest), "data.json": orjson.dumps(policy.data)}
    files |= {path: text.encode() for path, text in policy.modules.items()}
    files["system/authz.rego"] = (_REGO / "system" / "authz.rego").read_bytes()
    return write_archive({f"/{path}": content for path, content in files.items()}, level=1)


def bundle_revision(policy: Policy) -> str:
    """What an engine outside this process is asked to call the policy: grants change the data and not the revision."""
    return f"{policy.revision};{policy.data_revision}"


def _given(grants: Mapping[str, Any] | None, trusted: Iterable[str]) -> dict[str, Any]:
    return dict(zip(_GIVEN, (dict(grants or {}), dict.fromkeys(trusted, True), {}), strict=True))


def _excepted(policy: Policy, found: Found) -> Policy:
    """The policy with those of the exceptions that it lets last so long; problems of theirs are none of its own."""
    kept, problems = within(found.exceptions, longest_exception(policy))
    try:
        tree = index_exceptions(kept)
    except TooManyEntries as error:
        kept, tree, problems = {}, {}, [*problems, f"exceptions: {error}; no exception counts"]
    policy = replace(policy, exceptions=kept, exception_problems=(*found.problems, *problems))
    if not kept:
        return policy
    data = {**policy.data, "agentgate": {**policy.data["agentgate"], "exceptions": tree}}
    return replace(policy, data=data, data_revision=_digest(data), exceptions_revision=revision_of(kept))


def longest_exception(policy: Policy) -> int:
    """How many seconds an exception may last under this policy."""
    most: int = policy.data["agentgate"].get(_LIMITS, {}).get("max_seconds", DEFAULT_SECONDS)
    return most


def _limit_problems(ours: Mapping[str, Any]) -> Iterator[str]:
    limits = ours.get(_LIMITS, {"max_seconds": DEFAULT_SECONDS})
    if not isinstance(limits, dict) or limits.keys() != {"max_seconds"} or not _is_seconds(limits["max_seconds"]):
        yield f'data.json: agentgate.{_LIMITS} is not {{"max_seconds": whole seconds, 0 for no exceptions at all}}'


def _is_seconds(value: Any) -> bool:
    return type(value) is int and value >= 0


def _digest(data: Mapping[str, Any]) -> str:
    return "sha256:" + hashlib.sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _assemble(
    name: str,
    files: Files,
    given: Mapping[str, Any],
    pins: Mapping[str, Any] | None,
    manifest: Manifest | None = None,
) -> Policy:
    modules, problems = _modules(files)
    data = base_document(files, problems)
    ours = data.setdefault("agentgate", {})
    if not isinstance(ours, dict) or not ours.keys().isdisjoint(given):
        names = ", ".join(f"agentgate.{name}" for name in _GIVEN)
        problems.append(f"data.json: {names} are set by the sidecar only")
    else:
        problems += _limit_problems(ours)
    problems += [f"{path}: package system is the sidecar's" for path, text in modules.items() if is_system(text)]
    rules = entry_points(modules)
    if not any(is_ours(text) for text in modules.values()):
        problems.append(f"{name}: no module of package agentgate")
    elif "decision" not in rules:
        problems.append(f"{name}: no rule `decision` in package agentgate")
    if manifest is not None:
        problems += _outside(manifest.roots, modules, data)
    lock = ours.get("pins", pins) if isinstance(ours, dict) else None
    pinned: Pins = {}
    try:
        pinned = {} if lock is None else read_pins(lock, "pins")
    except PolicyRefused as error:
        problems += error.problems
    if problems:
        raise PolicyRefused(tuple(problems))
    data["agentgate"] = {**given, **ours}  # In this order, since the embedded engine looks through members one by one.
    return Policy(
        name=name,
        modules=modules,
        data=data,
        revision=(manifest and manifest.revision) or digest_of(files),
        data_revision=_digest(data),
        version=None,
        signed=False,
        hides_nothing=hides_nothing(modules),
        has_result="result" in rules,
        pins=pinned,
        pins_revision=None if lock is None else digest(lock),
    )


def _builtin_files(name: str) -> Files:
    paths = [*(_REGO / "rules").glob("*"), *(_REGO / name).glob("*")]
    files = {f"{path.parent.name}/{path.name}": path.read_bytes() for path in sorted(paths) if _counts(path.name)}
    ours = json.loads(files.pop("rules/data.json"))["agentgate"]
    kept = {key: value for key, value in ours.items() if key not in _GIVEN}
    return files | {"data.json": orjson.dumps({"agentgate": kept})}


def _folder_files(folder: Path) -> Files:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and _counts(path.name)]
    if len(paths) > MAX_FILES or sum(path.stat().st_size for path in paths) > MAX_BYTES:
        raise PolicyRefused((f"{folder}: more than {MAX_FILES} files or {MAX_BYTES} bytes",))
    try:
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    except OSError as error:
        raise PolicyRefused((f"{error.filename}: {error.strerror}",)) from error


def _counts(name: str) -> bool:
    return (name.endswith(".rego") and not name.endswith("_test.rego")) or name.endswith(".json")


def _modules(files: Files) -> tuple[dict[str, str], list[str]]:
    modules: dict[str, str] = {}
    problems: list[str] = []
    for path, content in files.items():
        if not path.endswith(".rego"):
            continue
        try:
            modules[path] = content.decode()
        except UnicodeDecodeError as error:
            problems.append(f"{path}: not UTF-8 at byte {error.start}")
    return modules, problems


def _outside(roots: Sequence[str], modules: Mapping[str, str], data: Mapping[str, Any]) -> list[str]:
    """What lies in none of the roots; OPA would refuse the bundle for it, or another would own it."""
    strays = stray_packages(roots, {path: code_of(text) for path, text in modules.items()})
    problems = [f"{path}: package {package} is in none of the roots" for path, package in strays]
    own = {key: value for key, value in data.items() if key != "agentgate" or value}
    return problems + [f"data.json: {path} is in none of the roots" for path in stray_data(roots, own)]
