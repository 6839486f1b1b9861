"""Sidecars of tests that ship over HTTP what they want, when they want, as often as they want."""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import zstandard

from central.ledger.incidents import stray_bytes
from evidence.batch import MEDIA_TYPE, Batch
from evidence.receipt import read_receipt
from evidence.signing import public_text
from tests.central.ledger.gate import Gate
from tests.peers.central import Central
from tests.peers.raw import send

BATCHES = "/v1/evidence/batches"


@dataclass(frozen=True, slots=True)
class Said:
    """What central answered: the status, the code of a refusal, the number up to which it has given a receipt."""

    status: int
    code: str | None
    held: int
    included: int


def registered(place: Central, gates: Iterable[Gate]) -> None:
    """Write them down as the ones that this central knows."""
    lines = ["[sidecars]"]
    for gate in gates:
        lines += [
            f"[sidecars.{gate.name}]",
            f"tenant = {json.dumps(gate.tenant)}",
            f'public_key = "{public_text(gate.identity)}"',
        ]
    (place.folder / "sidecars.toml").write_text("\n".join(lines) + "\n")


def posted(place: Central, gate: Gate, batch: Batch) -> Said:
    """Ship a batch, with the wrapped keys that it brings. Raises OSError, HTTPException."""
    packed = packed_batch(batch)
    headers = {"Authorization": token(place, gate, "POST", BATCHES, packed), "Content-Type": MEDIA_TYPE}
    answer = send(place.url + BATCHES, "POST", packed, headers)
    return _said(answer.status, json.loads(answer.body))


def packed_batch(batch: Batch) -> bytes:
    """A batch as it is shipped."""
    first, rest = stray_bytes(batch).split(b"\n", 1)
    keys = [b"key\t" + key.line for key in batch.keys]
    return zstandard.compress(b"\n".join([first, *keys, rest]))


def asked(place: Central, gate: Gate) -> Said:
    """Up to where its chain is held. Raises OSError, HTTPException."""
    path = f"/v1/evidence/chains/{gate.chain}/position"
    answer = send(place.url + path, "GET", headers={"Authorization": token(place, gate, "GET", path, b"")})
    return _said(answer.status, json.loads(answer.body))


def _said(status: int, members: Mapping[str, Any]) -> Said:
    note, held = members.get("receipt"), 0
    if note is not None:
        held = read_receipt(note.rpartition("\n\n")[0] + "\n").position.seq
    return Said(status, members.get("code"), held, members.get("included", 0))


def token(place: Central, gate: Gate, method: str, path: str, body: bytes) -> str:
    """The Authorization of a request of this sidecar."""
    now = int(time.time())
    claims = {
        "iss": gate.name,
        "aud": place.url,
        "tenant": gate.tenant,
        "htm": method,
        "htu": path,
        "sha256": hashlib.sha256(body).hexdigest(),
        "iat": now,
        "exp": now + 60,
    }
    return "Bearer " + jwt.encode(claims, gate.identity, algorithm="EdDSA")
