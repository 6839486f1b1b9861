"""Signatures of bundles: whatever stands in the file or in a token by the right key, only what was signed counts."""

import hashlib
import json
from typing import Final

import jwt

from policy.archive import SIGNATURES
from policy.engine import PolicyRefused
from policy.signatures import Claims, read_signature, sign, verified
from tests.fuzz.edits import edited_bytes
from tests.fuzz.pieces import Pieces
from tests.fuzz.target import Target
from tests.policy.tampering import KEYID, claims, files, key, trust

_FILES: Final = files()
_TRUST: Final = trust()
_GENUINE: Final = sign(_FILES, key(), "ES256", KEYID)
_CLAIMS: Final = read_signature("b", _GENUINE).claims
_SAID: Final = json.dumps(claims(_FILES)).encode()


def _check(raw: bytes) -> None:
    """The first byte says what the rest is: the file, changes to it, what a token says, changes to that, or data."""
    pieces = Pieces(raw)
    match pieces.number(5):
        case 0:
            _counted(pieces.rest())
        case 1:
            _counted(edited_bytes(_GENUINE, pieces))
        case 2:
            _listed(pieces.rest())
        case 3:
            _listed(edited_bytes(_SAID, pieces))
        case _:
            _data(pieces.rest())


def _counted(signatures: bytes) -> None:
    """Nobody but the key's holder makes a token, so that one which counts says what the genuine one does."""
    found = _verified({**_FILES, SIGNATURES: signatures})
    assert found is None or found == _CLAIMS


def _listed(said: bytes) -> None:
    """The key's holder may say anything; it counts if every file is listed as it is."""
    token = jwt.PyJWS().encode(said, key(), "ES256", {"kid": KEYID})
    found = _verified({**_FILES, SIGNATURES: json.dumps({"signatures": [token]}).encode()})
    if found is not None:
        assert sorted(entry.name for entry in found.files) == sorted(_FILES)
        (rules,) = (entry for entry in found.files if entry.name == "main.rego")
        assert rules.hash == hashlib.sha256(_FILES["main.rego"]).hexdigest()
        assert found.scope == ""


def _data(text: bytes) -> None:
    """Data is signed as a document or not at all, and what was signed counts."""
    content = {**_FILES, "data.json": text}
    try:
        made = sign(content, key(), "ES256", KEYID)
    except (ValueError, RecursionError):
        assert _verified({**content, SIGNATURES: _GENUINE}) is None
        return
    json.loads(text)
    assert _verified({**content, SIGNATURES: made}) is not None
    assert _verified({**content, "data.json": text + b"\n", SIGNATURES: made}) is not None


def _verified(content: dict[str, bytes]) -> Claims | None:
    try:
        return verified("b", content, _TRUST).claims
    except PolicyRefused as refused:
        assert refused.problems
        return None


def _seeds() -> list[bytes]:
    odd = [
        b"{}",
        b"null",
        b'{"signatures":["a.b.c"]}',
        b'{"signatures":[]}',
        b"[" * 500,
        b'{"x":[1.50,-0,1e400]}',
        b"\xff",
    ]
    return [
        b"\1",
        b"\0" + _SAID,
        b"\2" + _SAID,
        b"\3",
        *(bytes([kind]) + text for kind in (0, 2, 4) for text in odd),
        *(bytes([kind, change, 0, at, 3, 9]) for kind in (1, 3) for change in range(11) for at in range(0, 256, 51)),
        b'\4{"a":"\\u2028<\\u0001","b":{"c":[]}}',
    ]


SIGNATURE: Final = Target(
    "signature",
    "a bundle counts only with every file as it was signed by the trusted key, or is refused as PolicyRefused",
    _check,
    _seeds,
    (b'"signatures":["', b'"files":[', b'"hash":"', b'"algorithm":"SHA-256"', b'"keyid":"', b'"scope":"', b"\\u2028"),
    max_bytes=2048,
)
