"""The journal as the data plane knows it: order, durability, room, and what it says when it cannot write."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from evidence.chain import OutOfTurn
from evidence.journal import Journal, Limits, NoRoom, NotRecorded, SpoolFailed
from evidence.record import Entry, Kind
from evidence.tailing import FolderTail
from tests.evidence.desk import SMALL, Desk, intent, one_call, outcome, refusal

QUICK = replace(SMALL, head_seconds=0.02)


def kinds(desk: Desk) -> list[str]:
    return [found.record.header.kind.value for found in FolderTail(desk.evidence).more()]


async def until_sealed(journal: Journal, text: str) -> str:
    """The bytes of the chain once they hold `text`."""
    for _ in range(200):
        data = "".join(path.read_text() for path in sorted(journal.chain.glob("records-*")))
        if text in data:
            return data
        await asyncio.sleep(0.01)
    raise AssertionError(f"{text!r} never came")


async def test_a_call_leaves_intent_and_outcome(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as journal:
        assert await journal.append(intent("c1")) == 2
        assert journal.open_calls == 1
        assert await journal.append(outcome("c1")) == 3
        assert await journal.append(refusal("c2")) == 4
        assert (journal.open_calls, journal.seq, journal.problem()) == (0, 4, None)
        assert journal.size_bytes > 1000
    assert kinds(desk) == ["start", "intent", "outcome", "refusal", "close"]
    report = desk.verify()
    assert report.ok
    assert report.chains[0].signed == 5


async def test_an_entry_is_in_the_file_when_its_future_is_done(tmp_path: Path) -> None:
    async with Desk(tmp_path).journal() as journal:
        future = journal.append(intent("c1"))
        before = (journal.chain / "records-00000001.tsv").read_bytes()
        await future
        after = (journal.chain / "records-00000001.tsv").read_bytes()
        assert b'"c1"' not in before
        assert b'"c1"' in after


async def test_secrets_are_nowhere_in_the_clear(tmp_path: Path) -> None:
    async with Desk(tmp_path).journal() as journal:
        await journal.append(intent("c1", secret=b"the canary sings"))
        await journal.append(outcome("c1", secret=b"the canary sings"))
        await journal.flush()
        assert all(b"canary" not in path.read_bytes() for path in journal.chain.iterdir())


async def test_host_durability_shares_flushes(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as journal:
        entries = [intent(f"c{number}", durability="host") for number in range(20)]
        assert await asyncio.gather(*map(journal.append, entries)) == list(range(2, 22))
    assert desk.verify().ok


async def test_a_journal_is_opened_again_where_it_ended(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as journal:
        await one_call(journal, "c1")
        first = journal.incarnation
    async with desk.journal() as journal:
        await one_call(journal, "c2")
        assert journal.incarnation != first
    assert kinds(desk) == ["start", "intent", "outcome", "close"] * 2
    report = desk.verify()
    assert report.ok
    assert len(report.chains) == 1
    assert report.chains[0].incarnations == 2


async def test_two_at_once_write_two_chains_and_the_next_takes_a_free_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as one, desk.journal() as two:
        assert one.chain != two.chain
    async with desk.journal() as three:
        assert three.chain in {one.chain, two.chain}
    report = desk.verify()
    assert report.ok
    assert len(report.chains) == 2


@pytest.mark.parametrize(
    ("sidecar", "tenant"),
    [
        pytest.param("gate-2", "acme", id="another-sidecar"),
        pytest.param("gate-1", "umbrella", id="another-tenant"),
    ],
)
async def test_nobody_continues_the_chain_of_another(tmp_path: Path, sidecar: str, tenant: str) -> None:
    async with Desk(tmp_path).journal() as journal:
        ours = journal.chain
    async with Desk(tmp_path, sidecar, tenant).journal() as journal:
        assert journal.chain != ours


async def test_another_identity_begins_its_own_chain(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as journal:
        ours = journal.chain
    for half in ("identity.key", "identity.pub"):
        (tmp_path / "state/keys" / half).unlink()
    async with desk.journal() as journal:
        assert journal.chain != ours
    assert desk.verify().ok


@pytest.mark.parametrize(
    ("before", "entry"),
    [
        pytest.param([], outcome("c1"), id="outcome-without-intent"),
        pytest.param([intent("c1")], intent("c1"), id="two-intents"),
        pytest.param([intent("c1")], refusal("c1"), id="refused-after-the-intent"),
    ],
)
async def test_an_entry_out_of_turn_is_a_mistake_of_the_caller(
    tmp_path: Path, before: list[Entry], entry: Entry
) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as journal:
        for earlier in before:
            await journal.append(earlier)
        with pytest.raises(OutOfTurn):
            await journal.append(entry)
        await journal.append(refusal("c9"))
    assert desk.verify().ok


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"outcome": "splendid"}, id="unknown-outcome"),
        pytest.param({}, id="no-outcome"),
        pytest.param({"outcome": "failed", "sealed": {}}, id="a-member-that-is-ours"),
        pytest.param({"outcome": "failed", "n": 2**60}, id="a-number-that-is-not-exact"),
    ],
)
async def test_a_body_without_form_leaves_nothing_behind(tmp_path: Path, body: dict[str, object]) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as journal:
        await journal.append(intent("c1"))
        with pytest.raises(ValueError):
            await journal.append(Entry(Kind.OUTCOME, body, call="c1"))
        assert journal.open_calls == 1
        await journal.append(outcome("c1"))
    assert desk.verify().ok


@pytest.mark.parametrize(
    ("limits", "taken"),
    [
        pytest.param(replace(SMALL, min_free_bytes=1 << 60), 0, id="disk-nearly-full"),
        pytest.param(replace(SMALL, reserve_bytes=8192, outcome_bytes=4096), 2, id="reserve-is-taken-by-open-calls"),
    ],
)
async def test_an_intent_needs_room_for_its_outcome(tmp_path: Path, limits: Limits, taken: int) -> None:
    desk = Desk(tmp_path)
    async with desk.journal(limits) as journal:
        for number in range(taken):
            await journal.append(intent(f"c{number}"))
        with pytest.raises(NoRoom) as raised:
            await journal.append(intent("one-more"))
        assert raised.value.code == "no_room"
        await journal.append(refusal("one-more"))
    assert desk.verify().ok


async def test_room_comes_back_with_the_outcome(tmp_path: Path) -> None:
    async with Desk(tmp_path).journal(replace(SMALL, reserve_bytes=4096, outcome_bytes=4096)) as journal:
        for number in range(3):
            await one_call(journal, f"c{number}")


async def test_a_problem_is_said_before_the_first_call(tmp_path: Path) -> None:
    async with Desk(tmp_path).journal(replace(SMALL, min_free_bytes=1 << 60)) as journal:
        assert "must stay free" in (journal.problem() or "")


async def test_it_beats_and_signs(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal(QUICK) as journal:
        await until_sealed(journal, "head\t")
        desk.clock.move(31)
        data = await until_sealed(journal, '"kind":"heartbeat"')
        assert data.count("heartbeat") == 1
    report = desk.verify()
    assert report.ok
    assert report.chains[0].longest_silence_us == 31_000_000


async def test_it_signs_nothing_twice(tmp_path: Path) -> None:
    async with Desk(tmp_path).journal(QUICK) as journal:
        await until_sealed(journal, "head\t")
        await asyncio.sleep(0.2)
        assert (await until_sealed(journal, "head\t")).count("head\t") == 1


async def test_segments_follow_each_other(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal(replace(SMALL, segment_bytes=4000)) as journal:
        await journal.append(intent("long"))
        for number in range(10):
            await one_call(journal, f"c{number}")
        await journal.append(outcome("long"))
    assert desk.verify().ok
    assert desk.verify().chains[0].segments > 3
    notice = sorted(journal.chain.glob("records-*"))[1].read_text().split("\n")[0]
    assert '"event":"segment"' in notice
    assert '"long"]' in notice


async def test_the_next_start_reads_only_the_last_segment(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal(replace(SMALL, segment_bytes=4000)) as journal:
        await journal.append(intent("long"))
        for number in range(10):
            await one_call(journal, f"c{number}")
        later = desk.crashed(tmp_path / "later")
    async with later.journal() as journal:
        assert journal.open_calls == 0
    report = later.verify()
    assert report.ok
    assert (report.total("unknown"), report.total("open")) == (1, 0)


async def test_somebody_who_touches_the_files_stops_the_writer(tmp_path: Path) -> None:
    async with Desk(tmp_path).journal(QUICK) as journal:
        await journal.append(intent("c1"))
        (journal.chain / "records-00000001.tsv").unlink()
        for _ in range(200):
            if journal.problem():
                break
            await asyncio.sleep(0.01)
        assert "somebody" in (journal.problem() or "")
        with pytest.raises(SpoolFailed):
            await journal.append(intent("c2"))


async def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    journal = await desk.open()
    await journal.close("drained")
    await journal.close("again")
    with pytest.raises(SpoolFailed):
        await journal.append(intent("c1"))
    with pytest.raises(NotRecorded):
        await journal.append(refusal("c2"))
    assert kinds(desk) == ["start", "close"]


async def test_nothing_follows_the_close(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    journal = await desk.open()
    await journal.append(intent("c1"))
    written = journal.append(intent("c2"))
    closing = asyncio.gather(journal.close("drained"))
    await asyncio.sleep(0)
    late = [journal.append(outcome("c1")), journal.append(outcome("c2"))]
    await closing
    assert await written == 3
    assert [type(future.exception()) for future in late] == [SpoolFailed] * 2
    assert kinds(desk) == ["start", "intent", "intent", "close"]
    async with desk.journal():
        pass
    assert desk.verify().total("unknown") == 2


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.evidence.write_text("a file where the folder should be")
    with pytest.raises(SpoolFailed, match="evidence"):
        await desk.open()


async def test_pseudonyms_are_stable(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as one:
        name = one.pseudonym("user", "ann@example.org")
    async with desk.journal() as two:
        assert two.pseudonym("user", "ann@example.org") == name
        assert two.pseudonym("session", "ann@example.org") != name
