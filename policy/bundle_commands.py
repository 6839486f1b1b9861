"""`agentgate policy build|sign|verify|inspect`: what an organisation does with bundles, wherever they are."""

import asyncio
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evidence.printable import printable
from policy.archive import SIGNATURES, read_archive
from policy.building import Wanted, build, signed
from policy.bundle import load_bundle
from policy.commands import vet
from policy.engine import Policy, PolicyAway, PolicyRefused
from policy.module_text import entry_points
from policy.obtaining import Place, obtained
from policy.opening import Bundle, open_bundle, opened
from policy.pem import PublicKey, algorithm_of, read_keys, read_private_key
from policy.trust import UNSIGNED, Trust

if TYPE_CHECKING:
    from policy.signatures import Signature

_TRUE: Final = 0
_NOT_TRUE: Final = 1
_ID_DIGITS: Final = 16

EngineName = Literal["embedded", "opa"]


def run_build(
    folder: Path, wanted: Wanted, output: Path, *, engine: EngineName, environ: Mapping[str, str], out: TextIO
) -> int:
    """`policy build`: 0 and a bundle, or 1 and every problem.

    Raises PolicyRefused where there is no folder, OpaMissing if OPA is asked and is not there.
    """
    if not folder.is_dir():
        raise PolicyRefused((f"{folder}: is no folder",))
    try:
        built = build(folder, wanted)
        _vet(built.policy, engine, environ)
    except PolicyRefused as error:
        return _refused(error, out)
    _write(output, built.bundle.packed)
    out.writelines(f"ignored: {printable(name)}\n" for name in built.ignored)
    out.write(f"{output}: {_line(built.bundle)}\n")
    return _TRUE


def run_sign(
    path: Path, key: Path, output: Path, *, keyid: str | None, algorithm: str | None, scope: str, out: TextIO
) -> int:
    """`policy sign`: 0 and a signed bundle, or 1 and what is wrong with it.

    Raises PolicyRefused for a bad key, or where there is no file.
    """
    _look_for(path)
    private = read_private_key(key)
    own = algorithm_of(key, private.public_key())
    if algorithm not in (None, own):
        raise PolicyRefused((f"{key}: is a key for {own}, not for {algorithm}",))
    named = keyid or _id_of(private.public_key())
    try:
        bundle = open_bundle(path, UNSIGNED)
        packed = signed(bundle, private, own, named, scope)
    except PolicyRefused as error:
        return _refused(error, out)
    _write(output, packed)
    out.write(f"{output}: signed by {printable(named)} ({own}), {_line(bundle)}\n")
    return _TRUE


def run_verify(place: Place, keys: Iterable[str], *, scope: str, out: TextIO, as_json: bool = False) -> int:
    """`policy verify`: 0 if one of the keys (ID=FILE) signed what is in the bundle, else 1 and why not.

    Raises PolicyRefused for keys that are none or where there is no file, PolicyAway where a server gave no bundle.
    """
    _look_for(place)
    trust = Trust(read_keys(keys), scope=scope)
    try:
        found = obtained(place)
        bundle = opened(found.name, found.packed, trust)
        load_bundle(bundle, grants=None)
    except PolicyAway:
        raise
    except PolicyRefused as error:
        if as_json:
            out.write(json.dumps({"ok": False, "problems": list(error.problems)}) + "\n")
            return _NOT_TRUE
        return _refused(error, out)
    if bundle.signature is None:
        raise PolicyRefused(("policy verify: at least one --key ID=FILE is needed",))
    signature = bundle.signature
    if as_json:
        out.write(json.dumps({"ok": True, "bundle": found.shown, **_verified(bundle, signature)}) + "\n")
        return _TRUE
    out.write(f"{found.shown}: signed by {printable(signature.keyid)} ({signature.algorithm}), {_line(bundle)}\n")
    return _TRUE


def run_inspect(place: Place, *, as_json: bool, out: TextIO) -> int:
    """`policy inspect`: what a bundle says and holds, none of it verified; 1 and why, if it can be none.

    Raises PolicyRefused where there is no file, PolicyAway where a server gave no bundle.
    """
    _look_for(place)
    try:
        raw = obtained(place)
        found = _described(opened(raw.name, raw.packed, UNSIGNED))
    except PolicyAway:
        raise
    except PolicyRefused as error:
        return _refused(error, out)
    if as_json:
        out.write(json.dumps(found) + "\n")
    else:
        out.writelines(f"{line}\n" for line in _lines(found))
    return _TRUE


def _vet(policy: Policy, engine: EngineName, environ: Mapping[str, str]) -> None:
    """What the engine that will have it says of it. Raises PolicyRefused or OpaMissing."""
    if engine == "embedded":
        asyncio.run(vet(policy))
        return
    from policy.opa_process import check, find_opa

    check(find_opa(environ), policy)


def _look_for(place: Place) -> None:
    """Nothing is said of a bundle that is not there. Raises PolicyRefused."""
    if isinstance(place, Path) and not place.is_file():
        raise PolicyRefused((f"{place}: is no file; a bundle (.tar.gz) is meant",))


def _verified(bundle: Bundle, signature: "Signature") -> dict[str, Any]:
    return {
        "keyid": signature.keyid,
        "algorithm": signature.algorithm,
        "version": bundle.manifest.version,
        "revision": bundle.manifest.revision or bundle.digest,
        "files": len(bundle.files),
        "problems": [],
    }


def _refused(error: PolicyRefused, out: TextIO) -> int:
    out.writelines(f"{printable(problem)}\n" for problem in error.problems)
    return _NOT_TRUE


def _line(bundle: Bundle) -> str:
    revision = bundle.manifest.revision or bundle.digest
    version = "no version" if bundle.manifest.version is None else f"version {bundle.manifest.version}"
    return f"{version}, revision {printable(revision)}, {len(bundle.files)} files"


def _described(bundle: Bundle) -> dict[str, Any]:
    from policy.signatures import digest

    modules = {path: content.decode("utf-8", "replace") for path, content in bundle.files.items() if _is_rule(path)}
    try:
        files = [
            {"name": path, "bytes": len(content), "sha256": digest(path, content)}
            for path, content in sorted(bundle.files.items())
        ]
    except (ValueError, RecursionError) as error:
        raise PolicyRefused((f"{bundle.name}: {error}",)) from error
    return {
        "bundle": bundle.name,
        "revision": bundle.manifest.revision,
        "version": bundle.manifest.version,
        "rollback_of": bundle.manifest.rollback_of,
        "roots": list(bundle.manifest.roots),
        "manifest": dict(bundle.manifest.document),
        "signature": _claimed(bundle),
        "files": files,
        "modules": sorted(modules),
        "entry_points": sorted(f"agentgate/{rule}" for rule in entry_points(modules)),
    }


def _is_rule(path: str) -> bool:
    return path.endswith(".rego")


def _claimed(bundle: Bundle) -> dict[str, str] | None:
    from policy.signatures import read_signature

    raw = read_archive(bundle.name, bundle.packed).get(SIGNATURES)
    if raw is None:
        return None
    signature = read_signature(bundle.name, raw)
    return {"keyid": signature.keyid, "algorithm": signature.algorithm, "scope": signature.claims.scope}


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    for name in ("revision", "version", "rollback_of"):
        if found[name] is not None:
            yield f"{name:<13}{printable(found[name])}"
    yield f"{'roots':<13}{', '.join(printable(root or '(all)') for root in found['roots'])}"
    yield f"{'metadata':<13}{printable(json.dumps(found['manifest'].get('metadata', {})))}"
    claimed = found["signature"]
    yield f"{'signature':<13}" + ("none" if claimed is None else printable(f"{_claim(claimed)}; not checked here"))
    yield f"{'entry points':<13}{', '.join(found['entry_points']) or 'none'}"
    for file in found["files"]:
        yield f"{file['sha256']}  {file['bytes']:>8}  {printable(file['name'])}"


def _claim(claimed: Mapping[str, str]) -> str:
    scope = f", scope {claimed['scope']}" if claimed["scope"] else ""
    return f"key {claimed['keyid']} ({claimed['algorithm']}{scope})"


def _id_of(key: PublicKey) -> str:
    """A name for a key that nobody has named: the beginning of the SHA-256 of its public half."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()[:_ID_DIGITS]


def _write(path: Path, content: bytes) -> None:
    """Put the file there in one step: whoever watches it sees the old one or the new one. Raises PolicyRefused."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        raise PolicyRefused((f"{path}: {error.strerror}",)) from error
