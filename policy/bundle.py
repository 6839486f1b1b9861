"""Loading a policy: the built-in ones, a folder of Rego and data, or an OPA bundle.

What is loaded is not yet trusted to be right: `vetting` looks at it before it becomes active. Folders and
built-ins are unsigned by nature; their revision is the digest of their files. Grants are merged into the base
document at `data.agentgate.grants` (in the indexed form of `grants.index`), trusted upstreams at
`data.agentgate.trusted_upstreams`; both are there for every policy, and no file of a policy may set them.
"""

import hashlib
import io
import json
import math
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import orjson

from policy.archive import MAX_BYTES, MAX_FILES, read_archive
from policy.engine import Policy, PolicyRefused

BUILTIN: Final = ("starter", "observe")

_REGO: Final = Path(__file__).parent / "rego"
_GIVEN: Final = ("grants", "trusted_upstreams")
_TEXT: Final = r'"(?:[^"\\\n]|\\.)*+"?'
"""A text to its closing quote, or to the end of its line: whatever stands in a module, it is read once."""

_NOT_CODE: Final = re.compile(rf"({_TEXT})|`[^`]*`|#[^\n]*")
_NESTING: Final = re.compile(rf"{_TEXT}|[{{}}\[\]()]|\n\s*(?:(?:if|else)\b)?")
_PACKAGE: Final = re.compile(r"^[^\S\n]*package\s+agentgate[^\S\n]*$", re.MULTILINE)
_SYSTEM: Final = re.compile(r"^[^\S\n]*package\s+system\b", re.MULTILINE)
_HEAD: Final = re.compile(r"(?:default\s+)?(decision|listing|result)\b")
_CONSTANT_LISTING: Final = 'listing := {"hide": []}'

Files = Mapping[str, bytes]


def load(spec: str, *, grants: Mapping[str, Any] | None, trusted: Iterable[str] = ()) -> Policy:
    """The policy named by `spec`: "starter", "observe", a folder, or a bundle (`.tar.gz`).

    `grants` is the index that `grants.index` makes, `trusted` the names of the upstreams whose annotations
    count. Raises PolicyRefused with one line for each problem, file and line first.
    """
    given = dict(zip(_GIVEN, (dict(grants or {}), dict.fromkeys(trusted, True)), strict=True))
    if spec in BUILTIN:
        return _assemble(spec, _builtin_files(spec), given, manifest=None)
    path = Path(spec)
    if path.is_dir():
        return _assemble(path.name, _folder_files(path), given, manifest=None)
    if path.is_file():
        files = _bundle_files(path)
        return _assemble(path.name, files, given, manifest=_manifest(path.name, files))
    raise PolicyRefused((f"{spec}: neither {' nor '.join(BUILTIN)}, nor a folder, nor a bundle",))


def pack(policy: Policy) -> bytes:
    """The policy as an OPA bundle with our `system.authz`; it owns every root and its revision names rules and data."""
    manifest = {"revision": bundle_revision(policy), "roots": [""], "rego_version": 1}
    files = {".manifest": orjson.dumps(manifest), "data.json": orjson.dumps(policy.data)}
    files |= {path: text.encode() for path, text in policy.modules.items()}
    files["system/authz.rego"] = (_REGO / "system" / "authz.rego").read_bytes()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo("/" + name)
            entry.size, entry.mode = len(files[name]), 0o600
            archive.addfile(entry, io.BytesIO(files[name]))
    return buffer.getvalue()


def bundle_revision(policy: Policy) -> str:
    """What an engine outside this process is asked to call the policy: grants change the data and not the revision."""
    return f"{policy.revision};{policy.data_revision}"


def _assemble(name: str, files: Files, given: Mapping[str, Any], manifest: Mapping[str, Any] | None) -> Policy:
    modules, problems = _modules(files)
    data = _data(files, problems)
    ours = data.setdefault("agentgate", {})
    if not isinstance(ours, dict) or not ours.keys().isdisjoint(given):
        problems.append("data.json: agentgate.grants and agentgate.trusted_upstreams are set by the sidecar only")
    problems += [f"{path}: package system is the sidecar's" for path, text in modules.items() if _is_system(text)]
    heads = [code for text in modules.values() if _PACKAGE.search(code := _code(text))]
    rules = [(head[1], text) for code in heads for text in _statements(code) if (head := _HEAD.match(text))]
    if not heads:
        problems.append(f"{name}: no module of package agentgate")
    elif not any(rule == "decision" for rule, _ in rules):
        problems.append(f"{name}: no rule `decision` in package agentgate")
    if problems:
        raise PolicyRefused(tuple(problems))
    data["agentgate"] = {**given, **ours}  # In this order, since the embedded engine looks through members one by one.
    metadata = (manifest or {}).get("metadata") or {}
    return Policy(
        name=name,
        modules=modules,
        data=data,
        revision=(manifest or {}).get("revision") or _digest(files),
        data_revision="sha256:" + hashlib.sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).hexdigest(),
        version=metadata.get("version"),
        signed=False,
        hides_nothing=("listing", _CONSTANT_LISTING) in rules and _mentions_of_listing(modules) == 1,
        has_result=any(rule == "result" for rule, _ in rules),
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


def _bundle_files(path: Path) -> Files:
    files = read_archive(path)
    return {inner: content for inner, content in files.items() if _counts(inner) or _is_manifest(inner)}


def _is_manifest(path: str) -> bool:
    return PurePosixPath(path).name == ".manifest"


def _counts(name: str) -> bool:
    return (name.endswith(".rego") and not name.endswith("_test.rego")) or name.endswith(".json")


def _manifest(name: str, files: Files) -> Mapping[str, Any]:
    try:
        manifest = json.loads(files.get(".manifest", b"{}"))
    except (ValueError, RecursionError) as error:
        raise PolicyRefused((f"{name}: .manifest: {error}",)) from error
    metadata = manifest.get("metadata", {}) if isinstance(manifest, dict) else None
    if not isinstance(metadata, dict) or type(metadata.get("version", 0)) is not int:
        raise PolicyRefused((f"{name}: .manifest: metadata.version is not an integer",))
    if not isinstance(manifest.get("revision", ""), str):
        raise PolicyRefused((f"{name}: .manifest: revision is not a string",))
    return dict(manifest)


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


def _data(files: Files, problems: list[str]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for path, content in files.items():
        if not path.endswith(".json"):
            continue
        try:
            value = json.loads(content, parse_int=_int, parse_float=_float, parse_constant=_float)
        except json.JSONDecodeError as error:
            problems.append(f"{path}:{error.lineno}: {error.msg}")
            continue
        except (ValueError, RecursionError) as error:
            problems.append(f"{path}: {error}")
            continue
        for part in reversed(PurePosixPath(path).parts[:-1]):
            value = {part: value}
        if not _is_writable(value):
            problems.append(f"{path}: nests too deeply, or holds half of a surrogate pair")
        elif not isinstance(value, dict) or not _merge(merged, value):
            problems.append(f"{path}: not an object, or sets what another data file sets")
    return merged


def _is_writable(value: Any) -> bool:
    """Whether the engines can be handed the value as JSON."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def _int(spelling: str) -> int:
    value = int(spelling)
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError(f"{spelling} is no number that every engine holds")
    return value


def _float(spelling: str) -> float:
    value = float(spelling)
    if not math.isfinite(value):
        raise ValueError(f"{spelling} is no number that every engine holds")
    return value


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> bool:
    for key, value in more.items():
        found = into.get(key)
        if isinstance(found, dict) and isinstance(value, dict):
            if not _merge(found, value):
                return False
        elif key in into:
            return False
        else:
            into[key] = value
    return True


def _is_system(text: str) -> bool:
    return _SYSTEM.search(_code(text)) is not None


def _code(text: str) -> str:
    """`text` without its comments, and without what its raw strings hold."""
    return _NOT_CODE.sub(lambda found: found[1] or "", text)


def _mentions_of_listing(modules: Mapping[str, str]) -> int:
    """How often the name stands anywhere in code: a second rule, wherever it hides, is a second mention."""
    return sum(re.sub(_TEXT, "", _code(text)).count("listing") for text in modules.values())


def _statements(code: str) -> Iterator[str]:
    """The lines of a module outside of every bracket, each with the bracketed lines that belong to it."""
    depth = begin = 0
    for mark in _NESTING.finditer(code):
        if mark[0].isspace() and depth == 0:
            yield code[begin : mark.start()].strip()
            begin = mark.end()
        elif mark[0] in "{[(":
            depth += 1
        elif mark[0] in "}])":
            depth -= 1
    yield code[begin:].strip()


def _digest(files: Files) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        for part in (path.encode(), files[path]):
            digest.update(len(part).to_bytes(8) + part)
    return "sha256:" + digest.hexdigest()
