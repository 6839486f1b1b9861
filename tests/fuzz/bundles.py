"""Bundles: refused as PolicyRefused or loaded whole; an archive that is damaged anywhere is not loaded in part."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from typing import Final

import orjson

from policy.bundle import load, pack
from policy.engine import Policy, PolicyRefused
from policy.trust import UNSIGNED
from tests.fuzz.chains import scratch
from tests.fuzz.edits import edited_bytes
from tests.fuzz.pieces import Pieces
from tests.fuzz.target import Target

_FOLDER: Final = scratch()
_BLOCK: Final = 512
_RULES: Final = b'package agentgate\n\ndecision := {"effect": "allow", "reason": "ok"}\n'
_MANIFEST: Final = b'{"revision":"r7","roots":[""],"metadata":{"version":7}}'
_FILES: Final = {".manifest": _MANIFEST, "a.rego": _RULES, "teams/data.json": b'{"list":[1]}'}


class _Damaged(Exception):
    """An archive that does not follow the format to its end."""


class _Unusual(Exception):
    """An archive with parts that the plain reader here does not know."""


def _tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()[: (len(files) * 2 + 2) * _BLOCK]


_TAR: Final = _tar(_FILES)


def _check(raw: bytes) -> None:
    """The first byte says what the rest is: a file, changes to an archive, an archive, or one file in an archive."""
    pieces = Pieces(raw)
    match pieces.number(6):
        case 0:
            _loaded(pieces.rest())
        case 1:
            _check_archive(edited_bytes(_TAR, pieces))
        case 2:
            _check_archive(pieces.rest())
        case kind:
            name = (".manifest", "a.rego", "teams/data.json")[kind - 3]
            _loaded(gzip.compress(_tar({**_FILES, name: pieces.rest()}), 1))


def _check_archive(tar: bytes) -> None:
    policy = _loaded(gzip.compress(tar, 1))
    try:
        files = _plain(tar)
    except _Unusual:
        return
    except _Damaged:
        assert policy is None, "a damaged archive is not loaded in part"
        return
    if policy is not None:
        texts = {name: content.decode() for name, content in files.items() if name.endswith(".rego")}
        assert policy.modules == {name: text for name, text in texts.items() if not name.endswith("_test.rego")}


def _loaded(raw: bytes) -> Policy | None:
    path = _FOLDER / "b.tar.gz"
    path.write_bytes(raw)
    try:
        policy = load(str(path), grants=None, trust=UNSIGNED)
    except PolicyRefused as refused:
        assert refused.problems
        return None
    assert all(not name.startswith("/") and ".." not in name.split("/") for name in policy.modules)
    assert orjson.loads(orjson.dumps(policy.data)) == json.loads(json.dumps(policy.data)) == policy.data
    assert type(policy.revision) is str
    assert policy.version is None or type(policy.version) is int
    assert pack(policy)
    return policy


def _plain(tar: bytes) -> dict[str, bytes]:
    """The files of an archive of plain files (POSIX ustar, IEEE Std 1003.1), read block by block."""
    files: dict[str, bytes] = {}
    at = 0
    while any(header := tar[at : at + _BLOCK]):
        name, size = _header(header)
        at += _BLOCK + -(-size // _BLOCK) * _BLOCK
        if at > len(tar) or name in files:
            raise _Damaged
        begin = at - -(-size // _BLOCK) * _BLOCK
        files[name] = tar[begin : begin + size]
    if any(tar[at:]):
        raise _Damaged
    return files


def _header(header: bytes) -> tuple[str, int]:
    if len(header) < _BLOCK:
        raise _Damaged
    if header[156:157] not in (b"0", b"\0") or header[257:265] != b"ustar\x0000" or any(header[345:500]):
        raise _Unusual
    digits = [header[124:136].rstrip(b"\0 "), header[148:156].rstrip(b"\0 ")]
    if not all(text and all(digit in b"01234567" for digit in text) for text in digits):
        raise _Unusual
    if sum(header[:148]) + 8 * 32 + sum(header[156:]) != int(digits[1], 8):
        raise _Damaged
    name = header[:100].split(b"\0")[0].decode("latin-1")
    if not name.isascii() or name.startswith("/") or "." in name.split("/") or "//" in name or name.endswith("/"):
        raise _Unusual
    return name, int(digits[0], 8)


def _seeds() -> list[bytes]:
    deep = b'{"x":' * 300 + b"1" + b"}" * 300
    odd = [b"{}", b"null", b'{"x":"\\ud800"}', b'{"x":1e400}', b'{"x":[' * 3 + b"]}" * 3, deep, b"[" * 1000]
    rego = [_RULES, _RULES + b'listing := {"hide": []}\n', b"package system.authz\n", b"\xff"]
    return [
        b"\0" + gzip.compress(_TAR, mtime=0),
        b"\1",
        b"\2" + _TAR,
        *(b"\1" + bytes([kind, 2, at, 3, 9]) for kind in range(11) for at in range(0, 256, 63)),
        *(bytes([kind]) + text for kind in (3, 5) for text in [_MANIFEST, *odd]),
        *(b"\4" + text for text in rego),
    ]


BUNDLE: Final = Target(
    "bundle",
    "a bundle is loaded whole and can be packed again, or is refused as PolicyRefused",
    _check,
    _seeds,
    (b'"revision":"', b'"metadata":{', b'"version":', b'"agentgate":{', b'"roots":[', b"\\ud800", b"package ", b"[[[["),
    max_bytes=6000,
)
