"""A pack holds what was asked for and what proves it, and nothing else; whoever has the keys believes it."""

import base64
import errno
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from evidence.checkpoint import NOBODY, Quorum
from evidence.note import read_verifier_key
from evidence.pack.exporting import Exported, NothingToExport
from evidence.pack.proving import LogFiles
from evidence.pack.report import STEPS, Step
from evidence.pack.steps import Trust
from evidence.pack.verifying import Given
from evidence.pack.vocabulary import Selection, member_of, read_body, read_texts
from tests.evidence.pack.parcels import TRUST, WITNESSES, Counter, later, members_of, put
from tests.evidence.pack.twice import agreed
from tests.peers.places import ROOT
from tests.vectors.evidence.generate import CHAIN, DATA_KEY, WRAPPED, Pen

ANCHORED = {1, 11, 12, 15}
"""Both starts, the loss and the close of the story: every pack has their bodies."""


@pytest.mark.parametrize(
    ("selection", "selected"),
    [
        pytest.param(Selection(), set(range(1, 16)), id="everything"),
        pytest.param(Selection(call="call-1"), {2, 7}, id="a call"),
        pytest.param(Selection(call="call-2"), {3, 4, 5, 6, 13}, id="a call with its approval"),
        pytest.param(Selection(agent="other-bot"), {8, 9, 10}, id="an agent"),
        pytest.param(Selection(session="5e55"), {2, 3, 4, 5, 6, 7, 13}, id="a session"),
        pytest.param(
            Selection(since="2026-09-21T14:13:29.000000+00:00", until="2026-09-21T14:13:31.000000+00:00"),
            {8, 9},
            id="a span, with the whole of its calls",
        ),
        pytest.param(
            Selection(agent="billing-bot", until="2026-09-21T14:13:23.000000+00:00"), {2, 7}, id="an agent in a span"
        ),
    ],
)
def test_what_a_selection_discloses(tmp_path: Path, selection: Selection, selected: set[int]) -> None:
    pack = Counter.opened(tmp_path).pack(selection)
    bodies = [read_body(line) for line in members_of(pack)[member_of(CHAIN, "bodies.tsv")].splitlines()]
    assert {body.seq for body in bodies if body.selected} == selected
    assert {body.seq for body in bodies} == selected | ANCHORED
    report = agreed(pack)
    assert report.ok, report.fault
    assert (report.total("selected"), report.parts[0].proved_seq) == (len(selected), 15)


@pytest.mark.parametrize(
    ("trust", "verdicts"),
    [
        pytest.param(TRUST, {9: "ok", 10: "ok", 11: "ok"}, id="all keys"),
        pytest.param(Trust(), {9: "no key", 10: "no key", 11: "no key"}, id="no key"),
        pytest.param(replace(TRUST, log_keys=(), quorum=NOBODY), {9: "ok", 10: "no key", 11: "no key"}, id="receipts"),
        pytest.param(replace(TRUST, receipt_keys=()), {9: "no key", 10: "ok", 11: "ok"}, id="the log"),
    ],
)
def test_whose_word_counts(tmp_path: Path, trust: Trust, verdicts: dict[int, str]) -> None:
    report = agreed(Counter.opened(tmp_path).pack(), trust)
    assert report.ok, report.fault
    assert {int(step): report.verdict(step) for step in Step if step in verdicts} == verdicts
    assert report.total("self_asserted") == (0 if "ok" in verdicts.values() else 15)
    assert len(report.cosignatures) == (2 if trust.quorum.witnesses and trust.log_keys else 0)


def test_no_key_and_no_box_enters_a_pack(tmp_path: Path) -> None:
    counter = Counter.opened(tmp_path)
    pack = counter.pack(compressed=False)
    for line in (tmp_path / "evidence" / CHAIN / "records-00000001.tsv").read_bytes().splitlines():
        assert not line.startswith(b"box\t") or line.removeprefix(b"box\t") not in pack
    assert not any(key in pack for key in (b"wrapped", WRAPPED.encode(), base64.b64encode(DATA_KEY)))


def test_without_the_key_there_is_no_text(tmp_path: Path) -> None:
    counter = Counter.opened(tmp_path)
    _, exported = counter.export(opener=None)
    members = members_of((tmp_path / "one.agentgate").read_bytes())
    assert (exported.opened, exported.units) == (0, ())
    assert member_of(CHAIN, "texts.jsonl") not in members
    assert not any(b"/srv/" in content for content in members.values())


def test_only_texts_of_what_was_asked_for_are_opened(tmp_path: Path) -> None:
    counter = Counter.opened(tmp_path)
    _, exported = counter.export(Selection(call="call-1"))
    members = members_of((tmp_path / "one.agentgate").read_bytes())
    texts = [read_texts(line) for line in members[member_of(CHAIN, "texts.jsonl")].splitlines()]
    assert [(each.seq, sorted(each.secrets)) for each in texts] == [(2, ["input"]), (7, ["result"])]
    assert (exported.opened, exported.units) == (2, ("unit-session",))
    assert not any(b"call-3\\" in content or b"/srv/call-3" in content for content in members.values())


def test_the_same_pack_has_the_same_bytes(tmp_path: Path) -> None:
    counter = Counter.opened(tmp_path)
    assert counter.pack() == counter.pack()


def test_erased_texts_are_not_in_a_pack_and_all_else_holds(tmp_path: Path) -> None:
    counter = Counter.opened(tmp_path)
    (tmp_path / "evidence" / CHAIN / "keys.jsonl").write_bytes(b"")
    report = agreed(counter.pack())
    assert (report.ok, report.total("texts"), report.verdict(Step.TEXTS)) == (True, 0, "none")


def _of_another_tenant() -> Pen:
    pen = Pen()
    pen.start(tenant="rival")
    pen.call("call-1")
    pen.close()
    return pen


def test_a_pack_is_of_one_tenant(tmp_path: Path) -> None:
    counter = Counter.opened(tmp_path)
    put(tmp_path / "evidence", _of_another_tenant(), "chain-00000000000000aa", receipts=())
    with pytest.raises(NothingToExport, match="acme, rival"):
        counter.export()
    pack = counter.pack(tenant="acme")
    assert agreed(pack).ok
    assert not any(b"rival" in content for content in members_of(pack).values())


@pytest.mark.parametrize(
    "selection",
    [
        pytest.param(Selection(call="call-9"), id="no such call"),
        pytest.param(Selection(agent="billing-bot", session="0ff1"), id="another agent's session"),
        pytest.param(Selection(since="2027-01-01T00:00:00.000000+00:00"), id="later than everything"),
    ],
)
def test_nothing_to_export(tmp_path: Path, selection: Selection) -> None:
    counter = Counter.opened(tmp_path)
    with pytest.raises(NothingToExport):
        counter.export(selection)
    assert [path.name for path in tmp_path.iterdir()] == ["evidence"]


@pytest.mark.parametrize("hard_links", [pytest.param(True, id="hard links"), pytest.param(False, id="none")])
def test_two_exports_to_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, hard_links: bool) -> None:
    """The one that is done first has it; the other one says so, and leaves nothing behind."""
    if not hard_links:
        monkeypatch.setattr(os, "link", _not_on_this_file_system)
    counter, between = Counter.opened(tmp_path), list[Exported]()

    def get(path: str) -> bytes | None:
        if path.startswith("tile/") and not between:
            between.append(counter.export(Selection(call="call-1"))[1])
        return counter.log.get(path)

    with pytest.raises(FileExistsError, match=r"one\.agentgate is there already: give another name"):
        counter.export(log=LogFiles(get))
    target = tmp_path / "one.agentgate"
    assert agreed(target.read_bytes()).digest == between[0].digest
    assert target.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"evidence", "one.agentgate"}


def _not_on_this_file_system(*_: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_a_chain_whose_beginning_was_shipped_away(tmp_path: Path) -> None:
    pack = later(tmp_path).pack(Selection(call="call-5"))
    assert agreed(pack).ok
    found = agreed(pack, Trust())
    assert found.fault is not None
    assert (found.fault.step, found.fault.seq) == (Step.RECEIPTS, 4)


def test_a_log_that_has_not_all_of_it_yet(tmp_path: Path) -> None:
    counter = Counter.opened(tmp_path)
    counter.log.leaves = counter.log.leaves[:10]
    report = agreed(counter.pack(), replace(TRUST, receipt_keys=()))
    assert report.ok
    assert (report.parts[0].proved, report.parts[0].proved_seq, report.total("self_asserted")) == (7, 7, 8)


def test_too_few_witnesses(tmp_path: Path) -> None:
    counter = Counter.opened(tmp_path)
    counter.log.cosigned_by = (2,)
    pack = counter.pack()
    assert agreed(pack).ok
    found = agreed(pack, replace(TRUST, quorum=replace(TRUST.quorum, needed=len(WITNESSES))))
    assert found.fault is not None
    assert found.fault.step is Step.CHECKPOINT


def test_the_digest_from_elsewhere(tmp_path: Path) -> None:
    path, exported = Counter.opened(tmp_path).export()
    data = path.read_bytes()
    assert agreed(data, replace(TRUST, digest=exported.digest)).ok
    found = agreed(data, replace(TRUST, digest="0" * 64))
    assert found.fault is not None
    assert found.fault.step is Step.FILE
    assert io.BytesIO(data).read(2) == b"PK"


VECTORS = ROOT / "tests" / "vectors" / "evidence"
EXPECTED = json.loads((VECTORS / "packs" / "expected.json").read_text())


@pytest.mark.parametrize("name", EXPECTED)
def test_a_vector(name: str) -> None:
    keys = json.loads((VECTORS / "packs" / "keys.json").read_text())
    witnesses = tuple(read_verifier_key(key) for key in keys["witness_keys"])
    given = Given(keys["identity"], [keys["receipt_key"]], [keys["log_key"]], keys["witness_keys"], needed=0)
    assert given.trust().quorum == Quorum(0, witnesses)
    report = agreed((VECTORS / "packs" / f"{name}.agentgate").read_bytes(), given.trust())
    assert (report.fault and int(report.fault.step)) == EXPECTED[name], report.fault


def test_they_are_what_the_generator_makes() -> None:
    command = [sys.executable, str(VECTORS / "generate_packs.py"), "--check"]
    done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_page_tells_each_step() -> None:
    page = (ROOT / "docs" / "packs.md").read_text()
    told = re.findall(r"^\| ([0-9]+)\. ([a-z]+) \|", page, re.MULTILINE)
    assert told == [(str(int(step)), STEPS[step].partition(":")[0]) for step in Step]
