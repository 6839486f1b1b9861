"""The folder of the log: what is written once, what is replaced, and what a crash leaves."""

from pathlib import Path

import pytest

from central.log.stopping import OtherContent, WouldShrink
from central.log.store import LogFolder
from evidence.checkpoint import Checkpoint
from evidence.merkle import EMPTY_ROOT
from evidence.note import write_note
from evidence.tiles import Bundle, Piece, Tile, write_bundle
from tests.central.log.memory import LOG, ORIGIN


def _note(size: int, root: bytes = b"\x07" * 32, signature: bytes = bytes(64)) -> str:
    return write_note(Checkpoint(ORIGIN, size, root).text(), [LOG.signature(signature)])


@pytest.fixture
def folder(tmp_path: Path) -> LogFolder:
    return LogFolder(tmp_path)


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(Tile(0, 1234067), id="a-tile"),
        pytest.param(Tile(3, 0, 7), id="a-partial-tile"),
        pytest.param(Bundle(0), id="a-bundle"),
        pytest.param(Bundle(70, 1), id="a-partial-bundle"),
    ],
)
def test_a_file_is_written_once(folder: LogFolder, tmp_path: Path, piece: Piece) -> None:
    folder.write(piece, b"first")
    written = (tmp_path / piece.path).stat().st_mtime_ns
    folder.write(piece, b"first")
    assert (folder.read(piece), (tmp_path / piece.path).stat().st_mtime_ns) == (b"first", written)
    with pytest.raises(OtherContent, match="two trees"):
        folder.write(piece, b"other")
    assert folder.read(piece) == b"first"


def test_what_is_not_there_is_not_read(folder: LogFolder) -> None:
    for piece in (Tile(0, 0), Tile(0, 0, 3), Bundle(0, 3)):
        with pytest.raises(FileNotFoundError):
            folder.read(piece)


def test_a_partial_file_comes_out_of_the_whole_one(folder: LogFolder) -> None:
    folder.write(Tile(0, 0), b"".join(bytes([number]) * 32 for number in range(256)))
    folder.write(Bundle(0), write_bundle([bytes([number]) * 32 for number in range(256)]))
    assert folder.read(Tile(0, 0, 2)) == bytes(32) + b"\x01" * 32
    assert folder.read(Bundle(0, 1)) == write_bundle([bytes(32)])


def test_partial_files_go_and_the_whole_one_stays(folder: LogFolder, tmp_path: Path) -> None:
    for width in (1, 7, 256):
        folder.write(Tile(0, 0, width), bytes(32 * width))
    folder.drop_partials(Tile(0, 0))
    folder.drop_partials(Tile(0, 1))
    assert sorted(path.name for path in (tmp_path / "tile/0").iterdir()) == ["000"]


def test_what_a_crash_left_beside_its_place_is_nothing(folder: LogFolder, tmp_path: Path) -> None:
    folder.publish(_note(3))
    folder.write(Tile(0, 0, 3), bytes(96))
    for path in ("checkpoint.1.new", "tile/0/000.p/4.1.new"):
        (tmp_path / path).write_bytes(b"half")
    assert folder.checkpoint() == _note(3)
    folder.write(Tile(0, 0, 4), bytes(128))
    assert folder.read(Tile(0, 0, 4)) == bytes(128)


def test_nothing_was_published_yet(folder: LogFolder) -> None:
    assert folder.checkpoint() is None


def test_a_checkpoint_gives_way_to_a_larger_one_and_to_more_signatures(folder: LogFolder) -> None:
    for note in (_note(0, EMPTY_ROOT), _note(3), _note(3, signature=b"\x01" * 64), _note(9)):
        folder.publish(note)
        assert folder.checkpoint() == note


@pytest.mark.parametrize(
    ("note", "error"),
    [
        pytest.param(_note(8), WouldShrink, id="smaller"),
        pytest.param(_note(9, b"\x08" * 32), OtherContent, id="another-root"),
    ],
)
def test_a_checkpoint_gives_way_to_nothing_else(folder: LogFolder, note: str, error: type[Exception]) -> None:
    folder.publish(_note(9))
    with pytest.raises(error):
        folder.publish(note)
    assert folder.checkpoint() == _note(9)
