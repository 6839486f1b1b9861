"""A verifier by somebody who has only read docs/evidence.md: none of our code, the same verdict on every vector."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

VECTORS = Path(__file__).parents[1] / "vectors" / "evidence"
FOLDERS = sorted(path.parent for path in VECTORS.glob("*/evidence"))
OUTCOMES = ("completed", "failed", "not_sent", "cancelled", "killed", "unknown")


def turns() -> dict[tuple[str, str], str]:
    """The state machine, read from the table in the document."""
    text = (VECTORS.parents[2] / "docs" / "evidence.md").read_text()
    rows = [line.strip("| ").split("|") for line in text.split("<!-- turns -->")[1].splitlines() if line[:2] == "| "]
    kinds = [cell.strip() for cell in rows[0][1:]]
    table = ([cell.strip() for cell in row] for row in rows[1:])
    return {(row[0], kind): after for row in table for kind, after in zip(kinds, row[1:], strict=False) if after}


class Wrong(Exception):
    """The evidence is not true."""


def claim(true: object, what: str) -> None:
    if not true:
        raise Wrong(what)


def sha(tag: str, data: bytes) -> str:
    return hashlib.sha256(tag.encode() + b"\0" + data).hexdigest()


def signed(public: str, signature: bytes, data: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(public)).verify(signature, data)
    except InvalidSignature as error:
        raise Wrong("signature") from error


def plain(value: Any) -> bytes:
    """Canonical form as far as the vectors need it: ASCII keys, no floats."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Stranger:
    """Walks over one chain."""

    def __init__(self) -> None:
        self.turns = turns()
        self.last: dict[str, Any] = {}
        self.links = ["0" * 64]
        self.calls: dict[str, str] = {}
        self.start: dict[str, Any] = {}
        self.signed = 0
        self.box: str | None = None

    def chain(self, folder: Path) -> None:
        names = sorted(path.name for path in folder.iterdir())
        segments = [name for name in names if re.fullmatch(r"records-\d{8}\.tsv", name)]
        claim(set(names) - set(segments) <= {"keys.jsonl", "receipts.tsv", "reserve"}, "stray file")
        claim(segments == [f"records-{n:08d}.tsv" for n in range(1, len(segments) + 1)], "segments")
        if "receipts.tsv" in names:
            *lines, torn = (folder / "receipts.tsv").read_bytes().split(b"\n")
            claim(not torn and all(line == b"receipt\t" + plain(json.loads(line[8:])) for line in lines), "receipts")
        claim(not (folder / "reserve").read_bytes().strip(b"\0"), "reserve")
        for name in segments:
            *lines, torn = (folder / name).read_bytes().split(b"\n")
            claim(not torn or name == segments[-1], "torn in the middle")
            for number, line in enumerate(lines):
                self.line(line, opens_segment=number == 0 and name != segments[0])
        for line in (folder / "keys.jsonl").read_bytes().splitlines():
            members = json.loads(line)
            claim(
                hashlib.sha256(plain({k: v for k, v in members.items() if k != "id"})).hexdigest() == members["id"],
                "key",
            )

    def line(self, line: bytes, *, opens_segment: bool) -> None:
        kind, *fields = line.split(b"\t")
        if self.box is not None:
            claim(kind == b"box" and hashlib.sha256(base64.b64decode(fields[0])).hexdigest() == self.box, "box")
            self.box = None
        elif kind == b"record":
            self.record(*fields, opens_segment=opens_segment)
        else:
            claim(kind == b"head", "line")
            self.head(json.loads(fields[0]))

    def record(self, header: bytes, body: bytes, link: bytes, *, opens_segment: bool) -> None:
        members, content = json.loads(header), json.loads(body)
        claim(members["v"] == 1 and plain(members) == header, "header")
        claim(sha("agentgate/body/v1", body) == members["body_hash"], "body")
        claim(sha("agentgate/header/v1", header) == link.decode(), "link")
        claim(members["seq"] == len(self.links) and members["prev"] == self.links[-1], "order")
        if self.last:
            claim((members["sidecar"], members["tenant"]) == (self.last["sidecar"], self.last["tenant"]), "chain")
        if members["kind"] == "start":
            self.begin(members, content)
        else:
            claim(members["incarnation"] == self.last.get("incarnation") and self.last["kind"] != "close", "life")
            claim(members["boot"] >= self.last["boot"], "boot")
        if opens_segment:
            open_calls = sorted(call for call, state in self.calls.items() if state == "open")
            claim(content == {"event": "segment", "open": open_calls}, "open calls")
        self.call(members, content)
        self.last = members
        self.links.append(link.decode())
        self.box = content["sealed"]["hash"] if "sealed" in content else None

    def begin(self, header: dict[str, Any], body: dict[str, Any]) -> None:
        claim(body["identity"] == self.start.get("identity", body["identity"]), "identity")
        statement = {name: header[name] for name in ("sidecar", "incarnation", "tenant")}
        statement |= {"public_key": body["incarnation_key"], "not_before": body["certificate"]["not_before"]}
        signature = base64.b64decode(body["certificate"]["signature"])
        signed(body["identity"], signature, b"agentgate/incarnation/v1\0" + plain(statement))
        self.start = body

    def call(self, header: dict[str, Any], body: dict[str, Any]) -> None:
        kind, call = header["kind"], header["call"]
        claim(kind != "outcome" or body.get("outcome") in OUTCOMES, "outcome")
        claim(kind != "loss" or isinstance(body.get("lost"), dict), "loss")
        if call is not None:
            after = self.turns.get((self.calls.get(call, "nothing"), kind))
            claim(after, "out of turn")
            self.calls[call] = str(after)

    def head(self, note: str) -> None:
        text, line = note.split("\n\n")
        title, incarnation, seq, link, _ = text.split("\n")
        name = f"agentgate/{incarnation}"
        dash, signer, blob = line.rstrip("\n").split(" ")
        raw, key = base64.b64decode(blob), base64.b64decode(self.start["incarnation_key"])
        claim((title, dash, signer) == ("agentgate/head/v1", "—", name), "note")
        claim(raw[:4] == hashlib.sha256(name.encode() + b"\n\x01" + key).digest()[:4], "key id")
        signed(self.start["incarnation_key"], raw[4:], f"{text}\n".encode())
        claim(incarnation == self.last["incarnation"], "incarnation")
        claim(self.signed < int(seq) < len(self.links) and self.links[int(seq)] == link, "head")
        self.signed = int(seq)


@pytest.mark.parametrize("folder", [pytest.param(folder, id=folder.name) for folder in FOLDERS])
def test_a_stranger_comes_to_the_same_verdict(folder: Path) -> None:
    found = None
    try:
        for chain in (folder / "evidence").iterdir():
            Stranger().chain(chain)
    except Wrong as wrong:
        found = wrong
    assert (found is None) == json.loads((folder / "expected.json").read_text())["ok"], found


def opened() -> Iterator[dict[str, Any]]:
    """The content of every box of the good chain."""
    (chain,) = (VECTORS / "good" / "evidence").iterdir()
    keys = json.loads((VECTORS / "keys.json").read_text())
    private = X25519PrivateKey.from_private_bytes(base64.b64decode(keys["tenant_private"]))
    line = json.loads((chain / "keys.jsonl").read_text())
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    info = b"agentgate/data-key/v1\0" + plain([line["tenant"], line["unit"]])
    data_key = suite.decrypt(base64.b64decode(line["wrapped"]), private, info)
    aad = b"agentgate/box/v1\0" + line["id"].encode() + line["tenant"].encode()
    for path in sorted(chain.glob("records-*")):
        for row in path.read_bytes().splitlines():
            if row.startswith(b"box\t"):
                box = base64.b64decode(row[4:])
                yield json.loads(AESGCM(data_key).decrypt(box[:12], box[12:], aad))


def test_a_stranger_opens_the_boxes_with_the_tenants_key() -> None:
    texts = [content["text"] for box in opened() for content in box.values() if "text" in content]
    assert sorted(set(texts)) == ["grüß dich", '{"path":"/etc/motd"}']
