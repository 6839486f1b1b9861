"""Two verifiers, ours and one in Go that was written from docs/evidence.md, say the same of every piece of evidence."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evidence.chain import TURNS, State
from evidence.layout import receipt_draft
from evidence.receipt import read_receipt_key
from evidence.record import Kind
from evidence.report import STEPS
from evidence.signing import public_text, read_public
from evidence.verify import verify_paths
from tests.evidence.tampering import TAMPERED, evidence, in_turn, instead, lines, places
from tests.peers.second_verifier import said_of
from tests.vectors.evidence.generate import CHAIN, HERE, RECEIPTED, ROWS, Pen, identity

KEYS = json.loads((HERE / "keys.json").read_text())
IDENTITY, LEDGER = KEYS["identity_public"], KEYS["receipt_key"]


@dataclass(frozen=True, slots=True)
class Said:
    """One verifier's verdict on a folder: the step by its name, how many records are true, and how many witnessed."""

    rule: str | None
    records: int
    witnessed: int


def ours(folder: Path, *, pinned: bool, key: bool) -> Said:
    """What `agentgate verify` says."""
    report = verify_paths(
        [folder], read_public(IDENTITY) if pinned else None, [read_receipt_key(LEDGER)] if key else []
    )
    rule = None if report.error is None else STEPS[report.error.step].partition(":")[0]
    return Said(rule, report.total("records"), report.total("witnessed"))


def theirs(folder: Path, *, pinned: bool, key: bool) -> Said:
    """What the verifier in Go says."""
    options = [*(["-key", IDENTITY] if pinned else []), *(["-receipt-key", LEDGER] if key else [])]
    found = said_of(*options, "folder", folder)
    assert found["ok"] is (found["rule"] is None)
    return Said(found["rule"], found["records"], found["witnessed"])


def agreed(folder: Path, *, pinned: bool = True, key: bool = True) -> str | None:
    """The step that both verifiers name."""
    one, two = ours(folder, pinned=pinned, key=key), theirs(folder, pinned=pinned, key=key)
    assert one == two
    return one.rule


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in (*ROWS, *RECEIPTED)])
@pytest.mark.parametrize("key", [pytest.param(True, id="key"), pytest.param(False, id="no-key")])
def test_a_folder(name: str, key: bool) -> None:  # noqa: FBT001 - a row of a table
    expected = json.loads((HERE / name / "expected.json").read_text())
    if key:
        expected = expected.get("with_receipt_key", expected)
    rule = agreed(HERE / name / "evidence", key=key)
    assert (rule is None) is expected["ok"]


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row["name"]) for row in json.loads((HERE / "batches.json").read_text())]
)
def test_a_batch(row: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "batch").write_bytes(row["batch"].encode())
    said = said_of("batch", tmp_path / "batch")
    assert (said["ok"], said["rule"]) == (row["ok"], row["rule"])


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row["name"]) for row in json.loads((HERE / "receipts.json").read_text())]
)
def test_a_receipt(row: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "note").write_bytes(row["note"].encode())
    said = said_of("-receipt-key", LEDGER, "receipt", tmp_path / "note")
    assert (said["ok"], said["rule"]) == (row["ok"], row["rule"])


def test_one_of_each_format(tmp_path: Path) -> None:
    """Boxes and wrapped keys open, commitments and pseudonyms are made again; a changed one is named."""
    vectors = json.loads((HERE / "formats.json").read_text())
    assert said_of("formats", HERE / "formats.json")["rule"] is None
    for format_, members in vectors.items():
        for name, text in members.items():
            changed = {**vectors, format_: {**members, name: ("B" if text[0] == "A" else "A") + text[1:]}}
            (tmp_path / "formats").write_text(json.dumps(changed))
            assert said_of("formats", tmp_path / "formats")["rule"] is not None, (format_, name)


def texts() -> Iterator[Any]:
    """Texts, and whether each is the canonical form of something."""
    for file, member in (
        ("canonical.json", "canonical"),
        ("numbers.json", "canonical"),
        ("not_canonical.json", "text"),
    ):
        for number, row in enumerate(json.loads((HERE / file).read_text())):
            name = row.get("name") or row["ieee"]
            yield pytest.param(row[member], member == "canonical", id=f"{file}-{number}-{name}")


@pytest.mark.parametrize(("text", "good"), list(texts()))
def test_a_text(text: str, good: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a row of a table
    (tmp_path / "text").write_bytes(text.encode())
    assert said_of("canonical", tmp_path / "text")["ok"] is good


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in TAMPERED])
@pytest.mark.parametrize("key", [pytest.param(True, id="key"), pytest.param(False, id="no-key")])
def test_what_is_tampered_with(name: str, key: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a row of a table
    row = TAMPERED[name]
    assert agreed(evidence(tmp_path, row.edit), key=key) == row.rule[key]


_BODIES: dict[Kind, dict[str, Any]] = {Kind.OUTCOME: {"outcome": "completed"}, Kind.LOSS: {"lost": {"notice": 1}}}
_LEADING_TO: dict[State, list[Kind]] = {
    State.NOTHING: [],
    State.ASKED: [Kind.APPROVAL],
    State.OPEN: [Kind.INTENT],
    State.ENDED: [Kind.INTENT, Kind.OUTCOME],
    State.LATE: [Kind.INTENT, Kind.OUTCOME, Kind.LATE],
    State.REFUSED: [Kind.REFUSAL],
}


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("kind", list(Kind))
def test_what_may_follow_what(state: State, kind: Kind, tmp_path: Path) -> None:
    pen = Pen()
    pen.start()
    for each in (*_LEADING_TO[state], kind):
        pen.write(each, _BODIES.get(each, {}), "call-1")
    pen.head()
    assert (agreed(evidence(tmp_path, instead(pen))) is None) is ((state, kind) in TURNS)


@pytest.mark.parametrize("kind", list(Kind))
def test_what_needs_a_call(kind: Kind, tmp_path: Path) -> None:
    pen = Pen()
    pen.start()
    pen.write(kind, _BODIES.get(kind, {}))
    pen.head()
    needs = kind in {Kind.INTENT, Kind.OUTCOME, Kind.REFUSAL, Kind.LATE}
    rule = "links" if kind is Kind.START else "calls" if needs else None
    assert agreed(evidence(tmp_path, instead(pen))) == rule


@pytest.mark.parametrize("seed", range(4))
def test_which_of_two_faults_is_told(seed: int, tmp_path: Path) -> None:
    """Whatever two ways of tampering come together, both verifiers stop at the same step."""
    seeded, tried = random.Random(seed), 0
    for number in range(20):
        names = seeded.sample(sorted(TAMPERED), 2)
        try:
            folder = evidence(tmp_path / str(number), in_turn(*(TAMPERED[name].edit for name in names)))
        except (AssertionError, LookupError, ValueError, StopIteration):
            continue  # What the second would change is gone with the first.
        agreed(folder, key=bool(number % 2))
        tried += 1
    assert tried > 10


@pytest.mark.parametrize(("name", "start", "line"), [pytest.param(*row, id=f"{row[0]}-{row[1]}") for row in lines()])
def test_one_bit_of_a_line(name: str, start: int, line: bytes, tmp_path: Path) -> None:
    folder = evidence(tmp_path, lambda _: None)
    path = folder / CHAIN / name
    true = path.read_bytes()
    for place in sorted(set(places(line)))[:: max(1, len(set(places(line))) // 40)]:
        for bit in (0, 5):
            changed = bytearray(true)
            changed[start + place] ^= 1 << bit
            path.write_bytes(changed)
            assert agreed(folder) is not None, (place, bit, line)


def test_another_identity_is_named(tmp_path: Path) -> None:
    folder = evidence(tmp_path, lambda _: None)
    stranger = public_text(identity(2))
    report = verify_paths([folder], read_public(stranger))
    said = said_of("-key", stranger, "folder", folder)
    assert report.error is not None
    assert (int(report.error.step), said["rule"]) == (4, "keys")


def test_a_stray_beside_the_chains(tmp_path: Path) -> None:
    folder = evidence(tmp_path, lambda _: None)
    (folder / "README").write_text("hello")
    assert agreed(folder) == "files"


def test_a_receipt_that_was_on_its_way(tmp_path: Path) -> None:
    folder = evidence(tmp_path, lambda _: None)
    place = folder / receipt_draft(CHAIN)
    place.write_bytes(b"receipt\t")
    assert agreed(folder) is None
    place.unlink()
    place.mkdir()
    assert agreed(folder) == "files"
