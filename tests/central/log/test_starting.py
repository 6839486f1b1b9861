"""What a start makes of a database, files and witnesses that do not agree: it goes on, or it signs nothing."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from central.log.state import Placed, Tree
from central.log.stopping import LogStopped, WitnessesAway
from central.log.store import LogFolder
from evidence.checkpoint import open_checkpoint
from evidence.merkle import Edge, leaf_hash
from tests.central.log.logs import checked, run
from tests.central.log.memory import LOG, MemoryState, MemoryWitnesses, RememberingSigner, link

_LEAVES: Final = [link(number) for number in range(300)]


@dataclass(slots=True)
class Place:
    """A log of 300 leaves in two batches, and what it was at 100. Each row takes something away, or puts it back."""

    folder: Path
    older: Path
    state: MemoryState
    backup: MemoryState
    witnesses: MemoryWitnesses

    def files_of_before(self) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(self.older, self.folder)

    def no_files(self) -> None:
        shutil.rmtree(self.folder)

    def database_of_before(self, *, waiting: bool = True) -> None:
        self.state = self.backup
        if waiting:
            self.state.add(*_LEAVES[100:])

    def database_of(self, *leaves: bytes) -> None:
        """One that has had other batches."""
        self.state = MemoryState()
        batch, edge = self.state.add(*leaves), Edge()
        for leaf in leaves:
            edge.append(leaf_hash(leaf))
        before = self.state.take_over()
        self.state.advance(before, Tree(edge.size, edge.root(), before.fence), [Placed(batch, 0, edge.size)])

    def no_witnesses(self) -> None:
        self.witnesses = MemoryWitnesses(0, needed=0)

    def witnesses_of_before(self) -> None:
        """They were away while the log grew."""
        older = open_checkpoint((self.older / "checkpoint").read_text("utf-8"), LOG).checkpoint
        self.witnesses.held = dict.fromkeys(self.witnesses.held, older)

    def change(self, path: str, content: Callable[[bytes], bytes]) -> None:
        file = self.folder / path
        file.write_bytes(content(file.read_bytes()))

    def remove(self, path: str) -> None:
        (self.folder / path).unlink()


@pytest.fixture
async def place(tmp_path: Path) -> Place:
    state, witnesses = MemoryState(), MemoryWitnesses(2, needed=1)
    made = Place(tmp_path / "log", tmp_path / "older", state, MemoryState(), witnesses)
    state.add(*_LEAVES[:100])
    await run(state, made.folder, witnesses=witnesses)
    made.backup = state.copy()
    shutil.copytree(made.folder, made.older)
    state.add(*_LEAVES[100:])
    await run(state, made.folder, witnesses=witnesses)
    return made


Change = Callable[[Place], object]


def _both(*changes: Change) -> Change:
    return lambda place: [change(place) for change in changes]


_GOES_ON: Final = [
    pytest.param(lambda _: None, 0, id="nothing-happened"),
    pytest.param(Place.files_of_before, 0, id="older-files"),
    pytest.param(Place.no_files, 0, id="no-files"),
    pytest.param(_both(Place.no_files, Place.no_witnesses), 0, id="no-files-and-nobody-to-ask"),
    pytest.param(Place.database_of_before, 1, id="older-database-and-the-batch-waits"),
    pytest.param(lambda place: place.database_of_before(waiting=False), 1, id="older-database-and-the-batch-is-lost"),
    pytest.param(lambda place: setattr(place, "state", MemoryState()), 1, id="an-empty-database"),
    pytest.param(Place.witnesses_of_before, 0, id="witnesses-that-were-away"),
]


@pytest.mark.parametrize(("change", "incidents"), _GOES_ON)
async def test_it_goes_on_from_the_larger_tree(place: Place, change: Change, incidents: int) -> None:
    change(place)
    place.state.add(link(900))
    signer = RememberingSigner()
    await run(place.state, place.folder, signer, place.witnesses)
    assert checked(place.folder, place.witnesses.quorum)[1] == [*_LEAVES, link(900)]
    assert {checkpoint.size for checkpoint in signer.signed} <= {0, 300, 301}
    assert (len(place.state.incidents), place.state.waiting) == (incidents, [])
    assert place.state.placed[-1] == Placed(max(place.state.batches), 300, 1)


async def test_a_batch_that_was_published_already_gets_its_leaves_back(place: Place) -> None:
    place.database_of_before()
    await run(place.state, place.folder, witnesses=place.witnesses)
    assert place.state.placed == [Placed(1, 0, 100), Placed(2, 100, 200)]
    assert "200 of these 200 leaves" in place.state.incidents[0]


_STOPS: Final = [
    pytest.param(lambda place: place.database_of(*_LEAVES[:99], link(900)), "does not begin", id="smaller-and-other"),
    pytest.param(lambda place: place.database_of(*_LEAVES[:299], link(900)), "not continue", id="as-large-and-other"),
    pytest.param(lambda place: place.database_of(link(900), *_LEAVES), "not continue", id="larger-and-other"),
    pytest.param(
        _both(Place.database_of_before, Place.files_of_before), "has cosigned 300 leaves", id="all-older-but-a-witness"
    ),
    pytest.param(
        _both(Place.database_of_before, Place.no_files), "has cosigned 300 leaves", id="older-database-and-no-files"
    ),
    pytest.param(
        _both(lambda place: setattr(place, "state", MemoryState()), Place.no_files),
        "has cosigned 300 leaves",
        id="nothing-but-a-witness",
    ),
    pytest.param(
        lambda place: place.change("checkpoint", lambda note: note.replace(b"\n300\n", b"\n299\n")),
        "signature does not hold",
        id="a-checkpoint-that-nobody-signed",
    ),
    pytest.param(lambda place: place.change("checkpoint", lambda _: b""), "cannot be read", id="an-empty-checkpoint"),
    pytest.param(lambda place: place.change("checkpoint", lambda _: b"\xff"), "not UTF-8", id="a-checkpoint-of-noise"),
    pytest.param(
        lambda place: place.change("tile/0/001.p/44", lambda tile: bytes(32) + tile[32:]),
        "do not lead to the root",
        id="a-changed-tile",
    ),
    pytest.param(
        lambda place: place.change("tile/0/001.p/44", lambda tile: tile[32:]), "cannot be read", id="a-short-tile"
    ),
    pytest.param(lambda place: place.remove("tile/0/001.p/44"), "cannot be read", id="a-tile-is-missing"),
    pytest.param(
        _both(Place.witnesses_of_before, lambda place: place.remove("tile/0/000")),
        "cannot be read",
        id="a-tile-that-only-witnesses-need-is-missing",
    ),
    pytest.param(
        _both(Place.database_of_before, lambda place: place.remove("tile/entries/000")),
        "cannot be read",
        id="older-database-and-a-bundle-is-missing",
    ),
]


@pytest.mark.parametrize(("change", "said"), _STOPS)
async def test_it_stops_and_signs_nothing(place: Place, change: Change, said: str) -> None:
    change(place)
    place.state.add(link(901))
    before = LogFolder(place.folder).checkpoint() if place.folder.exists() else None
    signer = RememberingSigner()
    with pytest.raises(LogStopped, match=said):
        await run(place.state, place.folder, signer, place.witnesses)
    assert {checkpoint.size for checkpoint in signer.signed} <= {0}
    assert LogFolder(place.folder).checkpoint() == before
    assert len(place.state.incidents) == 1


def _away(*numbers: int) -> Change:
    return lambda place: place.witnesses.away.update(f"witness.example/{number}" for number in numbers)


def _three(needed: int, knowing: int) -> Change:
    """Three witnesses, so many of which have seen what is out."""

    def change(place: Place) -> None:
        before, place.witnesses = place.witnesses.held, MemoryWitnesses(3, needed=needed)
        held = next(iter(before.values()))
        place.witnesses.held = dict.fromkeys(list(place.witnesses.keys)[:knowing], held)

    return change


_WAITS: Final = [
    pytest.param(_away(0, 1), id="nobody-answers"),
    pytest.param(
        _both(Place.database_of_before, Place.files_of_before, _away(0, 1)), id="both-older-and-nobody-answers"
    ),
    pytest.param(_away(0), id="one-of-two-of-whom-one-is-needed"),
    pytest.param(_both(_three(2, 3), _away(0, 1)), id="two-of-three-of-whom-two-are-needed"),
    pytest.param(_both(_three(3, 3), _away(2)), id="one-of-three-of-whom-all-are-needed"),
    pytest.param(
        _both(lambda place: setattr(place, "state", MemoryState()), Place.no_files, _away(0, 1)), id="nothing-is-left"
    ),
]


@pytest.mark.parametrize("change", _WAITS)
async def test_it_waits_for_those_who_may_know_of_a_larger_tree(place: Place, change: Change) -> None:
    change(place)
    before = LogFolder(place.folder).checkpoint() if place.folder.exists() else None
    place.state.add(link(902))
    signer = RememberingSigner()
    with pytest.raises(WitnessesAway, match="have to answer"):
        await run(place.state, place.folder, signer, place.witnesses)
    assert {checkpoint.size for checkpoint in signer.signed} <= {0}
    assert LogFolder(place.folder).checkpoint() == before
    assert place.state.incidents == []


_ENOUGH: Final = [
    pytest.param(_both(_three(2, 3), _away(2)), id="one-of-three-of-whom-two-are-needed"),
    pytest.param(_both(_three(0, 3), _away(0, 1, 2)), id="nobody-is-needed"),
]


@pytest.mark.parametrize("change", _ENOUGH)
async def test_it_goes_on_with_those_who_must_know(place: Place, change: Change) -> None:
    change(place)
    place.state.add(link(903))
    await run(place.state, place.folder, RememberingSigner(), place.witnesses)
    assert checked(place.folder)[0].size == 301


async def test_it_goes_on_once_they_are_back(place: Place) -> None:
    _away(0, 1)(place)
    place.state.add(link(904))
    with pytest.raises(WitnessesAway):
        await run(place.state, place.folder, RememberingSigner(), place.witnesses)
    place.witnesses.away.clear()
    await run(place.state, place.folder, RememberingSigner(), place.witnesses)
    assert checked(place.folder, place.witnesses.quorum)[0].size == 301


async def test_files_of_a_tree_that_was_never_signed_stop_the_log(place: Place) -> None:
    """The database went back to before a tree whose files were written, and then took another batch."""
    place.files_of_before()
    place.database_of_before(waiting=False)
    place.no_witnesses()
    tile = place.folder / "tile/0/000.p/150"
    tile.write_bytes(b"".join(leaf_hash(leaf) for leaf in _LEAVES[:150]))
    place.state.add(*_LEAVES[200:250])
    with pytest.raises(LogStopped, match="other bytes"):
        await run(place.state, place.folder, RememberingSigner(), place.witnesses)
