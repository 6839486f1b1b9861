"""Two readers of key histories, ours and one in Go that was written from docs/keys.md, name the same rule."""

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.chain import Position
from evidence.key_entry import Event
from evidence.note import ED25519, VerifierKey
from evidence.receipt import Receipt, receipt_line
from evidence.verify import NothingToCheck, read_ledgers, verify_paths
from tests.peers.second_verifier import said_of
from tests.vectors.evidence.generate import HERE
from tests.vectors.keys import generate as made

VECTORS = Path(made.__file__).parent
HISTORIES: list[dict[str, Any]] = json.loads((VECTORS / "histories.json").read_text("utf-8"))
RECEIPTS: list[dict[str, Any]] = json.loads((VECTORS / "receipts.json").read_text("utf-8"))
ROOT = made.key(made.ROOT).text()


def _named(rows: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(row, id=row["name"].replace(" ", "-")) for row in rows]


@pytest.mark.parametrize("row", _named([row for row in HISTORIES if "@" not in row["pin"]]))
def test_a_history(row: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "history").write_text(row["history"], "utf-8")
    assert said_of("-receipt-key", row["pin"], "history", tmp_path / "history")["rule"] == row["rule"]


@pytest.mark.parametrize("row", _named(RECEIPTS))
def test_a_receipt(row: dict[str, Any], tmp_path: Path) -> None:
    history = next(each["history"] for each in HISTORIES if each["name"] == row["history"])
    (tmp_path / "history").write_text(history, "utf-8")
    (tmp_path / "note").write_text(row["receipt"], "utf-8")
    said = said_of("-receipt-key", ROOT, "-history", tmp_path / "history", "receipt", tmp_path / "note")
    assert said["rule"] == row["rule"]


def _receipted(folder: Path, by: int, hour: int, history: list[made.Entry] | None) -> Path:
    """The good chain with a receipt over its last record, and a history of keys beside it."""
    copytree(HERE / "good" / "evidence", folder)
    chain = next(folder.glob("chain-*"))
    lines = [line.split(b"\t") for line in sorted(chain.glob("records-*"))[-1].read_bytes().splitlines()]
    records = [line for line in lines if line[0] == b"record"]
    first = next(iter(sorted(chain.glob("records-*")))).read_bytes().splitlines()[0].split(b"\t")
    header = json.loads(records[-1][1])
    receipt = Receipt(
        sidecar=header["sidecar"],
        tenant=header["tenant"],
        chain=first[-1].decode(),
        incarnation=header["incarnation"],
        position=Position(header["seq"], records[-1][-1].decode()),
        log="central.example/log",
        at=made.at(hour),
        merge_by=made.at(hour + 1),
    )
    (chain / "receipts.tsv").write_bytes(receipt_line(made.signed(receipt.text(), [by])))
    if history is not None:
        (chain / "ledger-keys.tsv").write_text(made.file(made.notes(history)), "utf-8")
    return folder


_STRANGER = [made.entry(Event.ROOT, made.STRANGER, 1, made.STRANGER)]
_BY_RETIRED = [*made.GOOD[:4], made.entry(Event.ANNOUNCE, made.THIRD, 8, made.ROOT, made.THIRD)]

ROWS: dict[str, tuple[int, int, list[made.Entry] | None, str | None]] = {
    "the root without a history": (made.ROOT, 3, None, None),
    "the root under its history": (made.ROOT, 3, made.GOOD, None),
    "a later key": (made.THIRD, 12, made.GOOD, None),
    "a later key without the history": (made.THIRD, 12, None, "names another key"),
    "a later key under a history that was cut off": (made.THIRD, 12, made.GOOD[:5], "not active yet"),
    "a retired key": (made.ROOT, 7, made.GOOD, "by a retired key"),
    "a revoked key": (made.SECOND, 11, made.GOOD, "by a revoked key"),
    "a revoked key before it was stolen": (made.SECOND, 10, made.GOOD, None),
    "a key before it was active": (made.SECOND, 3, made.GOOD, "not active yet"),
    "a stranger": (made.STRANGER, 12, made.GOOD, "names another key"),
    "the history of another ledger": (made.ROOT, 3, _STRANGER, "entry 0: the history begins with"),
    "an entry by a retired key": (made.ROOT, 3, _BY_RETIRED, "entry 4: signed by the key"),
}  # fmt: skip


@pytest.mark.parametrize("name", [pytest.param(name, id=name.replace(" ", "-")) for name in ROWS])
def test_a_chain_with_a_history(name: str, tmp_path: Path) -> None:
    by, hour, history, said = ROWS[name]
    folder = _receipted(tmp_path / "evidence", by, hour, history)
    report, theirs = verify_paths([folder], None, read_ledgers([ROOT])), said_of("-receipt-key", ROOT, "folder", folder)
    assert (theirs["ok"], theirs["rule"]) == ((True, None) if said is None else (False, "receipts"))
    assert (report.ok, theirs["witnessed"]) == (said is None, report.total("witnessed"))
    assert said is None or said in str(report.error)


def _swapped(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join([lines[0], lines[2], lines[1], *lines[3:]])


def _dropped(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join([*lines[:3], *lines[4:]])


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        pytest.param(_swapped, 2, id="entries-are-swapped"),
        pytest.param(_dropped, 4, id="an-entry-is-dropped"),
        pytest.param(lambda data: data.replace(b"T06", b"T05", 1), 4, id="a-time-is-changed"),
        pytest.param(lambda data: data[:-1], None, id="the-end-is-torn"),
        pytest.param(lambda data: data + data.splitlines(keepends=True)[-1], 8, id="an-entry-stands-twice"),
    ],
)
@pytest.mark.parametrize("known", [pytest.param(True, id="key"), pytest.param(False, id="no-key")])
def test_a_history_that_was_tampered_with(
    edit: Callable[[bytes], bytes],
    line: int | None,
    known: bool,  # noqa: FBT001 - a row of a table
    tmp_path: Path,
) -> None:
    folder = _receipted(tmp_path / "evidence", made.ROOT, 3, made.GOOD)
    path = next(folder.glob("chain-*/ledger-keys.tsv"))
    path.write_bytes(edit(path.read_bytes()))
    report = verify_paths([folder], None, read_ledgers([ROOT] if known else []))
    theirs = said_of(*(["-receipt-key", ROOT] if known else []), "folder", folder)
    assert report.error is not None
    assert (report.error.file, report.error.line, theirs["rule"]) == ("ledger-keys.tsv", line, "receipts")


def test_the_key_of_a_witness_is_no_ledgers() -> None:
    witness = VerifierKey(
        "w.example", 4, Ed25519PrivateKey.from_private_bytes(b"\x01" * 32).public_key().public_bytes_raw()
    )
    assert witness.kind != ED25519
    with pytest.raises(NothingToCheck, match="key of a witness"):
        read_ledgers([witness.text()])
