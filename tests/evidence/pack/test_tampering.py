"""Every way that we know to tamper with a pack, by somebody who makes its digests anew, and the step that names it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evidence.chain import Position
from evidence.note import read_note, write_note
from evidence.pack.report import Step
from evidence.pack.steps import Trust
from evidence.pack.vocabulary import CHECKPOINT, MANIFEST, PROOFS, BadPack, Manifest, Selection, member_of
from evidence.receipt import receipt_line
from evidence.record import link_of
from evidence.signing import public_text, read_public
from tests.evidence.pack.parcels import TRUST, Counter, LogInMemory, Members, members_of, packed, story
from tests.evidence.pack.twice import agreed
from tests.vectors.evidence.generate import CHAIN, Pen, identity

HEADERS, BODIES = member_of(CHAIN, "headers.tsv"), member_of(CHAIN, "bodies.tsv")
TEXTS, RECEIPTS = member_of(CHAIN, "texts.jsonl"), member_of(CHAIN, "receipts.tsv")

Edit = Callable[[Members], None]


def lines(name: str, change: Callable[[list[bytes]], list[bytes]]) -> Edit:
    """An edit of the lines of one member."""

    def edit(members: Members) -> None:
        members[name] = b"".join(change(members[name].splitlines(keepends=True)))

    return edit


def dropped(name: str, number: int) -> Edit:
    return lines(name, lambda all_of: all_of[:number] + all_of[number + 1 :])


def swapped(name: str, one: int, two: int) -> Edit:
    def swap(all_of: list[bytes]) -> list[bytes]:
        all_of[one], all_of[two] = all_of[two], all_of[one]
        return all_of

    return lines(name, swap)


def replaced(name: str, old: bytes, new: bytes) -> Edit:
    def edit(members: Members) -> None:
        assert old in members[name]
        members[name] = members[name].replace(old, new, 1)

    return edit


def cut(name: str, count: int) -> Edit:
    return lines(name, lambda all_of: all_of[:-count])


def removed(*names: str) -> Edit:
    def edit(members: Members) -> None:
        for name in names:
            del members[name]

    return edit


def in_turn(*edits: Edit) -> Edit:
    def edit(members: Members) -> None:
        for each in edits:
            each(members)

    return edit


def numbered(name: str, number: int, seq: int) -> Edit:
    """One line says that it is of another record."""

    def edit(all_of: list[bytes]) -> list[bytes]:
        told = json.loads(all_of[number])
        all_of[number] = json.dumps({**told, "seq": seq}, separators=(",", ":"), sort_keys=True).encode() + b"\n"
        return all_of

    return lines(name, edit)


def text_of_another(members: Members) -> None:
    """The texts of two records change places, each with its own salt."""
    first, second, *rest = [json.loads(line) for line in members[TEXTS].splitlines()]
    first["secrets"], second["secrets"] = second["secrets"], first["secrets"]
    members[TEXTS] = b"".join(
        json.dumps(each, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode() + b"\n"
        for each in (first, second, *rest)
    )


def _forged(**changes: Any) -> Pen:
    """Another chain, as whoever has the sidecar's keys could write it: the same but for one thing."""
    pen = story() if not changes else Pen()
    if changes:
        pen.start(**changes)
        pen.call("call-1")
        pen.close()
    return pen


def fork(members: Members) -> None:
    """The chain goes on otherwise after record 7, signed by the true keys, with receipt and proofs of the true one."""
    told = members[HEADERS].split(b"header\t")
    header = json.loads(told[8])
    header["at"] = header["at"].replace("2026", "2027")
    told[8] = json.dumps(header, separators=(",", ":"), sort_keys=True).encode() + b"\n"
    for number in range(9, len(told)):
        line, _, rest = told[number].partition(b"\n")
        before = told[number - 1].partition(b"\n")[0]
        following = json.loads(line)
        following["prev"] = link_of(before)
        told[number] = json.dumps(following, separators=(",", ":"), sort_keys=True).encode() + b"\n" + rest
    members[HEADERS] = b"header\t".join(told)


def old_checkpoint(members: Members) -> None:
    """A checkpoint that the log has signed long ago, when it did not have these records."""
    members[CHECKPOINT] = LogInMemory.of(story()).note(size=4).encode()


def log_by_a_stranger(members: Members) -> None:
    log = LogInMemory.of(story())
    log.signed_by = 2
    members[CHECKPOINT] = log.note().encode()


def log_of_other_leaves(members: Members) -> None:
    """The log's own key signs another tree of the same size."""
    log = LogInMemory.of(story())
    log.leaves[4] = b"\xaa" * 32
    members[CHECKPOINT] = log.note().encode()


def without_cosignatures(members: Members) -> None:
    note = read_note(members[CHECKPOINT].decode())
    members[CHECKPOINT] = write_note(note.text, note.signatures[:1]).encode()


def another_receipt(receipt: str) -> Edit:
    def edit(members: Members) -> None:
        members[RECEIPTS] = receipt_line(receipt)

    return edit


def manifest(**changes: Any) -> Callable[[Manifest], Manifest]:
    return lambda told: replace(told, **changes)


ROWS = [
    pytest.param(dropped(HEADERS, 4), Step.HEADERS, id="a header is dropped"),
    pytest.param(swapped(HEADERS, 3, 4), Step.HEADERS, id="two headers change places"),
    pytest.param(replaced(HEADERS, b'"call-3"', b'"call-5"'), Step.HEADERS, id="a header says another call"),
    pytest.param(replaced(HEADERS, b'"boot":', b'"boot": '), Step.HEADERS, id="a header is spelled otherwise"),
    pytest.param(lines(HEADERS, lambda all_of: [*all_of[:3], all_of[2], *all_of[3:]]), Step.HEADERS, id="doubled"),
    pytest.param(replaced(HEADERS, b"header\t", b"box\tAAAA\nheader\t"), Step.HEADERS, id="a box among headers"),
    pytest.param(lambda members: members.update({HEADERS: members[HEADERS][:-1]}), Step.HEADERS, id="no last LF"),
    pytest.param(fork, Step.HEADS, id="a fork after a head"),
    pytest.param(dropped(HEADERS, 7), None, id="a head is dropped: the next one signs all of it"),
    pytest.param(replaced(HEADERS, b"agentgate/head/v1\\n", b"agentgate/head/v2\\n"), Step.HEADS, id="a head's text"),
    pytest.param(swapped(HEADERS, 7, 12), Step.HEADS, id="a head stands before its record"),
    pytest.param(replaced(BODIES, b"starter-1", b"starter-2"), Step.BODIES, id="a body says another policy"),
    pytest.param(replaced(BODIES, b'"isolation":"uid"', b'"isolation":"host"'), Step.BODIES, id="a start is changed"),
    pytest.param(dropped(BODIES, 0), Step.BODIES, id="the body of a start is dropped"),
    pytest.param(dropped(BODIES, 9), Step.SELECTION, id="a refusal is dropped from everything"),
    pytest.param(dropped(BODIES, 10), Step.BODIES, id="a loss is not told"),
    pytest.param(swapped(BODIES, 2, 3), Step.SELECTION, id="bodies out of order"),
    pytest.param(replaced(BODIES, b"selected\t2\t", b"selected\t3\t"), Step.SELECTION, id="a body of another record"),
    pytest.param(replaced(BODIES, b"selected\t2\t", b"chosen\t2\t"), Step.BODIES, id="a line that is no body"),
    pytest.param(replaced(BODIES, b"selected\t2\t", b"anchor\t2\t"), Step.SELECTION, id="a call that nobody selected"),
    pytest.param(replaced(TEXTS, b"/srv/call-1", b"/srv/call-7"), Step.TEXTS, id="a text is changed"),
    pytest.param(replaced(TEXTS, b"AAAAE=", b"AAAAI="), Step.TEXTS, id="a salt is changed"),
    pytest.param(text_of_another, Step.TEXTS, id="the text of another record, with its salt"),
    pytest.param(replaced(TEXTS, b'"input"', b'"raw"'), Step.TEXTS, id="a text under another name"),
    pytest.param(numbered(TEXTS, 0, 1), Step.TEXTS, id="a text of a record that has none"),
    pytest.param(numbered(TEXTS, 0, 99), Step.TEXTS, id="a text of no record"),
    pytest.param(replaced(TEXTS, b'"seq":2', b'"seq":2,"x":1'), Step.TEXTS, id="more than a text"),
    pytest.param(another_receipt(story().receipt(15, by=2)), Step.RECEIPTS, id="a receipt by a stranger"),
    pytest.param(
        another_receipt(story().receipt(15, position=Position(15, "ab" * 32))),
        Step.RECEIPTS,
        id="a receipt over another past",
    ),
    pytest.param(another_receipt(story().receipt(15, tenant="rival")), Step.RECEIPTS, id="a rival's receipt"),
    pytest.param(replaced(RECEIPTS, b"\\n15\\n", b"\\n14\\n"), Step.RECEIPTS, id="a receipt is changed"),
    pytest.param(
        in_turn(cut(HEADERS, 2), cut(BODIES, 1), removed(CHECKPOINT, PROOFS)),
        Step.RECEIPTS,
        id="the tail is rolled back",
    ),
    pytest.param(
        in_turn(cut(HEADERS, 2), cut(BODIES, 1), removed(RECEIPTS)),
        Step.INCLUSION,
        id="the tail is rolled back, and the receipt with it",
    ),
    pytest.param(replaced(CHECKPOINT, b"\n18\n", b"\n19\n"), Step.CHECKPOINT, id="a checkpoint is changed"),
    pytest.param(log_by_a_stranger, Step.CHECKPOINT, id="a checkpoint by a stranger"),
    pytest.param(without_cosignatures, Step.CHECKPOINT, id="no witness has cosigned"),
    pytest.param(old_checkpoint, Step.INCLUSION, id="an old checkpoint is replayed"),
    pytest.param(log_of_other_leaves, Step.INCLUSION, id="the log shows another tree"),
    pytest.param(numbered(PROOFS, 0, 99), Step.INCLUSION, id="a proof of no record"),
    pytest.param(swapped(PROOFS, 0, 1), Step.INCLUSION, id="proofs out of order"),
    pytest.param(replaced(PROOFS, b'"index":3', b'"index":4'), Step.INCLUSION, id="a proof of another place"),
    pytest.param(replaced(PROOFS, b'["', b'["AAAA","'), Step.INCLUSION, id="a proof of no hashes"),
    pytest.param(removed(CHECKPOINT), Step.CHECKPOINT, id="proofs without the checkpoint"),
    pytest.param(removed(CHECKPOINT, PROOFS), Step.CHECKPOINT, id="all that the log has said is left out"),
    pytest.param(removed(PROOFS), Step.INCLUSION, id="the proofs are left out"),
    pytest.param(removed(BODIES), Step.MANIFEST, id="a chain without bodies"),
]


@pytest.mark.parametrize(("edit", "step"), ROWS)
def test_what_is_tampered_with_is_named(tmp_path: Path, edit: Edit, step: Step | None) -> None:
    members = members_of(Counter.opened(tmp_path).pack())
    edit(members)
    report = agreed(packed(members))
    assert (report.fault and report.fault.step) == step, report.fault
    assert any("FAILED" in line for line in report.lines()) == (step is not None)


@pytest.mark.parametrize(
    ("edit", "went_through"),
    [
        pytest.param(swapped(PROOFS, 0, 1), Step.MANIFEST, id="proofs are read before the chains"),
        pytest.param(replaced(TEXTS, b"/srv/call-1", b"/srv/call-7"), Step.MANIFEST, id="a text of an early record"),
        pytest.param(log_by_a_stranger, Step.RECEIPTS, id="a checkpoint comes after the chains"),
        pytest.param(log_of_other_leaves, Step.CHECKPOINT, id="an inclusion comes after the checkpoint"),
    ],
)
def test_no_step_is_ok_that_was_not_gone_through(tmp_path: Path, edit: Edit, went_through: Step) -> None:
    """With a header missing further on, where the check does not come that far."""
    members = members_of(Counter.opened(tmp_path).pack())
    edit(members)
    if went_through is Step.MANIFEST:
        dropped(HEADERS, 9)(members)
    report = agreed(packed(members))
    assert [step for step in Step if report.verdict(step) == "ok"] == [step for step in Step if step <= went_through]
    assert [step for step in Step if report.verdict(step) == "FAILED"] == [report.fault and report.fault.step]


MANIFESTS = [
    pytest.param(manifest(tenant="rival"), Step.HEADERS, id="another tenant"),
    pytest.param(manifest(chains=()), Step.MANIFEST, id="no chain"),
    pytest.param(manifest(members={}), Step.MANIFEST, id="no members"),
    pytest.param(
        lambda told: replace(told, chains=(replace(told.chains[0], last=14),)), Step.SELECTION, id="a shorter chain"
    ),
    pytest.param(
        lambda told: replace(told, chains=(replace(told.chains[0], name="chain-00000000000000aa"),)),
        Step.MANIFEST,
        id="a chain that is not here",
    ),
    pytest.param(manifest(selection=Selection(call="call-9")), Step.SELECTION, id="a call that nobody has"),
    pytest.param(manifest(exported_by="somebody else"), None, id="who exported it is their word"),
]


@pytest.mark.parametrize(("change", "step"), MANIFESTS)
def test_what_the_manifest_says_otherwise(
    tmp_path: Path, change: Callable[[Manifest], Manifest], step: Step | None
) -> None:
    report = agreed(packed(members_of(Counter.opened(tmp_path).pack()), change))
    assert (report.fault and report.fault.step) == step, report.fault


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b"agentgate/pack/v1", b"agentgate/pack/v9", id="a later format"),
        pytest.param(b'"tenant":', b'"tenant": ', id="a space"),
        pytest.param(b'"tenant":', b'"signed":true,"tenant":', id="more than a manifest says"),
        pytest.param(b'"tenant":', b'"tenant":"rival","tenant":', id="two tenants"),
    ],
)
def test_a_manifest_that_is_none(tmp_path: Path, old: bytes, new: bytes) -> None:
    data = members_of(Counter.opened(tmp_path).pack())[MANIFEST]
    assert old in data
    with pytest.raises(BadPack):
        Manifest.read(data.replace(old, new))


@pytest.mark.parametrize(
    ("selection", "edit", "step"),
    [
        pytest.param(Selection(call="call-1"), dropped(BODIES, 2), Step.SELECTION, id="half a call"),
        pytest.param(
            Selection(since="2026-09-21T14:13:29.000000+00:00"),
            in_turn(dropped(BODIES, 3), dropped(BODIES, 2)),
            Step.SELECTION,
            id="a call of the span",
        ),
        pytest.param(Selection(agent="other-bot"), swapped(BODIES, 1, 2), Step.BODIES, id="bodies out of order"),
        pytest.param(
            Selection(agent="other-bot"),
            replaced(BODIES, b"selected\t8\t", b"selected\t7\t"),
            Step.BODIES,
            id="a body of another record",
        ),
        pytest.param(
            Selection(agent="other-bot"), dropped(BODIES, 3), Step.SELECTION, id="one of several calls of an agent"
        ),
    ],
)
def test_what_was_asked_for_and_left_out(tmp_path: Path, selection: Selection, edit: Edit, step: Step) -> None:
    members = members_of(Counter.opened(tmp_path).pack(selection, opener=None))
    edit(members)
    report = agreed(packed(members))
    assert report.fault is not None
    assert report.fault.step is step, report.fault


@pytest.mark.parametrize(
    "trust",
    [
        pytest.param(replace(TRUST, identity=read_public(public_text(identity(2)))), id="the given identity"),
        pytest.param(TRUST, id="the identity of the chain"),
    ],
)
def test_another_identity(tmp_path: Path, trust: Trust) -> None:
    pen = _forged(by=1 if trust is not TRUST else 2)
    pack = Counter.opened(tmp_path, pen).pack()
    report = agreed(pack, trust)
    assert report.fault is not None
    assert (report.fault.step, report.fault.seq, report.fault.kind) == (Step.KEYS, 1, "start")


def test_no_single_bit_can_be_flipped(tmp_path: Path) -> None:
    pack = Counter.opened(tmp_path).pack(Selection(call="call-1"))
    for place in range(0, len(pack), 29):
        changed = bytearray(pack)
        changed[place] ^= 1 << place % 8
        report = agreed(bytes(changed))
        assert report.fault is not None, f"byte {place}"
        assert report.fault.step in (Step.FILE, Step.MANIFEST), report.fault
