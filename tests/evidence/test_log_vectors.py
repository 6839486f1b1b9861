"""The vectors of the transparency log, read as a verifier that we did not write would."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from evidence.checkpoint import Quorum, open_checkpoint
from evidence.merkle import BadProof, check_consistency, check_inclusion, leaf_hash, root_at
from evidence.note import read_verifier_key
from evidence.signing import BadSignature
from evidence.tiles import Piece, TiledHashes, check_files
from tests.peers.places import ROOT
from tests.peers.second_verifier import said_of

_VECTORS: Final = ROOT / "tests/vectors/log"
_PROOFS: Final[list[dict[str, Any]]] = json.loads((_VECTORS / "proofs.json").read_text("utf-8"))
_NOTES: Final[dict[str, Any]] = json.loads((_VECTORS / "notes.json").read_text("utf-8"))
_LOG: Final = read_verifier_key(_NOTES["log"])
_WITNESSES: Final = tuple(read_verifier_key(text) for text in _NOTES["witnesses"])


def _holds(row: dict[str, Any]) -> bool:
    proof = [bytes.fromhex(each) for each in row["proof"]]
    try:
        if row["kind"] == "inclusion":
            leaf = leaf_hash(bytes.fromhex(row["leaf"]))
            check_inclusion(row["index"], row["size"], leaf, proof, bytes.fromhex(row["root"]))
        else:
            roots = [bytes.fromhex(row[name]) for name in ("old_root", "new_root")]
            check_consistency(row["old"], row["new"], roots[0], roots[1], proof)
    except BadProof:
        return False
    return True


def test_proofs_hold_or_do_not() -> None:
    assert [row for row in _PROOFS if _holds(row) is not row["holds"]] == []
    assert {row["holds"] for row in _PROOFS} == {True, False}


@pytest.mark.parametrize("row", _NOTES["notes"], ids=lambda row: row["name"])
def test_a_note_holds_or_does_not(row: dict[str, Any]) -> None:
    quorum = Quorum(row["needed"], _WITNESSES)
    if row["holds"]:
        assert open_checkpoint(row["note"], _LOG, quorum).checkpoint.size == 300
        return
    with pytest.raises(BadSignature):
        open_checkpoint(row["note"], _LOG, quorum)


@pytest.mark.parametrize("row", _NOTES["notes"], ids=lambda row: row["name"])
def test_the_other_verifier_says_the_same_of_a_note(row: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "note").write_bytes(row["note"].encode())
    witnesses = [part for key in _NOTES["witnesses"] for part in ("-witness-key", key)]
    keys = ("-log-key", _NOTES["log"], *witnesses, "-witnesses", str(row["needed"]))
    said = said_of(*keys, "checkpoint", tmp_path / "note")
    assert (said["ok"], said["rule"]) == ((True, None) if row["holds"] else (False, "checkpoint"))


def test_the_other_verifier_says_the_same_of_each_proof() -> None:
    said = said_of("proofs", _VECTORS / "proofs.json")
    assert (said["error"], said["records"]) == (None, sum(row["kind"] == "inclusion" for row in _PROOFS))


def test_the_files_are_a_log() -> None:
    def fetch(piece: Piece) -> bytes:
        return (_VECTORS / "files" / piece.path).read_bytes()

    note = (_VECTORS / "files/checkpoint").read_text("utf-8")
    checkpoint = open_checkpoint(note, _LOG, Quorum(1, _WITNESSES)).checkpoint
    check_files(checkpoint.size, fetch)
    assert root_at(checkpoint.size, TiledHashes(checkpoint.size, fetch)) == checkpoint.root
