"""The signature of a bundle, in OPA's own format: one JWT in `.signatures.json` that lists every file by its digest.

A signature counts if all of these hold; OPA itself asks for less.

    1  `.signatures.json` holds one token and names no plugin
    2  the token names a key that is trusted
    3  that key made it, with the one algorithm that the key is for, and its header asks for nothing more
    4  it is for the scope that is asked for
    5  it lists each file once, each file of the bundle, and no other
    6  each file has the SHA-256 that is listed

Of a file of data (`data.json`, `.manifest`) OPA hashes the document and not its spelling: keys in order, without
blanks, numbers as they are spelled.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final, NoReturn, TypeVar

import jwt
import msgspec
from msgspec import Struct

from evidence.canonical import Spelled
from policy.archive import SIGNATURES
from policy.engine import PolicyRefused
from policy.pem import PrivateKey
from policy.trust import Trust

HASH: Final = "SHA-256"

_DOCUMENTS: Final = frozenset({"data.json", ".manifest"})
_TEXTS: Final = json.JSONEncoder(ensure_ascii=False)
_NO_PLUGINS: Final = ("", "_default")

S = TypeVar("S", bound=Struct)


class SignedFile(Struct, frozen=True, forbid_unknown_fields=True):
    """One file as the token lists it."""

    name: str
    hash: str
    algorithm: str


class Claims(Struct, frozen=True):
    """What a token says; further claims (`iat`, `iss`, …) are the signer's own."""

    files: tuple[SignedFile, ...]
    keyid: str = ""
    scope: str = ""


class _Header(Struct, frozen=True, forbid_unknown_fields=True):
    alg: str
    kid: str = ""
    typ: str = "JWT"


class _Tokens(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    signatures: tuple[str, ...] = ()
    plugin: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who says so, and how. Only what `verified` returns has been verified."""

    keyid: str
    algorithm: str
    claims: Claims
    token: str


def digest(path: str, content: bytes) -> str:
    """The SHA-256 that OPA takes of a file. Raises ValueError for a file of data that is no JSON in UTF-8."""
    if PurePosixPath(path).name in _DOCUMENTS:
        content = "".join(_walked(_document(content))).encode()
    return hashlib.sha256(content).hexdigest()


def sign(files: Mapping[str, bytes], key: PrivateKey, algorithm: str, keyid: str, scope: str = "") -> bytes:
    """The `.signatures.json` for these files. Raises ValueError for a file of data that is no JSON."""
    entries = [{"name": path, "hash": digest(path, files[path]), "algorithm": HASH} for path in sorted(files)]
    claims = {"files": entries, "keyid": keyid, **({"scope": scope} if scope else {})}
    token = jwt.PyJWS().encode(msgspec.json.encode(claims), key, algorithm, {"kid": keyid})
    return msgspec.json.encode(_Tokens((token,))) + b"\n"


def read_signature(name: str, raw: bytes) -> Signature:
    """What a `.signatures.json` of the bundle `name` claims; nothing of it is verified. Raises PolicyRefused."""
    tokens = _read(name, "the file", raw, _Tokens)
    if tokens.plugin not in _NO_PLUGINS:
        _refuse(name, f"asks for the plugin {tokens.plugin!r}, and there are none")
    if (count := len(tokens.signatures)) != 1:
        _refuse(name, f"holds {count} tokens where there is one")
    token = tokens.signatures[0]
    if not token.isascii() or token.count(".") != 2:
        _refuse(name, "the token is no compact JWT")
    head, body, _ = token.split(".")
    header = _read(name, "the token's header", _decoded(name, head), _Header)
    claims = _read(name, "the token", _decoded(name, body), Claims)
    if header.kid and claims.keyid and header.kid != claims.keyid:
        _refuse(name, f"names two keys, {header.kid!r} and {claims.keyid!r}")
    return Signature(header.kid or claims.keyid, header.alg, claims, token)


def verified(name: str, files: Mapping[str, bytes], trust: Trust) -> Signature:
    """The signature among the files of the bundle `name`, after all six steps. Raises PolicyRefused."""
    if SIGNATURES not in files:
        raise PolicyRefused((f"{name}: is not signed: there is no {SIGNATURES}",))
    signature = read_signature(name, files[SIGNATURES])
    key = trust.keys.get(signature.keyid)
    if key is None:
        _refuse(name, f"the key {signature.keyid!r} is none of those that count ({', '.join(sorted(trust.keys))})")
    if signature.algorithm != key.algorithm:
        _refuse(name, f"made with {signature.algorithm!r}, where the key {signature.keyid!r} is for {key.algorithm}")
    try:
        jwt.PyJWS().decode_complete(signature.token, key.public, algorithms=[key.algorithm])
    except jwt.PyJWTError as error:
        raise PolicyRefused((f"{name}: {SIGNATURES}: the key {signature.keyid!r} did not make it: {error}",)) from error
    if signature.claims.scope != trust.scope:
        _refuse(name, f"made for the scope {signature.claims.scope!r}, and {trust.scope!r} is asked for")
    problems = tuple(f"{name}: {problem}" for problem in _file_problems(signature.claims, files))
    if problems:
        raise PolicyRefused(problems)
    return signature


def _file_problems(claims: Claims, files: Mapping[str, bytes]) -> Iterator[str]:
    listed: dict[str, SignedFile] = {}
    for entry in claims.files:
        if entry.name in listed:
            yield f"{entry.name}: the signature lists it twice"
        listed[entry.name] = entry
    there = files.keys() - {SIGNATURES}
    yield from (f"{path}: is not covered by the signature" for path in sorted(there - listed.keys()))
    yield from (f"{path}: was signed and is missing" for path in sorted(listed.keys() - there))
    for path in sorted(there & listed.keys()):
        yield from _content_problems(path, listed[path], files[path])


def _content_problems(path: str, entry: SignedFile, content: bytes) -> Iterator[str]:
    if entry.algorithm != HASH:
        yield f"{path}: the signature lists it by {entry.algorithm!r}, where {HASH} counts"
        return
    try:
        if digest(path, content) != entry.hash:
            yield f"{path}: is not what was signed"
    except (ValueError, RecursionError) as error:
        yield f"{path}: is no data: {error}"


def _document(content: bytes) -> Any:
    return json.loads(content.decode(), parse_int=Spelled, parse_float=Spelled, parse_constant=_no_number)


def _no_number(spelling: str) -> NoReturn:
    raise ValueError(f"{spelling} is no number")


def _walked(value: Any) -> Iterator[str]:
    """The pieces of the text that OPA hashes for a document (`walk` in its v1/bundle/hash.go)."""
    if isinstance(value, dict):
        yield "{"
        for number, key in enumerate(sorted(value)):
            yield ("," if number else "") + _text(key) + ":"
            yield from _walked(value[key])
        yield "}"
    elif isinstance(value, list):
        yield "["
        for number, item in enumerate(value):
            yield "," if number else ""
            yield from _walked(item)
        yield "]"
    else:
        yield value.spelling if isinstance(value, Spelled) else _text(value)


def _text(value: Any) -> str:
    """A text, true, false or null as Go spells it: like Python, but for two line ends of Unicode."""
    return _TEXTS.encode(value).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _decoded(name: str, part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise PolicyRefused((f"{name}: {SIGNATURES}: the token is no compact JWT: {error}",)) from error


def _read(name: str, what: str, raw: bytes, shape: type[S]) -> S:
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PolicyRefused((f"{name}: {SIGNATURES}: {what} is not of OPA's form: {error}",)) from error


def _refuse(name: str, problem: str) -> NoReturn:
    raise PolicyRefused((f"{name}: {SIGNATURES}: {problem}",))
