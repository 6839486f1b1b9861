"""What `verify` says of evidence that is true, and that it sees each change to it."""

import io
import json
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.journal import Journal
from evidence.layout import receipt_draft
from evidence.note import COSIGNATURE, VerifierKey
from evidence.report import Report, Step
from evidence.signing import public_text
from evidence.steps import check_chain
from evidence.verify import NothingToCheck, run_verify, verify_paths
from tests.evidence.desk import SMALL, Desk, intent, one_call, outcome, refusal


async def write(desk: Desk) -> None:
    """A chain of two segments and two incarnations, with calls, a refusal, heads, boxes and an erasable key each."""
    limits = replace(SMALL, segment_bytes=9000, reserve_bytes=4096, outcome_bytes=256)
    for number in range(2):
        async with desk.journal(limits) as journal:
            await one_call(journal, f"c{number}")
            await journal.append(refusal(f"r{number}"))
            await one_call(journal, f"d{number}")


@pytest.fixture
async def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    await write(desk)
    return desk


def chain_of(desk: Desk) -> Path:
    return next(desk.evidence.iterdir())


def said(desk: Desk, *, key: str | None = None) -> tuple[int, str]:
    out = io.StringIO()
    return run_verify([desk.evidence], key=key, as_json=False, out=out), out.getvalue()


async def test_what_is_true_verifies(desk: Desk) -> None:
    out = io.StringIO()
    assert run_verify([desk.evidence], key=None, as_json=True, out=out) == 0
    report = json.loads(out.getvalue())
    assert (
        report.items()
        >= {
            "ok": True,
            "records": 15,
            "intents": 4,
            "outcomes": 4,
            "refusals": 2,
            "unknown": 0,
            "open": 0,
            "witnessed": 0,
            "self_asserted": 15,
            "error": None,
            "pinned": False,
            "erased_keys": 0,
        }.items()
    )
    assert report["first"] == {"seq": 1, "at": "2026-09-21T14:13:20.000000+00:00"}
    assert report["last"]["seq"] == 15
    assert [chain["segments"] for chain in report["chains"]] == [2]


async def test_the_text_explains_each_step_and_what_it_does_not_prove(desk: Desk) -> None:
    code, text = said(desk)
    assert code == 0
    assert [line.split()[1] for line in text.splitlines() if line[2:4] in {f"{step}." for step in Step}] == [
        *["ok"] * 7,
        "none",
    ]
    assert "self-asserted" in text
    assert "isolation none" in text
    assert "pin it with --key" in text


async def test_the_identity_can_be_pinned(desk: Desk) -> None:
    ours = public_text(desk.keys.identity)
    assert said(desk, key=ours)[0] == 0
    assert said(desk, key=str(desk.root / "state/keys/identity.pub"))[0] == 0
    code, text = said(desk, key=public_text(Ed25519PrivateKey.generate()))
    assert code == 1
    assert "not the one that was given" in text


@pytest.mark.parametrize(
    ("paths", "key"),
    [
        pytest.param(["nowhere"], None, id="no-such-folder"),
        pytest.param(["empty"], None, id="empty-folder"),
        pytest.param(["evidence"], "AAAA", id="a-key-that-is-none"),
    ],
)
async def test_nothing_to_check(desk: Desk, paths: list[str], key: str | None) -> None:
    (desk.root / "empty").mkdir()
    out = io.StringIO()
    assert run_verify([desk.root / path for path in paths], key=key, as_json=False, out=out) == 64
    assert out.getvalue().startswith("agentgate verify: ")


async def test_the_key_of_a_witness_signs_no_receipts(desk: Desk) -> None:
    out, key = io.StringIO(), VerifierKey("w.example", COSIGNATURE, bytes(32)).text()
    assert run_verify([desk.evidence], key=None, as_json=False, out=out, receipt_keys=[key]) == 64
    assert "the key of a witness" in out.getvalue()


async def test_a_chain_alone_can_be_checked(desk: Desk) -> None:
    assert verify_paths([chain_of(desk)]).total("records") == 15
    with pytest.raises(NothingToCheck):
        verify_paths([desk.root / "nowhere"])


@dataclass(slots=True)
class InMemory:
    """The files of a chain that lies in no folder, in blocks of so many bytes."""

    files: dict[str, bytes]
    size: int

    def names(self) -> list[str]:
        return list(self.files)

    def blocks(self, name: str) -> Iterator[bytes]:
        data = self.files[name]
        return (data[start : start + self.size] for start in range(0, len(data), self.size))


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
async def test_a_chain_can_be_checked_wherever_its_files_lie(desk: Desk, size: int) -> None:
    chain = chain_of(desk)
    files = {path.name: path.read_bytes() for path in chain.iterdir()}
    found = check_chain(chain.name, InMemory(files, size))
    assert found == desk.verify().chains[0]
    assert found.records == 15
    files["records-00000002.tsv"] += b"record"
    assert check_chain(chain.name, InMemory(files, size)) == replace(found, torn_bytes=6)
    del files["records-00000001.tsv"]
    assert check_chain(chain.name, InMemory(files, size)).fault is not None


async def test_every_changed_byte_is_found(tmp_path: Path) -> None:
    desk, seeded = Desk(tmp_path), random.Random(1)
    async with desk.journal(replace(SMALL, segment_bytes=2500)) as journal:
        await one_call(journal, "c1")
    files = sorted(path for path in chain_of(desk).iterdir() if path.name != "reserve")
    assert {path.name for path in files} == {"records-00000001.tsv", "records-00000002.tsv", "keys.jsonl"}
    for path in files:
        good = path.read_bytes()
        for place in range(len(good)):
            other = seeded.choice([good[place] ^ 1, good[place] ^ 0x20, 10, 0, 9, seeded.randrange(256)])
            if other == good[place]:
                other ^= 2
            path.write_bytes(good[:place] + bytes([other]) + good[place + 1 :])
            assert not desk.verify().ok, f"{path.name}, byte {place}: {good[place]} became {other}"
        path.write_bytes(good)
    assert desk.verify().ok


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def _first(chain: Path) -> Path:
    return chain / "records-00000001.tsv"


def _drop(pick: bytes, back: int = 0) -> Callable[[Path], None]:
    def change(chain: Path) -> None:
        lines = _lines(_first(chain))
        found = [number for number, line in enumerate(lines) if pick in line]
        del lines[found[0] - back]
        _first(chain).write_bytes(b"".join(lines))

    return change


def _double(pick: bytes) -> Callable[[Path], None]:
    def change(chain: Path) -> None:
        lines = _lines(_first(chain))
        number = next(number for number, line in enumerate(lines) if pick in line)
        lines.insert(number, lines[number])
        _first(chain).write_bytes(b"".join(lines))

    return change


def _swap_records(chain: Path) -> None:
    lines = _lines(_first(chain))
    lines[1:3], lines[3:5] = lines[3:5], lines[1:3]
    _first(chain).write_bytes(b"".join(lines))


def _swap_boxes(chain: Path) -> None:
    lines = _lines(_first(chain))
    boxes = [number for number, line in enumerate(lines) if line.startswith(b"box")]
    lines[boxes[0]], lines[boxes[1]] = lines[boxes[1]], lines[boxes[0]]
    _first(chain).write_bytes(b"".join(lines))


def _swap_segments(chain: Path) -> None:
    one, two = _first(chain), chain / "records-00000002.tsv"
    one.rename(chain / "x")
    two.rename(one)
    (chain / "x").rename(two)


def _forget_a_segment(chain: Path) -> None:
    _first(chain).unlink()


def _tear_the_first_segment(chain: Path) -> None:
    _first(chain).write_bytes(_first(chain).read_bytes()[:-40])


def _renumber(chain: Path) -> None:
    (chain / "records-00000002.tsv").rename(chain / "records-00000003.tsv")


def _respell(chain: Path) -> None:
    (chain / "records-00000002.tsv").rename(chain / "records-2.tsv")


def _stray_file(chain: Path) -> None:
    (chain / "notes.txt").write_text("hello")


def _stray_folder(chain: Path) -> None:
    (chain / "records-00000003.tsv").mkdir()


def _link(chain: Path) -> None:
    (chain / "keys.jsonl").rename(chain.parent.parent / "keys.jsonl")
    (chain / "keys.jsonl").symlink_to(chain.parent.parent / "keys.jsonl")


def _stray_neighbour(chain: Path) -> None:
    (chain.parent / "README").write_text("hello")


def _stray_neighbour_folder(chain: Path) -> None:
    (chain.parent / "chain-of-events").mkdir()


def _draft_that_is_a_folder(chain: Path) -> None:
    (chain.parent / receipt_draft(chain.name)).mkdir()


def _draft_of_no_chain(chain: Path) -> None:
    (chain.parent / ".chain-1.receipts.tsv").touch()


def _write_into_the_reserve(chain: Path) -> None:
    (chain / "reserve").write_bytes(b"\0" * 100 + b"x")


def _double_key(chain: Path) -> None:
    (chain / "keys.jsonl").write_bytes((chain / "keys.jsonl").read_bytes() + _lines(chain / "keys.jsonl")[0])


@pytest.mark.parametrize(
    ("change", "step"),
    [
        pytest.param(_drop(b'"kind":"refusal"'), Step.LINKS, id="a-record-dropped"),
        pytest.param(_drop(b"box"), Step.BOXES, id="a-box-dropped"),
        pytest.param(_drop(b"box", 1), Step.BOXES, id="a-record-dropped-its-box-left"),
        pytest.param(_double(b'"kind":"refusal"'), Step.LINKS, id="a-record-doubled"),
        pytest.param(_double(b"box"), Step.BOXES, id="a-box-doubled"),
        pytest.param(_double(b"head\t"), Step.HEADS, id="a-head-doubled"),
        pytest.param(_swap_records, Step.LINKS, id="two-records-exchanged"),
        pytest.param(_swap_boxes, Step.BOXES, id="two-boxes-exchanged"),
        pytest.param(_swap_segments, Step.LINKS, id="two-segments-exchanged"),
        pytest.param(_forget_a_segment, Step.FILES, id="the-first-segment-gone"),
        pytest.param(_tear_the_first_segment, Step.FILES, id="the-first-segment-torn"),
        pytest.param(_renumber, Step.FILES, id="a-number-left-out"),
        pytest.param(_respell, Step.FILES, id="a-number-spelled-otherwise"),
        pytest.param(_stray_file, Step.FILES, id="a-stray-file"),
        pytest.param(_stray_folder, Step.FILES, id="a-folder-named-like-a-segment"),
        pytest.param(_link, Step.FILES, id="a-symbolic-link"),
        pytest.param(_stray_neighbour, Step.FILES, id="a-stray-file-beside-the-chains"),
        pytest.param(_stray_neighbour_folder, Step.FILES, id="a-stray-folder-beside-the-chains"),
        pytest.param(_draft_that_is_a_folder, Step.FILES, id="a-receipt-on-its-way-that-is-a-folder"),
        pytest.param(_draft_of_no_chain, Step.FILES, id="a-receipt-on-its-way-to-no-chain"),
        pytest.param(_write_into_the_reserve, Step.FILES, id="something-in-the-reserve"),
        pytest.param(_double_key, Step.BOXES, id="a-wrapped-key-doubled"),
    ],
)
async def test_a_change_is_found_and_explained(desk: Desk, change: Callable[[Path], None], step: Step) -> None:
    change(chain_of(desk))
    error = desk.verify().error
    assert error is not None
    assert error.step is step
    code, text = said(desk)
    assert code == 1
    assert text.splitlines()[-1] == f"FAILED: {error}"


async def test_the_place_of_a_fault_is_named(desk: Desk) -> None:
    path = _first(chain_of(desk))
    path.write_bytes(path.read_bytes().replace(b'"outcome":"completed"', b'"outcome":"cancelled"', 1))
    error = desk.verify().error
    assert error is not None
    assert (error.file, error.line, error.seq, error.kind) == ("records-00000001.tsv", 4, 3, "outcome")


async def test_the_place_of_a_fault_in_a_box_is_that_of_its_record(desk: Desk) -> None:
    _swap_boxes(chain_of(desk))
    error = desk.verify().error
    assert error is not None
    assert (error.line, error.seq, error.kind) == (3, 2, "intent")


async def test_another_chain_is_checked_all_the_same(desk: Desk) -> None:
    chain = chain_of(desk)
    copy = Path(shutil.copytree(chain, chain.with_name("chain-" + "0" * 16)))
    (chain / "stray").write_text("x")
    report = desk.verify()
    assert not report.ok
    assert {found.chain: found.fault is None for found in report.chains} == {copy.name: True, chain.name: False}
    assert report.total("records") == 15


def _erase(desk: Desk) -> None:
    (chain_of(desk) / "keys.jsonl").write_bytes(b"")


async def test_an_erased_key_is_counted_and_is_no_fault(desk: Desk) -> None:
    _erase(desk)
    report = desk.verify()
    assert report.ok
    assert report.total("erased_keys") == 2


@pytest.mark.parametrize("size", [pytest.param(size, id=str(size)) for size in (1, 20, 200)])
async def test_an_unfinished_last_line_is_torn_not_changed(desk: Desk, size: int) -> None:
    path = chain_of(desk) / "records-00000002.tsv"
    path.write_bytes(path.read_bytes()[:-size])
    report = desk.verify()
    assert report.ok
    assert report.total("torn_bytes") > 0


async def test_a_living_chain_verifies_at_any_moment(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as journal:
        await journal.append(intent("c1"))
        report = desk.verify()
        assert report.ok
        assert report.total("open") == 1
        await journal.append(outcome("c1"))
        assert desk.verify().total("open") == 0


@pytest.mark.parametrize("left", [b"", b"receipt\t"])
async def test_a_receipt_that_was_on_its_way_when_its_writer_was_killed(desk: Desk, left: bytes) -> None:
    """It may lie there for good: the next process writes to another chain."""
    (desk.evidence / receipt_draft(chain_of(desk).name)).write_bytes(left)
    assert desk.verify().ok


async def test_a_chain_that_was_just_made_verifies(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    chain = desk.evidence / ("chain-" + "0" * 16)
    chain.mkdir(parents=True)
    (chain / "records-00000001.tsv").touch()
    report = desk.verify()
    assert report.ok
    assert report.as_json()["first"] is None


async def test_control_characters_of_others_do_not_reach_the_terminal(tmp_path: Path) -> None:
    desk = Desk(tmp_path, sidecar="gate\x1b[2J\u202e")
    async with desk.journal() as journal:
        assert isinstance(journal, Journal)
    code, text = said(desk)
    assert code == 0
    assert text.replace("\n", "").isprintable()


def test_a_report_over_nothing_is_well_formed() -> None:
    assert Report((), pinned=False).as_json()["ok"] is True
