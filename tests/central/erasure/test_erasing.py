"""What is erased cannot be read by anybody, does not come back, has its tombstone, and all else stays as it was."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from central.erasure.deeds import Deeds
from central.erasure.purging import Purge
from central.erasure.vocabulary import ErasureProblem
from central.ledger.packs import ErasedMeanwhile, note_new_pack, note_pack
from central.ledger.vocabulary import Kept
from central.store import tables
from evidence.verify import run_verify
from tests.central.erasure.office import ASKED, NOON, Office, everything, unit_of
from tests.central.ledger.gate import SECOND, Gate


def test_the_text_of_a_unit_is_gone_and_that_of_others_stays(place: Office) -> None:
    place.said("of one", "s1")
    place.said("of another", "s2")
    outcome = place.erase("s1")
    assert [(one.unit, len(one.keys), one.sidecars) for one in outcome.erased] == [
        (unit_of("s1"), 1, ("gate-of-acme",))
    ]
    assert place.readable() == {"of another"}


def test_the_tombstone_says_what_and_why_and_which_packs(place: Office, tmp_path: Path) -> None:
    place.said("of one", "s1")
    note_pack(
        place.ledger.store, tenant="acme", digest="ab" * 32, units=[unit_of("s1")], by="f", at="2026-09-22T00:00:00Z"
    )
    note_pack(
        place.ledger.store, tenant="other", digest="cd" * 32, units=[unit_of("s1")], by="f", at="2026-09-22T00:00:00Z"
    )
    (erased,) = place.erase("s1").erased
    assert erased.packs == ("ab" * 32,)
    assert _tombstones(tmp_path / "state") == [
        {
            "unit": unit_of("s1"),
            "keys": list(erased.keys),
            "cause": "request",
            "asked_by": ASKED.by,
            "reason": ASKED.reason,
            "packs": ["ab" * 32],
        }
    ]
    (row,) = place.rows(tables.erasures)
    assert (row["tenant"], row["unit"], row["keys"]) == ("acme", unit_of("s1"), 1)


def test_the_chain_of_central_verifies_and_is_in_the_ledger(place: Office, tmp_path: Path) -> None:
    for session in ("s1", "s2"):
        place.said("text", session)
        place.said("text", session, tenant="other")
    place.erase("s1")
    place.erase("s2")
    place.erase("s1", tenant="other")
    report = _verified(tmp_path / "state")
    assert report["ok"], report["error"]
    chains = {chain["tenant"]: chain for chain in report["chains"]}
    assert {tenant: chain["records"] for tenant, chain in chains.items()} == {"acme": 6, "other": 3}
    held = {row["tenant"]: row["seq"] for row in place.rows(tables.chains) if row["sidecar"].startswith("central-")}
    assert held == {"acme": 6, "other": 3}
    assert place.rows(tables.incidents) == []
    assert len(place.rows(tables.pending)) == 4 + 3, "each batch of central's own is to come into the log as well"


def test_a_key_that_is_sent_again_stays_away(place: Office) -> None:
    place.said("of one", "s1")
    place.erase("s1")
    gate = place.gate("acme")
    gate.unit = "s1"
    gate.intent("more")
    place.ledger.append(gate.part(0), gate.registered)
    assert place.readable() == set()
    assert place.rows(tables.data_keys) == []


def test_a_key_of_a_batch_that_was_put_aside_is_erased_as_well(place: Office) -> None:
    gate = place.gate("acme")
    place.ship(gate)
    twin = gate.fork()
    place.said("of one", "s1")
    twin.unit = "s1"
    twin.start().intent("x")
    with pytest.raises(Kept):
        place.ledger.append(twin.batch(), twin.registered)
    (erased,) = place.erase("s1").erased
    assert len(erased.keys) == 2
    assert place.rows(tables.data_keys) == []


def test_what_was_made_before_its_erasure_and_comes_later_is_erased_when_it_comes(place: Office) -> None:
    late = Gate(name="gate-2", unix_us=NOON).start().start()
    late.unit = "s1"
    late.intent("a")
    place.said("of one", "s1")
    place.erase("s1")
    place.ledger.append(late.batch(), late.registered)
    after = Gate(name="gate-3", unix_us=place.watch.unix_us + SECOND).start().start().start()
    after.unit = "s1"
    after.intent("b")
    place.ledger.append(after.batch(), after.registered)
    purge = Purge(place.ledger.store, (), place.watch.unix_us, ASKED)
    assert [(unit.unit, unit.cause) for _, unit in purge.run(place.deeds).erased] == [(unit_of("s1"), "late")]
    assert len(place.rows(tables.data_keys)) == 1
    assert purge.run(place.deeds).erased == []


TENANTS = {
    "the-unit-of-another": ("s1", "other"),
    "a-unit-that-nobody-has": ("s9", "acme"),
    "a-tenant-that-is-none": ("s1", "nobody"),
}


@pytest.mark.parametrize(("session", "tenant"), [pytest.param(*row, id=name) for name, row in TENANTS.items()])
def test_nobody_erases_what_is_not_theirs(place: Office, session: str, tenant: str) -> None:
    place.said("of acme", "s1")
    place.said("of other", "s2", tenant="other")
    outcome = place.erase(session, tenant=tenant)
    assert (outcome.erased, outcome.held) == ((), ())
    assert (place.readable(), place.readable("other")) == ({"of acme"}, {"of other"})
    assert place.rows(tables.erasures) == []


def test_equal_names_of_two_tenants_are_two_units(place: Office) -> None:
    place.said("of acme", "s1")
    place.said("of other", "s1", tenant="other")
    place.erase("s1", tenant="other")
    assert (place.readable(), place.readable("other")) == ({"of acme"}, set())


def test_a_ledger_that_was_restored_is_told_again_what_it_has_forgotten(place: Office, tmp_path: Path) -> None:
    for session in ("s1", "s2", "s3"):
        place.said(f"of {session}", session)
    keys = [row for row in place.rows(tables.data_keys) if row["unit"] != unit_of("s3")]
    place.erase("s1")
    place.erase("s2")
    batches, heads = len(place.rows(tables.batches)), len(place.rows(tables.heads))
    place.restored(tables.erasures, tables.erased_keys, rows={tables.data_keys: keys})
    assert place.readable() == {"of s1", "of s2", "of s3"}
    assert Deeds(place.ledger, tmp_path / "state", place.watch).settle() == 6
    assert place.readable() == {"of s3"}
    assert len(place.rows(tables.erasures)) == 2
    assert (len(place.rows(tables.batches)), len(place.rows(tables.heads))) == (batches, heads)
    assert _verified(tmp_path / "state")["ok"]


def test_a_copy_that_is_gone_is_written_again(place: Office, tmp_path: Path) -> None:
    place.said("of one", "s1")
    place.erase("s1")
    (segment,) = (tmp_path / "state" / "evidence").glob("chain-*/records-*.tsv")
    content = segment.read_bytes()
    for left in (b"", content[:-1], content[:100]):
        segment.write_bytes(left)
        Deeds(place.ledger, tmp_path / "state", place.watch).settle()
        assert _verified(tmp_path / "state")["records"] == 3


def test_a_copy_of_another_past_is_refused(place: Office, tmp_path: Path) -> None:
    place.said("of one", "s1")
    place.said("of one", "s2")
    place.erase("s1")
    keep = Deeds(place.ledger, tmp_path / "state", place.watch)
    (segment,) = (tmp_path / "state" / "evidence").glob("chain-*/records-*.tsv")
    first = segment.read_bytes()
    place.erase("s2")
    segment.write_bytes(first.replace(b'"reason":"ticket 17"', b'"reason":"ticket 71"'))
    with pytest.raises(ErasureProblem, match="records-00000001"):
        keep.settle()


def test_another_identity_begins_a_chain_of_its_own(place: Office, tmp_path: Path) -> None:
    place.said("of one", "s1")
    place.said("of one", "s2")
    place.erase("s1")
    other = Deeds(place.ledger, tmp_path / "elsewhere", place.watch)
    other.erase("acme", [unit_of("s2")], everything)
    assert len([row for row in place.rows(tables.chains) if row["sidecar"].startswith("central-")]) == 2
    assert _verified(tmp_path / "elsewhere")["ok"]


def _verified(state: Path) -> dict[str, Any]:
    out = io.StringIO()
    run_verify([state / "evidence"], as_json=True, key=None, out=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def _tombstones(state: Path) -> list[dict[str, Any]]:
    lines = b"".join(path.read_bytes() for path in (state / "evidence").glob("chain-*/records-*.tsv")).split(b"\n")
    return [json.loads(line.split(b"\t")[2]) for line in lines if b'"kind":"tombstone"' in line]


def test_a_pack_of_text_that_was_erased_meanwhile_is_not_noted(place: Office) -> None:
    """The pack was made before the erasure, and would leave after it."""
    place.said("secret", "s1")
    place.said("other", "s2")
    store, units = place.ledger.store, [unit_of("s1"), unit_of("s2")]
    told = {"tenant": "acme", "by": "an auditor", "at": "2026-09-21T14:13:20.000000+00:00"}
    place.erase("s1")
    with pytest.raises(ErasedMeanwhile, match=unit_of("s1")):
        note_new_pack(store, digest="a" * 64, units=units, **told)
    assert place.rows(tables.packs) == []
    note_new_pack(store, digest="b" * 64, units=units[1:], **told)
    (erased,) = place.erase("s2").erased
    assert erased.packs == ("b" * 64,)
