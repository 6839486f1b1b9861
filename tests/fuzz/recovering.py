"""Opening a chain again: it is continued without losing a whole record, or left alone; and then it verifies."""

from itertools import pairwise
from pathlib import Path
from typing import Final

from evidence.keys import Keys
from evidence.line import Box, read_line
from evidence.opening import Author, begin
from evidence.record import BadLine, Entry, Kind, Record
from evidence.report import ChainReport
from evidence.room import Limits
from evidence.sealing import box_hash
from evidence.verify import verify_paths
from tests.evidence.desk import HandClock
from tests.fuzz.chains import GOOD, SEGMENTS, edited_chain, scratch, seeds, written
from tests.fuzz.pieces import Pieces
from tests.fuzz.target import Target
from tests.vectors.evidence.generate import CHAIN, TENANT, identity

_FOLDER: Final = scratch()
_AUTHOR: Final = Author(
    "gate",
    "acme",
    Keys(identity(), {"acme": TENANT.public_key()}, b"\1" * 32),
    "uid",
    HandClock(),
    Limits(min_free_bytes=0, reserve_bytes=4096),
    {},
)


def _check(raw: bytes) -> None:
    chain = edited_chain(Pieces(raw))
    folder = written(chain, _FOLDER / "evidence")
    before = _report(folder)
    continued = _open(folder)
    now = {name: (folder / CHAIN / name).read_bytes() for name in chain.files if (folder / CHAIN / name).exists()}
    if not continued:
        assert now == chain.files, "a chain that is left alone keeps every byte"
        assert all(_report(folder, child.name).fault is None for child in folder.iterdir() if child.name != CHAIN)
        return
    for name in SEGMENTS:
        _check_nothing_whole_is_lost(chain.files[name], now.get(name, b""))
    after = _report(folder)
    if after.fault is not None:
        assert before.fault is not None, f"recovery broke the chain: {after.fault}"
        assert (after.fault.file, after.fault.line) == (before.fault.file, before.fault.line), str(after.fault)
    else:
        assert after.open == 0


def _open(folder: Path) -> bool:
    """Begin an incarnation, make one call, close; whether it was on the chain that was there."""
    opened = begin(folder, _AUTHOR)
    entries = [
        Entry(Kind.INTENT, {}, call="after", secrets={"input": b"x"}, unit="u"),
        Entry(Kind.OUTCOME, {"outcome": "completed"}, call="after"),
        Entry(Kind.CLOSE, {"reason": "test"}),
    ]
    opened.writer.store([opened.writer.draft(entry) for entry in entries])
    opened.writer.store_head(opened.writer.written)
    opened.spool.close()
    return opened.spool.chain.name == CHAIN


def _check_nothing_whole_is_lost(before: bytes, after: bytes) -> None:
    same = next((at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), None)
    kept = min(len(before), len(after)) if same is None else same
    cut = before[before.rfind(b"\n", 0, kept) + 1 :] if kept < len(before) else b""
    assert _whole_records(cut.split(b"\n")[:-1]) == []


def _whole_records(lines: list[bytes]) -> list[Record]:
    """The records among the lines that are sound by themselves, with the box that they name."""
    found = [_read(line) for line in lines]
    pairs = pairwise([*found, None])
    return [each for each, after in pairs if isinstance(each, Record) and (each.box is None or _is_box(each, after))]


def _read(line: bytes) -> object:
    try:
        return read_line(line)
    except BadLine:
        return None


def _is_box(record: Record, after: object) -> bool:
    return isinstance(after, Box) and box_hash(after.data) == record.box


def _report(folder: Path, name: str = CHAIN) -> ChainReport:
    (report,) = verify_paths([folder / name]).chains
    return report


def _seeds() -> list[bytes]:
    size = len(GOOD[SEGMENTS[-1]])
    cuts = [bytes([0, 1, 4]) + at.to_bytes(2) for at in range(0, size, 211)]
    return [*seeds(), *cuts]


RECOVERY: Final = Target(
    "recovery",
    "an opened chain loses no whole record and verifies as before, or is left alone byte for byte",
    _check,
    _seeds,
    max_bytes=64,
)
