"""Makes what verifiers of a transparency log can be tried on; keys are fixed and public. `--check` only compares.

    proofs.json        proofs of inclusion and of growth in trees whose leaf N is N in 32 bytes, and whether they hold
    notes.json         checkpoints, the keys to hold them to, and what a verifier says
    files/             a log of 300 such leaves as static files

`published.json` is not made here: it is what Certificate Transparency publishes.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.log.growing import grown
from evidence.checkpoint import Checkpoint, cosign
from evidence.merkle import Edge, HashAt, consistency_proof, inclusion_proof, root_at
from evidence.note import COSIGNATURE, ED25519, Signature, VerifierKey, write_note
from evidence.tiles import Piece, TiledHashes

HERE: Final = Path(__file__).parent
ORIGIN: Final = "log.example/vectors"
SIZE: Final = 300
_TIME: Final = 1_800_000_000


def _key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def _verifier(name: str, kind: int, number: int) -> VerifierKey:
    return VerifierKey(name, kind, _key(number).public_key().public_bytes_raw())


LOG: Final = _verifier(ORIGIN, ED25519, 1)
WITNESSES: Final = [_verifier(f"witness.example/{number}", COSIGNATURE, number) for number in (2, 3, 4)]


def leaf(number: int) -> bytes:
    """Leaf N is N in 32 bytes."""
    return number.to_bytes(32)


def _log(size: int) -> tuple[Edge, dict[Piece, bytes]]:
    nothing = dict[Piece, bytes]()
    edge, files = grown(Edge(), [leaf(number) for number in range(size)], nothing.__getitem__)
    return edge, dict(files)


def _hash_at() -> HashAt:
    return TiledHashes(SIZE, _log(SIZE)[1].__getitem__)


_CHANGES: Final[dict[str, Callable[[list[bytes]], list[bytes]]]] = {
    "as it is": lambda proof: proof,
    "the last hash is missing": lambda proof: proof[:-1],
    "a hash more": lambda proof: [*proof, bytes(32)],
    "another hash": lambda proof: [bytes(32), *proof[1:]],
    "backwards": lambda proof: proof[::-1],
}


def proofs() -> Iterator[dict[str, Any]]:
    """Every proof, and what is left of it after each change."""
    hash_at = _hash_at()
    for index, size in ((0, 3), (2, 3), (255, 256), (256, 257), (99, 300), (299, 300)):
        made = inclusion_proof(index, size, hash_at)
        common = {"index": index, "size": size, "leaf": leaf(index).hex(), "root": root_at(size, hash_at).hex()}
        yield from _changed({"kind": "inclusion", **common}, made)
    for old, new in ((1, 2), (3, 7), (4, 7), (255, 256), (256, 300), (299, 300)):
        made = consistency_proof(old, new, hash_at)
        roots = {"old_root": root_at(old, hash_at).hex(), "new_root": root_at(new, hash_at).hex()}
        yield from _changed({"kind": "consistency", "old": old, "new": new, **roots}, made)


def _changed(common: dict[str, Any], made: list[bytes]) -> Iterator[dict[str, Any]]:
    for change, apply in _CHANGES.items():
        proof = apply(made)
        holds = proof == made
        if not holds or change == "as it is":
            yield {**common, "change": change, "proof": [each.hex() for each in proof], "holds": holds}


def notes() -> Iterator[dict[str, Any]]:
    """Notes, each to be held to the log's key and to `needed` of the three witnesses."""
    edge, _ = _log(SIZE)
    text = Checkpoint(ORIGIN, SIZE, edge.root()).text()
    signed = LOG.signature(_key(1).sign(text.encode()))
    by = {number: cosign(text, f"witness.example/{number}", _key(number), _TIME) for number in (2, 3, 4)}
    stranger = _verifier("stranger.example", ED25519, 9).signature(bytes(64))
    other = Checkpoint(ORIGIN, SIZE - 1, edge.root()).text()
    by_other_tree = WITNESSES[0].signature(cosign(other, WITNESSES[0].name, _key(2), _TIME).signed)
    later = WITNESSES[0].signature(bytes([*by[2].signed[:7], by[2].signed[7] ^ 1, *by[2].signed[8:]]))
    table: list[tuple[str, str, list[Signature], int, bool]] = [
        ("signed by the log", text, [signed], 0, True),
        ("two of three witnesses", text, [signed, by[2], by[4]], 2, True),
        ("lines in another order, and a stranger's", text, [by[4], stranger, by[2], signed], 2, True),
        ("one of two that are needed", text, [signed, by[2]], 2, False),
        ("a stranger does not count", text, [signed, by[2], stranger], 2, False),
        ("witnesses and no log", text, [by[2], by[3], by[4]], 2, False),
        ("another text", other, [signed, by[2], by[3]], 2, False),
        ("a cosignature of another tree", text, [signed, by_other_tree, by[3], by[4]], 2, False),
        ("a cosignature of another time", text, [signed, later, by[3], by[4]], 2, False),
        ("a witness twice", text, [signed, by[2], by[2]], 2, False),
    ]
    for name, body, lines, needed, holds in table:
        yield {"name": name, "note": write_note(body, lines), "needed": needed, "holds": holds}


def _files() -> Iterator[tuple[Path, bytes]]:
    yield HERE / "proofs.json", _json(list(proofs()))
    keys = {"log": LOG.text(), "witnesses": [witness.text() for witness in WITNESSES], "notes": list(notes())}
    yield HERE / "notes.json", _json(keys)
    edge, files = _log(SIZE)
    text = Checkpoint(ORIGIN, SIZE, edge.root()).text()
    lines = [LOG.signature(_key(1).sign(text.encode())), cosign(text, WITNESSES[0].name, _key(2), _TIME)]
    yield HERE / "files/checkpoint", write_note(text, lines).encode()
    for piece, content in files.items():
        yield HERE / "files" / piece.path, content


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def main(arguments: list[str]) -> int:
    """Write or check every file; 1 if a check fails."""
    stale = []
    for path, content in _files():
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        elif not path.exists() or path.read_bytes() != content:
            stale.append(str(path.relative_to(HERE)))
    if stale:
        sys.stderr.write(f"out of date, run {Path(__file__).name}: {', '.join(stale)}\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
