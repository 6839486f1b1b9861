"""What a crash leaves is found again at the next start: cut, declared, ended as unknown; the rest is left alone."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evidence.canonical import canonical
from evidence.recovery import BrokenChain, survey
from evidence.sealing import key_line_id
from evidence.tailing import FolderTail
from tests.evidence.desk import Desk, intent, one_call, outcome


async def crashed(tmp_path: Path) -> Desk:
    """A chain whose writer was killed with two calls open and one ended."""
    desk = Desk(tmp_path / "before")
    async with desk.journal() as journal:
        await journal.append(intent("open-1"))
        await one_call(journal, "ended")
        await journal.append(intent("open-2"))
        return desk.crashed(tmp_path / "after")


def starts(desk: Desk) -> list[dict[str, object]]:
    found = (each.record for each in FolderTail(desk.evidence).more())
    return [dict(record.body) for record in found if record.header.kind == "start"]


def segment(desk: Desk) -> Path:
    return next(desk.evidence.glob("*/records-00000001.tsv"))


async def test_open_calls_end_as_unknown(tmp_path: Path) -> None:
    desk = await crashed(tmp_path)
    assert desk.verify().total("open") == 2
    async with desk.journal() as journal:
        assert journal.open_calls == 0
        assert journal.chain == segment(desk).parent
    report = desk.verify()
    assert report.ok
    assert (report.total("unknown"), report.total("open"), report.total("outcomes")) == (2, 0, 3)
    assert starts(desk)[-1]["repaired_bytes"] == 0


async def test_a_tear_at_any_byte_is_repaired(tmp_path: Path) -> None:
    desk = await crashed(tmp_path)
    whole = segment(desk).read_bytes()
    ends = [number + 1 for number, byte in enumerate(whole) if byte == 10]
    for size in sorted({*range(0, len(whole), 37), *ends, *(end - 1 for end in ends)}):
        torn = desk.crashed(tmp_path / f"at-{size}")
        segment(torn).write_bytes(whole[:size])
        assert torn.verify().ok, size
        async with torn.journal() as journal:
            await one_call(journal, "again")
        report = torn.verify()
        assert report.ok, (size, report.error)
        assert len(report.chains) == 1, size
        assert report.total("open") == 0, size
        declared = starts(torn)[-1]["repaired_bytes"]
        assert isinstance(declared, int)
        sound = max((end for end in ends if end <= size), default=0)
        assert size - sound <= declared, size


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param(b"record\t{}\t{}\tabc\n", id="a-line-that-is-none"),
        pytest.param(b"\0" * 4096, id="zeros-of-a-power-cut"),
        pytest.param(b"\0" * 100 + b"\n" + b"\0" * 100, id="zeros-and-a-line-end"),
        pytest.param(b"box\tAAAA\n", id="a-box-of-nobody"),
    ],
)
async def test_rubbish_at_the_tail_is_cut_and_declared(tmp_path: Path, tail: bytes) -> None:
    desk = await crashed(tmp_path)
    with segment(desk).open("ab") as file:
        file.write(tail)
    async with desk.journal() as journal:
        assert journal.chain == segment(desk).parent
    assert desk.verify().ok
    assert starts(desk)[-1]["repaired_bytes"] == len(tail)


async def test_a_torn_key_is_cut(tmp_path: Path) -> None:
    desk = await crashed(tmp_path)
    keys = segment(desk).parent / "keys.jsonl"
    keys.write_bytes(keys.read_bytes() + b'{"id":"')
    async with desk.journal() as journal:
        await one_call(journal, "c")
    assert desk.verify().ok
    assert starts(desk)[-1]["repaired_bytes"] == 7


async def test_an_empty_last_segment_is_taken_away(tmp_path: Path) -> None:
    desk = await crashed(tmp_path)
    (segment(desk).parent / "records-00000002.tsv").write_bytes(b"record\t{")
    async with desk.journal():
        pass
    report = desk.verify()
    assert report.ok
    assert report.chains[0].segments == 1
    assert report.total("unknown") == 2


def _change_the_middle(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"outcome":"completed"', b'"outcome":"cancelled"', 1))


def _drop_a_box(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines.remove(next(line for line in lines if line.startswith(b"box")))
    path.write_bytes(b"".join(lines))


def _change_the_start(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"seq":1,', b'"seq":2,', 1))


def _spoil_a_key(path: Path) -> None:
    keys = path.parent / "keys.jsonl"
    keys.write_bytes(b"{}\n" + keys.read_bytes())


def _double_a_key(path: Path) -> None:
    keys = path.parent / "keys.jsonl"
    keys.write_bytes(keys.read_bytes() * 2)


def _add_a_key_of_another_tenant(path: Path) -> None:
    members = {"tenant": "umbrella", "to": "", "unit": "u", "v": 1, "wrapped": ""}
    with (path.parent / "keys.jsonl").open("ab") as keys:
        keys.write(canonical({"id": key_line_id(members), **members}) + b"\n")


def _tear_what_follows(path: Path) -> None:
    _change_the_middle(path)
    (path.parent / "records-00000002.tsv").write_bytes(b"record\t{")


def _spoil_a_key_and_tear(path: Path) -> None:
    _spoil_a_key(path)
    with path.open("ab") as file:
        file.write(b"record\t{")


def _repeat_the_last(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data + data[data.rfind(b"\nrecord") + 1 :])


def _put_a_record_for_the_last_box(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    assert lines[-1].startswith(b"box")
    path.write_bytes(b"".join([*lines[:-1], lines[0]]))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(_repeat_the_last, id="the-last-record-twice"),
        pytest.param(_put_a_record_for_the_last_box, id="a-record-for-the-last-box"),
        pytest.param(_change_the_middle, id="a-record-in-the-middle"),
        pytest.param(_drop_a_box, id="a-box-in-the-middle"),
        pytest.param(_change_the_start, id="the-first-record"),
        pytest.param(_spoil_a_key, id="a-key-before-others"),
        pytest.param(_double_a_key, id="a-key-twice"),
        pytest.param(_add_a_key_of_another_tenant, id="a-key-of-another-tenant"),
        pytest.param(_tear_what_follows, id="a-record-before-a-torn-segment"),
        pytest.param(_spoil_a_key_and_tear, id="a-key-beside-a-torn-record"),
    ],
)
async def test_a_chain_broken_before_its_tail_is_left_alone(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    desk = await crashed(tmp_path)
    broken = segment(desk)
    spoil(broken)
    before = {path: path.read_bytes() for path in broken.parent.iterdir()}
    async with desk.journal() as journal:
        assert journal.chain != broken.parent
        await one_call(journal, "c")
    assert {path: path.read_bytes() for path in broken.parent.iterdir()} == before
    found = [record.record.body for record in FolderTail(journal.chain).more()]
    assert found[0]["abandoned"] == [broken.parent.name]


def inside(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("kind", [pytest.param("file", id="a-file"), pytest.param("link", id="a-symbolic-link")])
async def test_what_is_no_chain_is_left_alone(tmp_path: Path, kind: str) -> None:
    desk = Desk(tmp_path)
    stray = desk.evidence / ("chain-" + "0" * 16)
    desk.evidence.mkdir()
    if kind == "file":
        stray.touch()
    else:
        (tmp_path / "elsewhere").mkdir()
        stray.symlink_to(tmp_path / "elsewhere")
    async with desk.journal() as journal:
        assert journal.chain != stray
    assert inside(tmp_path / "elsewhere") == []
    assert not desk.verify().ok


def copied(chain: Path) -> Path:
    return Path(shutil.copytree(chain, chain.with_name(f"{chain.name}.bak")))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_a_copy_of_a_chain_beside_it_is_no_chain_after_a_crash(tmp_path: Path) -> None:
    desk = await crashed(tmp_path)
    chain = segment(desk).parent
    copy = copied(chain)
    before = content(copy)
    async with desk.journal() as journal:
        assert journal.chain == chain
        await one_call(journal, "c")
    assert content(copy) == before
    assert starts(desk)[-1]["abandoned"] == []
    assert {found.chain for found in FolderTail(desk.evidence).more()} == {chain}


async def test_a_copy_of_a_chain_that_is_written_is_no_chain_of_another_process(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as live:
        await live.append(intent("in-flight"))
        copy = copied(live.chain)
        before = content(copy)
        async with desk.journal() as journal:
            assert journal.chain not in (live.chain, copy)
            await one_call(journal, "c")
        await live.append(outcome("in-flight"))
    assert content(copy) == before
    assert {found.chain for found in FolderTail(desk.evidence).more()} == {live.chain, journal.chain}
    ended = [found.record for found in FolderTail(desk.evidence).more() if found.record.header.call == "in-flight"]
    assert [record.header.kind for record in ended] == ["intent", "outcome"]


async def test_two_chains_with_one_beginning_are_left_alone(tmp_path: Path) -> None:
    """One is a copy under a proper name, and nobody can say which: to go on with both would fork it."""
    desk = await crashed(tmp_path)
    chain = segment(desk).parent
    copy = Path(shutil.copytree(chain, chain.with_name("chain-" + "0" * 16)))
    before = content(chain)
    async with desk.journal() as journal:
        assert journal.chain not in (chain, copy)
        await one_call(journal, "c")
    assert content(copy) == content(chain) == before
    found = [each.record.body for each in FolderTail(journal.chain).more()]
    assert found[0]["abandoned"] == sorted([chain.name, copy.name])


async def test_a_copy_of_a_chain_that_is_written_is_left_alone_also_under_a_proper_name(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as live:
        await live.append(intent("in-flight"))
        copy = Path(shutil.copytree(live.chain, live.chain.with_name("chain-" + "0" * 16)))
        before = content(copy)
        async with desk.journal() as journal:
            assert journal.chain not in (live.chain, copy)
        await live.append(outcome("in-flight"))
    assert content(copy) == before


async def test_what_another_identity_of_the_sidecar_began_is_named(tmp_path: Path) -> None:
    desk = await crashed(tmp_path)
    chain = segment(desk).parent
    before = content(chain)
    shutil.rmtree(desk.root / "state" / "keys")
    async with desk.journal() as journal:
        await one_call(journal, "c")
    assert content(chain) == before
    found = [each.record.body for each in FolderTail(journal.chain).more()]
    assert found[0]["abandoned"] == [chain.name]


async def test_what_was_cut_of_a_second_chain_is_declared_on_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "before")
    async with desk.journal() as one, desk.journal() as two:
        await one_call(one, "a")
        await one_call(two, "b")
        after = desk.crashed(tmp_path / "after")
    for path in after.evidence.glob("*/records-00000001.tsv"):
        path.write_bytes(path.read_bytes() + b"torn")
    async with after.journal():
        report = after.verify()
        assert report.ok, report.error
        assert [body["repaired_bytes"] for body in starts(after)].count(4) == 2


async def test_chains_that_others_left_open_are_ended_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "before")
    async with desk.journal() as one, desk.journal() as two:
        await one.append(intent("open-1"))
        await two.append(intent("open-2"))
        after = desk.crashed(tmp_path / "after")
        await one.append(outcome("open-1"))
        await two.append(outcome("open-2"))
    async with after.journal():
        report = after.verify()
        assert report.ok
        assert (report.total("open"), report.total("unknown"), len(report.chains)) == (0, 2, 2)


async def test_a_survey_names_the_place(tmp_path: Path) -> None:
    desk = await crashed(tmp_path)
    _change_the_middle(segment(desk))
    with pytest.raises(BrokenChain, match=r"records-1, line 6: the body"):
        survey(segment(desk).read_bytes(), "records-1")
