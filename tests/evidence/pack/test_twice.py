"""Two verifiers of packs agree, also where two things are wrong, or a byte is, or a key is for what is not there."""

import io
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from evidence.chain import segment_body
from evidence.checkpoint import NOBODY
from evidence.pack.packing import Packing
from evidence.pack.report import Step
from evidence.pack.steps import Trust
from evidence.pack.verifying import Given, run_verify_pack
from evidence.pack.vocabulary import CHECKPOINT, LOG_KEYS, MANIFEST, PROOFS, Selection, member_of
from evidence.record import Kind
from tests.evidence.pack.parcels import LOG, TRUST, Counter, Members, exchanged, later, members_of, packed, story
from tests.evidence.pack.test_tampering import ROWS
from tests.evidence.pack.twice import agreed
from tests.vectors.evidence.generate import CHAIN, Pen

SELECTIONS = [
    Selection(),
    Selection(call="call-1"),
    Selection(agent="other-bot"),
    Selection(since="2026-09-21T14:13:29.000000+00:00", until="2026-09-21T14:13:31.000000+00:00"),
]
EDITS = [cast("Callable[[Members], None]", row.values[0]) for row in ROWS]
LOG_ONLY = replace(TRUST, receipt_keys=())
LEDGER_ONLY = replace(TRUST, log_keys=(), quorum=NOBODY)


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> list[Members]:
    root = tmp_path_factory.mktemp("twice")
    counter = Counter.opened(root / "one")
    others = [exchanged(root / "two").pack(), later(root / "three").pack(Selection(call="call-5"))]
    return [members_of(pack) for pack in (*map(counter.pack, SELECTIONS), *others)]


@pytest.mark.parametrize(
    ("trust", "left_out", "step"),
    [
        pytest.param(TRUST, (CHECKPOINT, PROOFS), Step.CHECKPOINT, id="no checkpoint, and a log's key"),
        pytest.param(
            replace(TRUST, quorum=NOBODY), (CHECKPOINT, PROOFS), Step.CHECKPOINT, id="no checkpoint, and no witness"
        ),
        pytest.param(LEDGER_ONLY, (CHECKPOINT, PROOFS), None, id="no checkpoint, and nobody asked for it"),
        pytest.param(TRUST, (PROOFS,), Step.INCLUSION, id="no proof, and a log's key"),
        pytest.param(LEDGER_ONLY, (PROOFS,), None, id="no proof, and nobody asked for it"),
        pytest.param(LEDGER_ONLY, (CHECKPOINT,), Step.INCLUSION, id="proofs of no checkpoint"),
    ],
)
def test_who_gives_a_key_demands_what_it_has_signed(
    packs: list[Members], trust: Trust, left_out: tuple[str, ...], step: Step | None
) -> None:
    report = agreed(packed({name: data for name, data in packs[0].items() if name not in left_out}), trust)
    assert (report.fault and report.fault.step) == step, report.fault
    assert report.fault is None or "--log-key" in report.fault.what or step is Step.INCLUSION


@pytest.mark.parametrize(
    "left_out", [pytest.param((CHECKPOINT, PROOFS), id="both"), pytest.param((PROOFS,), id="proofs")]
)
def test_how_the_command_says_so(packs: list[Members], tmp_path: Path, left_out: tuple[str, ...]) -> None:
    path, out = tmp_path / "one.agentgate", io.StringIO()
    path.write_bytes(packed({name: data for name, data in packs[0].items() if name not in left_out}))
    assert run_verify_pack(path, Given(log_keys=[LOG.text()]), as_json=False, out=out) == 1
    assert "or leave --log-key out" in out.getvalue().splitlines()[-1]
    assert run_verify_pack(path, Given(), as_json=False, out=out) == 0


@pytest.mark.parametrize(
    ("name", "size", "trust", "step"),
    [
        pytest.param(CHECKPOINT, 1 << 18, TRUST, Step.CHECKPOINT, id="a checkpoint of 256 KiB"),
        pytest.param(CHECKPOINT, (1 << 18) + 1, TRUST, Step.FILE, id="a longer one"),
        pytest.param(LOG_KEYS, 1 << 20, TRUST, Step.CHECKPOINT, id="a history of 1 MiB"),
        pytest.param(LOG_KEYS, (1 << 20) + 1, TRUST, Step.FILE, id="a longer history"),
        pytest.param(LOG_KEYS, (1 << 20) + 1, LEDGER_ONLY, None, id="a longer history that nobody reads"),
    ],
)
def test_what_is_too_long(packs: list[Members], name: str, size: int, trust: Trust, step: Step | None) -> None:
    report = agreed(packed({**packs[0], name: b"x" * size}), trust)
    assert (report.fault and report.fault.step) == step, report.fault


def _of(written: Callable[[Pen], None], root: Path, **changes: Any) -> Members:
    pen = Pen()
    pen.start()
    written(pen)
    pen.close()
    return members_of(Counter.opened(root, pen).pack(**changes))


@pytest.mark.parametrize(
    ("body", "step"),
    [
        pytest.param({"lost": {"notice": 2}}, None, id="of two notices"),
        pytest.param({"lost": {}}, None, id="of nothing"),
        pytest.param({}, Step.BODIES, id="that does not say what"),
        pytest.param({"lost": 2}, Step.BODIES, id="that says how many, and not what"),
    ],
)
def test_a_loss(tmp_path: Path, body: Mapping[str, Any], step: Step | None) -> None:
    report = agreed(packed(_of(lambda pen: pen.write(Kind.LOSS, dict(body)), tmp_path)))
    assert (report.fault and report.fault.step) == step, report.fault


@pytest.mark.parametrize(
    ("listed", "step"),
    [
        pytest.param(segment_body(["call-8", "call-7"]), None, id="what is open"),
        pytest.param({"event": "segment", "open": ["call-8", "call-7"]}, Step.CALLS, id="not in order"),
        pytest.param({"event": "segment", "open": ["call-7", "call-7", "call-8"]}, Step.CALLS, id="twice"),
        pytest.param({"event": "segment", "open": ["7", 8]}, Step.CALLS, id="a number"),
        pytest.param({"event": "segment", "open": "call-7"}, Step.CALLS, id="no list"),
        pytest.param({"event": "segment"}, Step.CALLS, id="nothing"),
        pytest.param({"event": "other", "open": []}, Step.CALLS, id="another notice"),
    ],
)
def test_the_notice_that_a_later_chain_begins_with(
    tmp_path: Path, listed: Mapping[str, Any], step: Step | None
) -> None:
    pen = Pen()
    pen.start()
    for call in ("call-7", "call-8"):
        pen.write(Kind.INTENT, {}, call)
    pen.head()
    pen.segments.append([])
    pen.write(Kind.NOTICE, dict(listed))
    pen.call("call-9")
    pen.close()
    counter = Counter.opened(tmp_path, pen)
    (tmp_path / "evidence" / CHAIN / "records-00000001.tsv").unlink()
    report = agreed(counter.pack(Selection(call="call-9")))
    assert (report.fault and report.fault.step) == step, report.fault


def test_a_chain_without_a_record(packs: list[Members]) -> None:
    members = {MANIFEST: packs[2][MANIFEST], **{member_of(CHAIN, name): b"" for name in ("headers.tsv", "bodies.tsv")}}
    report = agreed(packed(members, lambda told: replace(told, chains=(replace(told.chains[0], last=0),))), Trust())
    assert report.fault is not None
    assert report.fault.step is Step.HEADERS


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("disclosed", [pytest.param(True, id="with its body"), pytest.param(False, id="without it")])
def test_any_kind_of_record(tmp_path: Path, kind: Kind, *, disclosed: bool) -> None:
    """Of a call that is open, or of none; what is wrong is the same, whoever looks."""
    for number, call in enumerate(("call-5", None)):
        pen = story()
        pen.start()
        pen.write(Kind.INTENT, {}, "call-5")
        pen.write(kind, {"outcome": "completed"} if kind is Kind.OUTCOME else {}, call)
        pen.head()
        counter = Counter.opened(tmp_path / str(number), pen)
        agreed(counter.pack(Selection() if disclosed else Selection(call="call-1")))


@pytest.mark.parametrize("seed", range(4))
def test_which_of_two_faults_is_told(packs: list[Members], seed: int) -> None:
    seeded, tried = random.Random(seed), 0
    for _ in range(20):
        members, trust = dict(packs[0]), seeded.choice([TRUST, LOG_ONLY, LEDGER_ONLY, Trust()])
        try:
            for edit in seeded.sample(EDITS, 2):
                edit(members)
        except (AssertionError, LookupError, ValueError):
            continue  # What the second would change is gone with the first.
        agreed(packed(members), trust)
        tried += 1
    assert tried > 10


def _changed(seeded: random.Random, data: bytes) -> bytes:
    """A bit, a byte or a line is another, missing, or there twice."""
    whole = data.splitlines(keepends=True)
    at, line = seeded.randrange(len(data)), seeded.randrange(len(whole))
    return seeded.choice(
        [
            data[:at] + bytes([data[at] ^ 1 << seeded.randrange(8)]) + data[at + 1 :],
            data[:at],
            data[:at] + seeded.choice([b"\n", b"\t", b" ", b'"', b"0", b"\\"]) + data[at:],
            b"".join(whole[:line] + whole[line + 1 :]),
            b"".join([*whole[:line], whole[seeded.randrange(len(whole))], *whole[line:]]),
        ]
    )


@pytest.mark.parametrize("seed", range(4))
def test_what_is_changed_anywhere(packs: list[Members], seed: int) -> None:
    seeded = random.Random(seed)
    for _ in range(40):
        members = dict(seeded.choice(packs))
        name = seeded.choice(sorted(set(members) - {MANIFEST}))
        members[name] = _changed(seeded, members[name])
        agreed(packed(members), seeded.choice([TRUST, LOG_ONLY, LEDGER_ONLY, Trust()]))


@pytest.mark.parametrize("seed", range(4))
def test_a_file_that_is_changed_anywhere(packs: list[Members], seed: int) -> None:
    seeded = random.Random(seed)
    for _ in range(40):
        agreed(_changed(seeded, packed(packs[1], compressed=bool(seeded.randrange(2)))))


@pytest.mark.parametrize("seed", range(4))
def test_a_manifest_that_is_changed_anywhere(packs: list[Members], seed: int) -> None:
    seeded = random.Random(seed)
    members = packs[1]
    for _ in range(20):
        file = io.BytesIO()
        packing = Packing(file)
        for name in sorted(members):
            packing.add(name, [_changed(seeded, members[name]) if name == MANIFEST else members[name]])
        packing._zip.close()  # noqa: SLF001 - with a manifest that is none of ours
        agreed(file.getvalue())
