"""What a tenant's readers see of the ledger, on each database: theirs, whole, and in order."""

from pathlib import Path

import pytest
from sqlalchemy import text

from central.ledger.ledger import Ledger
from central.ledger.reading import Reading, Wanted
from central.ledger.unfolding import unfold
from central.store.engine import LedgerUnavailable
from evidence.record import Kind, read_header
from evidence.verify import verify_paths
from tests.central.ledger.gate import SECOND, Gate

BEGINS = 1_790_000_000 * SECOND


def _filled(ledger: Ledger) -> tuple[Gate, Gate]:
    """Two tenants with a chain each; the first one came in two batches."""
    mine, other = Gate().start(), Gate(name="gate-2", tenant="umbrella").start()
    mine.write(Kind.REFUSAL, {"refusal": {"code": "x", "rule": None, "order": None}}, "r", input=b"secret")
    mine.calls("a", "b").head()
    ledger.append(mine.batch(), mine.registered)
    mine.calls("c").head().close().head()
    ledger.append(mine.batch(), mine.registered)
    other.calls("z").head()
    ledger.append(other.batch(), other.registered)
    return mine, other


def test_chains(ledger: Ledger) -> None:
    mine, other = _filled(ledger)
    (found,), _ = Reading(ledger.store, "acme").chains()
    assert (found.chain, found.sidecar, found.first_seq, found.seq) == (mine.chain, "gate-1", 1, mine.position().seq)
    assert (found.link, found.signed, found.missing) == (mine.position().link, mine.position().seq, 0)
    assert [one.chain for one in Reading(ledger.store, "umbrella").chains()[0]] == [other.chain]
    assert Reading(ledger.store, "nobody").chains() == ([], None)


def test_records_come_page_by_page(ledger: Ledger) -> None:
    mine, _ = _filled(ledger)
    reading, after, seen = Reading(ledger.store, "acme"), (0, 0), list[int]()
    for _ in range(9):
        page = reading.records(Wanted(), after=after, limit=4)
        seen += [one.seq for one in page.records]
        assert {one.chain for one in page.records} <= {mine.chain}
        if page.after is None:
            break
        after = page.after
    assert seen == list(range(1, mine.position().seq + 1))


WANTED = [
    pytest.param(Wanted(first=3, last=4), [3, 4], id="numbers"),
    pytest.param(Wanted(since=BEGINS + 3 * SECOND, until=BEGINS + 6 * SECOND), [3, 4, 5], id="times"),
    pytest.param(Wanted(since=BEGINS + 8 * SECOND, first=9), [9], id="both"),
    pytest.param(Wanted(until=BEGINS), [], id="before-all"),
    pytest.param(Wanted(sidecar="gate-1", first=9), [9], id="a-sidecar"),
    pytest.param(Wanted(sidecar="gate-2"), [], id="another-tenants-sidecar"),
    pytest.param(Wanted(chain="0" * 64), [], id="no-such-chain"),
]


@pytest.mark.parametrize(("wanted", "seqs"), WANTED)
def test_records_that_are_wanted(ledger: Ledger, wanted: Wanted, seqs: list[int]) -> None:
    _filled(ledger)
    page = Reading(ledger.store, "acme").records(wanted)
    assert [one.seq for one in page.records if one.seq <= 9] == seqs
    assert all(read_header(one.header).seq == one.seq for one in page.records)


def test_another_tenants_chain_is_not_there(ledger: Ledger) -> None:
    _, other = _filled(ledger)
    reading = Reading(ledger.store, "acme")
    assert reading.records(Wanted(chain=other.chain)).records == ()
    assert reading.leaf(other.chain, 1) is None


def test_incidents(ledger: Ledger) -> None:
    gate = Gate().start().calls("a")
    ledger.append(gate.batch(), gate.registered)
    gate.calls("b").segment().calls("c")
    ledger.append(gate.part(5, gap=True), gate.registered)
    (found,) = Reading(ledger.store, "acme").incidents()
    assert (found.kind, found.sidecar, found.chain, found.count) == ("gap", "gate-1", gate.chain, 1)
    assert Reading(ledger.store, "acme").incidents(after=found.no) == []
    assert Reading(ledger.store, "umbrella").incidents() == []


def test_what_is_not_in_the_log_has_no_leaf(ledger: Ledger) -> None:
    mine, _ = _filled(ledger)
    assert Reading(ledger.store, "acme").leaf(mine.chain, 1) is None


def test_a_tenants_chains_as_a_folder_are_verified(ledger: Ledger, tmp_path: Path) -> None:
    mine, _ = _filled(ledger)
    (written,) = unfold(ledger.store, "acme", tmp_path / "evidence")
    report = verify_paths([tmp_path / "evidence"], mine.identity.public_key().public_bytes_raw())
    assert (written.chain, written.records) == (mine.chain, mine.position().seq)
    assert report.ok, report.error
    (chain,) = report.chains
    assert (chain.records, chain.signed, chain.closed) == (written.records, written.records, True)
    assert (chain.erased_keys, chain.open) == (0, 0)
    with pytest.raises(FileExistsError):
        unfold(ledger.store, "acme", tmp_path / "evidence")


def test_a_chain_is_written_as_it_came(ledger: Ledger, tmp_path: Path) -> None:
    mine, _ = _filled(ledger)
    unfold(ledger.store, "acme", tmp_path / "evidence", chain=mine.chain)
    (segment,) = tmp_path.glob("evidence/chain-*/records-*.tsv")
    assert segment.read_bytes() == b"".join(line for _, line in mine.lines)
    assert unfold(ledger.store, "acme", tmp_path / "other", chain="0" * 64) == []


def test_chains_come_page_by_page(ledger: Ledger) -> None:
    gates = [Gate(unix_us=BEGINS + number * SECOND).start().close().head() for number in range(5)]
    for gate in gates:
        ledger.append(gate.batch(), gate.registered)
    reading, after, seen = Reading(ledger.store, "acme"), 0, list[str]()
    for _ in gates:
        found, place = reading.chains(after=after, limit=2)
        seen += [one.chain for one in found]
        if place is None:
            break
        after = place
    assert seen == [gate.chain for gate in gates]


def test_a_page_has_so_many_bytes_at_most_and_one_record_at_least(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate().start()
    for number in range(6):
        gate.write(
            Kind.REFUSAL, {"refusal": {"code": "x"}}, f"r{number}", input=b"x" * (40_000 if number == 3 else 900)
        )
    ledger.append(gate.batch(), gate.registered)
    monkeypatch.setattr("central.ledger.reading.MOST_BYTES", 8_000)
    reading, after, pages = Reading(ledger.store, "acme"), (0, 0), list[list[int]]()
    for _ in range(9):
        page = reading.records(Wanted(), after=after)
        pages.append([one.seq for one in page.records])
        if page.after is None:
            break
        after = page.after
    assert pages == [[1, 2, 3, 4], [5], [6, 7]]


def test_a_question_takes_so_long_and_no_longer(ledger: Ledger) -> None:
    """A reader who asks for much takes nothing from sidecars but the time that is given to him."""
    endless = text(
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers) SELECT count(*) FROM numbers"
    )
    for _ in range(2):
        with pytest.raises(LedgerUnavailable), ledger.store.reading(0.2) as connection:
            connection.execute(endless)
    _filled(ledger)
    assert len(Reading(ledger.store, "acme", 5.0).records(Wanted()).records) > 0
