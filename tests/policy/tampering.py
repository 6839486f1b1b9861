"""Bundles that must not count, each made by what it is named after; and what a signer needs to make them.

The table is played three times: against the loading of policies, against OPA itself, and against a running sidecar.
"""

import base64
import hashlib
import hmac
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from policy.archive import MAX_BYTES, SIGNATURES, write_archive
from policy.pem import PrivateKey
from policy.signatures import digest, sign
from policy.trust import Trust, TrustedKey

KEYID: Final = "release-2026"
VERSION: Final = 7
RULES: Final = b"""package agentgate

decision := {"effect": "allow", "reason": "ok"} if input.call.name in data.tools
else := {"effect": "deny", "reason": "not_listed"}

listing := {"hide": []}
"""
DATA: Final = b'{"tools": ["echo"]}\n'

Files = Mapping[str, bytes]
OpaSays = Literal["refuses", "accepts"]


def key(name: str = "release") -> PrivateKey:
    """An EC key by name; one whose name begins with `rsa` is an RSA key."""
    return _key(name)


@cache
def _key(name: str) -> PrivateKey:
    return generate_rsa_key(65537, 2048) if name.startswith("rsa") else generate_private_key(SECP256R1())


def private_pem(of: PrivateKey) -> bytes:
    """What `policy sign` reads."""
    return of.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(of: PrivateKey) -> bytes:
    """What a sidecar and OPA read."""
    return of.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def trust(keyid: str = KEYID, of: PrivateKey | None = None, algorithm: str = "ES256", scope: str = "") -> Trust:
    """Trust in one key."""
    return Trust({keyid: TrustedKey((of or key()).public_key(), algorithm)}, scope=scope)


def manifest(version: int | None = VERSION, **more: Any) -> bytes:
    """A manifest; members of `metadata` are given as `metadata`."""
    metadata = {"version": version, **more.pop("metadata", {})}
    document = {"revision": f"r{version}", "roots": [""], "rego_version": 1, "metadata": metadata, **more}
    return json.dumps(document).encode()


def files(version: int | None = VERSION, **more: Any) -> dict[str, bytes]:
    """What a good bundle holds, unsigned."""
    return {".manifest": manifest(version, **more), "data.json": DATA, "main.rego": RULES}


def good(version: int = VERSION, **more: Any) -> bytes:
    """A bundle that counts."""
    return signed(files(version, **more))


def signed(content: Files, *, by: str = "release", keyid: str = KEYID, scope: str = "") -> bytes:
    """An archive of the files with a signature over them."""
    algorithm = "RS256" if by.startswith("rsa") else "ES256"
    return write_archive({**content, SIGNATURES: sign(content, key(by), algorithm, keyid, scope)})


def claims(content: Files) -> dict[str, Any]:
    """What a signer says of these files."""
    entries = [{"name": name, "hash": digest(name, content[name]), "algorithm": "SHA-256"} for name in sorted(content)]
    return {"files": entries, "keyid": KEYID}


def token(payload: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
    """A JWT by the right key over any claims."""
    text = json.dumps(payload).encode()
    return jwt.PyJWS().encode(text, key(), "ES256", {"kid": KEYID, **(header or {})})


def with_token(content: Files, *tokens: str, **more: Any) -> bytes:
    """An archive of the files whose signatures are these tokens."""
    return write_archive({**content, SIGNATURES: json.dumps({"signatures": tokens, **more}).encode()})


@dataclass(frozen=True, slots=True)
class Tampered:
    """One bundle: how it is made, what is said of it, and whether OPA with the same key refuses it, too."""

    name: str
    make: Callable[[], bytes]
    told: str
    reason: str
    opa: OpaSays = "refuses"


def _changed(name: str, content: bytes) -> bytes:
    """A good bundle in which one file is another after signing."""
    before = files()
    return write_archive({**before, SIGNATURES: _signature(before), name: content})


def _signature(content: Files) -> bytes:
    return sign(content, key(), "ES256", KEYID)


def _without(name: str) -> bytes:
    before = {**files(), SIGNATURES: _signature(files())}
    return write_archive({path: content for path, content in before.items() if path != name})


def _with_entry(change: Callable[[tarfile.TarInfo], None], name: str = "more.rego", content: bytes = b"") -> bytes:
    """A good bundle and one more entry of the archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, each in {**files(), SIGNATURES: _signature(files())}.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(each)
            archive.addfile(entry, io.BytesIO(each))
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        change(entry)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _link(kind: bytes) -> Callable[[tarfile.TarInfo], None]:
    def change(entry: tarfile.TarInfo) -> None:
        entry.type, entry.linkname = kind, "/etc/passwd"

    return change


def _plain(_: tarfile.TarInfo) -> None:
    """Nothing to change."""


def _none() -> bytes:
    text = json.dumps(claims(files())).encode()
    return with_token(files(), jwt.PyJWS().encode(text, "", "none", {"kid": KEYID}))


def _hs256() -> bytes:
    """The public key, which everybody may have, as the secret of a symmetric signature (CVE-2015-9256 and kin)."""

    def part(raw: bytes) -> bytes:
        return base64.urlsafe_b64encode(raw).rstrip(b"=")

    header = json.dumps({"alg": "HS256", "kid": KEYID, "typ": "JWT"}).encode()
    signing = part(header) + b"." + part(json.dumps(claims(files())).encode())
    made = hmac.new(public_pem(key()), signing, hashlib.sha256).digest()
    return with_token(files(), (signing + b"." + part(made)).decode())


def _entry_changed(**change: str) -> bytes:
    said = claims(files())
    said["files"][-1] |= change
    return with_token(files(), token(said))


def _listed_twice() -> bytes:
    said = claims(files())
    said["files"].append({**said["files"][-1], "hash": "0" * 64})
    said["files"].reverse()
    return with_token(files(), token(said))


def _bomb() -> bytes:
    return write_archive({**files(), "more.rego": bytes(2 * MAX_BYTES)}, level=1)


def _roots(*roots: str) -> bytes:
    return signed(files(roots=list(roots)))


def _holding(name: str, content: bytes = b"") -> bytes:
    return signed({**files(), name: content})


TAMPERED: Final = (
    Tampered("unsigned", lambda: write_archive(files()), "no signature", "is not signed"),
    Tampered("signature-taken-out", lambda: _without(SIGNATURES), "the signature taken out", "is not signed"),
    Tampered(
        "signed-by-a-stranger",
        lambda: signed(files(), by="stranger"),
        "signed by another key under the id of ours",
        "did not make it",
    ),
    Tampered(
        "unknown-key", lambda: signed(files(), by="stranger", keyid="theirs"), "signed by an unknown key", "is none of"
    ),
    Tampered("alg-none", _none, "alg `none`", "made with 'none'"),
    Tampered("alg-hs256", _hs256, "alg `HS256`, the public key as the secret", "made with 'HS256'"),
    Tampered(
        "alg-rs256", lambda: signed(files(), by="rsa"), "an RSA key under the id of an EC key", "made with 'RS256'"
    ),
    Tampered(
        "critical-header",
        lambda: with_token(files(), token(claims(files()), {"crit": ["b64"], "b64": True})),
        "a header that asks for more",
        "not of OPA's form",
        "accepts",
    ),
    Tampered(
        "two-keys",
        lambda: with_token(files(), token({**claims(files()), "keyid": "other"})),
        "one key in the header, another among the claims",
        "names two keys",
        "accepts",
    ),
    Tampered("two-tokens", lambda: with_token(files(), *[token(claims(files()))] * 2), "two tokens", "2 tokens"),
    Tampered("no-token", lambda: with_token(files()), "no token", "0 tokens"),
    Tampered(
        "plugin", lambda: with_token(files(), token(claims(files())), plugin="mine"), "another verifier", "plugin"
    ),
    Tampered("another-scope", lambda: signed(files(), scope="write"), "made for another scope", "scope"),
    Tampered(
        "hashed-by-md5",
        lambda: _entry_changed(algorithm="MD5", hash=hashlib.md5(RULES, usedforsecurity=False).hexdigest()),
        "a file listed by MD5",
        "'MD5'",
        "accepts",
    ),
    Tampered(
        "listed-twice", _listed_twice, "a file listed twice, once with another digest", "lists it twice", "accepts"
    ),
    Tampered(
        "changed-rules", lambda: _changed("main.rego", RULES + b"\n"), "one byte more in a module", "not what was"
    ),
    Tampered(
        "changed-data", lambda: _changed("data.json", b'{"tools": ["echo", "pay"]}'), "other data", "not what was"
    ),
    Tampered("changed-manifest", lambda: _changed(".manifest", manifest(8)), "another version", "not what was signed"),
    Tampered("no-data", lambda: _changed("data.json", b"{"), "data that is no JSON", "is no data"),
    Tampered(
        "extra-file", lambda: _changed("more.rego", b"package more\n"), "a file that was not signed", "not covered"
    ),
    Tampered("missing-file", lambda: _without("data.json"), "a signed file taken out", "is missing"),
    Tampered("truncated", lambda: good()[: len(good()) // 2], "half of it", "not a readable bundle"),
    Tampered("bomb", _bomb, f"{2 * MAX_BYTES} zeros behind a few kilobytes", "more than"),
    Tampered("climbs", lambda: _with_entry(_plain, "../main.rego", RULES), "`../main.rego`", "plain files"),
    Tampered("climbs-inside", lambda: _with_entry(_plain, "x/../../a.rego", RULES), "`x/../../a.rego`", "plain files"),
    Tampered("absolute", lambda: _with_entry(_plain, "//etc/a.rego", RULES), "`//etc/a.rego`", "plain files"),
    Tampered("second-spelling", lambda: _with_entry(_plain, "x/./a.rego", RULES), "`x/./a.rego`", "plain files"),
    Tampered("symlink", lambda: _with_entry(_link(tarfile.SYMTYPE)), "a symbolic link", "plain files", "accepts"),
    Tampered("hard-link", lambda: _with_entry(_link(tarfile.LNKTYPE)), "a hard link", "plain files", "accepts"),
    Tampered("named-pipe", lambda: _with_entry(_link(tarfile.FIFOTYPE)), "a named pipe", "plain files", "accepts"),
    Tampered("twice", lambda: _with_entry(_plain, "main.rego", RULES), "a file that stands there twice", "twice"),
    Tampered(
        "second-signature",
        lambda: _holding(f"x/{SIGNATURES}", b"{}"),
        "a second signature, further down",
        "nothing else",
    ),
    Tampered("second-manifest", lambda: _holding("x/.manifest", b"{}"), "a second manifest, signed", "at the root"),
    Tampered("overlapping-roots", lambda: _roots("tools", "agentgate", "tools/x"), "roots that overlap", "overlap"),
    Tampered("rules-outside", lambda: _roots("tools"), "a package outside of the roots", "in none of the roots"),
    Tampered("data-outside", lambda: _roots("agentgate"), "data outside of the roots", "in none of the roots"),
    Tampered("old-rego", lambda: signed(files(rego_version=0)), "rules of Rego 0", "rego_version"),
    Tampered("compiled-rules", lambda: _holding("policy.wasm"), "rules as WebAssembly", "nothing else", "accepts"),
    Tampered(
        "delta",
        lambda: _holding("patch.json", b'{"data": [{"op": "upsert", "path": "x", "value": 1}]}'),
        "a patch of other data",
        "nothing else",
    ),
    Tampered("yaml", lambda: _holding("x/data.yaml", b"a: 1\n"), "data as YAML", "nothing else"),
    Tampered("tests", lambda: _holding("a_test.rego", b"package a\n"), "a file of tests", "nothing else", "accepts"),
    Tampered(
        "no-version",
        lambda: signed({**files(), ".manifest": b'{"roots": [""]}'}),
        "no version",
        "version is missing",
        "accepts",
    ),
    Tampered(
        "no-manifest",
        lambda: signed({"main.rego": RULES, "data.json": DATA}),
        "no manifest",
        "version is missing",
        "accepts",
    ),
    Tampered(
        "manifest-in-capitals",
        lambda: signed({**files(), ".manifest": b'{"Roots": [""]}'}),
        "`Roots`, which OPA reads as `roots`",
        "no member 'Roots'",
        "accepts",
    ),
    Tampered(
        "manifest-key-twice",
        lambda: signed({**files(), ".manifest": b'{"metadata": {"version": 9}, "metadata": {"x": 1}}'}),
        "a key that stands twice in the manifest; OPA merges them",
        "stands there twice",
        "accepts",
    ),
    Tampered(
        "grants-of-its-own",
        lambda: signed({**files(), "data.json": b'{"agentgate": {"grants": {}}}'}),
        "grants, signed",
        "by the sidecar only",
        "accepts",
    ),
    Tampered(
        "authorizer-of-its-own",
        lambda: _holding("s.rego", b"package system.authz\n"),
        "`package system.authz`, signed",
        "the sidecar's",
        "accepts",
    ),
)
