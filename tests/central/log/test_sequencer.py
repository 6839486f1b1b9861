"""A log that grows, and what a start makes of three places that do not agree."""

from pathlib import Path

import pytest

from central.log.state import Placed
from central.log.stopping import HeldElsewhere, LogStopped, Overtaken
from central.log.store import LogFolder
from evidence.checkpoint import NotWitnessed, open_checkpoint
from evidence.tiles import Bundle, Tile
from tests.central.log.logs import checked, run, sequencer, sizes
from tests.central.log.memory import LOG, MemoryState, MemoryWitnesses, RememberingSigner, link


def _links(first: int, end: int) -> list[bytes]:
    return [link(number) for number in range(first, end)]


async def test_a_log_begins_with_a_checkpoint_of_nothing(tmp_path: Path) -> None:
    await run(MemoryState(), tmp_path)
    assert checked(tmp_path)[0].size == 0


async def test_batches_become_leaves_in_their_order(tmp_path: Path) -> None:
    state = MemoryState()
    first, second = state.add(*_links(0, 300)), state.add(*_links(300, 303))
    await run(state, tmp_path)
    assert checked(tmp_path)[1] == _links(0, 303)
    assert state.placed == [Placed(first, 0, 300), Placed(second, 300, 3)]


async def test_a_step_takes_no_more_than_it_may(tmp_path: Path) -> None:
    state = MemoryState()
    for number in range(0, 50, 10):
        state.add(*_links(number, number + 10))
    running = sequencer(state, tmp_path, most_leaves=25)
    with LogFolder(tmp_path).held():
        await running.start()
        assert sizes([await running.step() for _ in range(4)]) == [20, 40, 50, None]


async def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    state, signer = MemoryState(), RememberingSigner()
    for size in range(0, 700, 70):
        state.add(*_links(size, size + 70))
        await run(state, tmp_path, signer)
    assert checked(tmp_path)[1] == _links(0, 700)
    assert [checkpoint.size for checkpoint in signer.signed] == [0, *range(70, 701, 70)]


async def test_whole_files_take_the_place_of_partial_ones(tmp_path: Path) -> None:
    state = MemoryState()
    running = sequencer(state, tmp_path)
    with LogFolder(tmp_path).held():
        await running.start()
        for number in range(0, 260, 130):
            state.add(*_links(number, number + 130))
            await running.step()
    assert _partials(tmp_path, 130) == []
    assert LogFolder(tmp_path).read(Tile(0, 0, 130)) == LogFolder(tmp_path).read(Tile(0, 0))[: 130 * 32]
    assert len(LogFolder(tmp_path).read(Bundle(0, 130))) == 130 * 34


def _partials(folder: Path, width: int) -> list[Path]:
    return list(folder.glob(f"tile/**/000.p/{width}"))


async def test_one_process_holds_the_folder(tmp_path: Path) -> None:
    with LogFolder(tmp_path).held(), pytest.raises(HeldElsewhere), LogFolder(tmp_path).held():
        pass


async def test_who_was_overtaken_signs_nothing_more(tmp_path: Path) -> None:
    state, signer = MemoryState(), RememberingSigner()
    first = sequencer(state, tmp_path / "a", signer)
    await first.start()
    second = sequencer(state, tmp_path / "b")
    await second.start()
    state.add(*_links(0, 5))
    with pytest.raises(Overtaken):
        await first.step()
    assert sizes([await second.step()]) == [5]
    assert [checkpoint.size for checkpoint in signer.signed] == [0]


# Witnesses


async def test_a_checkpoint_is_published_with_the_cosignatures_that_it_has(tmp_path: Path) -> None:
    state, witnesses = MemoryState(), MemoryWitnesses(3, needed=2)
    running = sequencer(state, tmp_path, witnesses=witnesses)
    await running.start()
    witnesses.away = {"witness.example/0", "witness.example/1"}
    state.add(*_links(0, 5))
    published = await running.step()
    assert published is not None
    assert (published.cosigned, published.asked, published.needed) == (("witness.example/2",), 3, 2)
    with pytest.raises(NotWitnessed):
        checked(tmp_path, witnesses.quorum)


async def test_those_that_were_away_are_asked_again(tmp_path: Path) -> None:
    state, witnesses = MemoryState(), MemoryWitnesses(3, needed=2)
    running = sequencer(state, tmp_path, witnesses=witnesses)
    await running.start()
    witnesses.away = set(witnesses.keys)
    state.add(*_links(0, 5))
    assert sizes([await running.step(), await running.step()]) == [5, None]
    witnesses.away = {"witness.example/0"}
    published = await running.step()
    assert published is not None
    assert published.cosigned == ("witness.example/1", "witness.example/2")
    assert sizes([await running.step()]) == [None]
    checked(tmp_path, witnesses.quorum)


async def test_witnesses_that_know_another_tree_stop_the_log_where_they_are_needed(tmp_path: Path) -> None:
    witnesses, other = MemoryWitnesses(2, needed=1), MemoryState()
    state = MemoryState()
    running = sequencer(state, tmp_path / "a", witnesses=witnesses)
    await running.start()
    other.add(*_links(90, 97))
    await run(other, tmp_path / "b", witnesses=witnesses)
    state.add(*_links(0, 9))
    with pytest.raises(LogStopped, match="another tree"):
        await running.step()
    published = LogFolder(tmp_path / "a").checkpoint()
    assert published is not None
    assert open_checkpoint(published, LOG).checkpoint.size == 0
    assert len(state.incidents) == 1


async def test_one_odd_witness_of_three_is_an_incident_and_no_more(tmp_path: Path) -> None:
    state, witnesses, alone = MemoryState(), MemoryWitnesses(3, needed=2), MemoryState()
    running = sequencer(state, tmp_path / "a", witnesses=witnesses)
    await running.start()
    unneeded = MemoryWitnesses(3, needed=0)
    unneeded.held, unneeded.away = witnesses.held, {"witness.example/1", "witness.example/2"}
    alone.add(*_links(90, 97))
    await run(alone, tmp_path / "b", witnesses=unneeded)
    state.add(*_links(0, 9))
    published = await running.step()
    assert published is not None
    assert published.cosigned == ("witness.example/1", "witness.example/2")
    assert "witness.example/0" in state.incidents[0]
