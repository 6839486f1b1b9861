"""Keys of what was erased are taken out of a spool: those that are named, in chains that nobody writes to."""

import io
import json
from pathlib import Path

import pytest

from evidence.forgetting import run_forget
from evidence.layout import keys_draft
from evidence.verify import verify_paths
from tests.evidence.desk import Desk, one_call

OTHER = "ab" * 32


async def _two_units(tmp_path: Path) -> tuple[Desk, list[dict[str, str]]]:
    """Two calls under two keys, and the lines of these."""
    desk = Desk(tmp_path)
    async with desk.journal() as journal:
        await one_call(journal, "a")
        desk.clock.move(86_400)
        await one_call(journal, "b")
    (path,) = desk.evidence.glob("chain-*/keys.jsonl")
    return desk, [json.loads(line) for line in path.read_bytes().splitlines()]


def _told(desk: Desk, keys: list[str], units: list[str]) -> tuple[int, dict[str, list[str]]]:
    out = io.StringIO()
    code = run_forget(desk.evidence, keys=keys, units=units, as_json=True, out=out)
    return code, json.loads(out.getvalue())


ROWS = {
    "one-key": ([0], [], 1, 0),
    "both-keys": ([0, 1], [], 2, 0),
    "their-unit": ([], [0], 2, 0),
    "another-key": ([2], [], 0, 1),
    "another-unit": ([], [2], 0, 1),
}


@pytest.mark.parametrize(("keys", "units", "gone", "code"), [pytest.param(*row, id=name) for name, row in ROWS.items()])
async def test_what_is_named_is_gone_and_the_rest_stays(
    tmp_path: Path, keys: list[int], units: list[int], gone: int, code: int
) -> None:
    desk, lines = await _two_units(tmp_path)
    names = [line["id"] for line in lines] + [OTHER]
    of_units = [line["unit"] for line in lines] + ["0" * 32]
    ended, told = _told(desk, [names[number] for number in keys], [of_units[number] for number in units])
    assert (ended, len(told["keys"]), told["busy"]) == (code, gone, [])
    report = verify_paths([desk.evidence])
    assert report.ok
    assert report.total("erased_keys") == gone


async def test_a_chain_that_is_written_to_is_left_alone(tmp_path: Path) -> None:
    desk, lines = await _two_units(tmp_path)
    async with desk.journal() as journal:
        code, told = _told(desk, [lines[0]["id"]], [])
        assert (code, told) == (1, {"keys": [], "busy": [journal.chain.name]})
    assert _told(desk, [lines[0]["id"]], [])[0] == 0


async def test_the_sidecar_goes_on_with_what_is_left(tmp_path: Path) -> None:
    desk, lines = await _two_units(tmp_path)
    assert _told(desk, [lines[0]["id"]], [])[0] == 0
    async with desk.journal() as journal:
        await one_call(journal, "c")
    report = verify_paths([desk.evidence])
    assert report.ok
    assert report.total("erased_keys") == 1


async def test_what_a_kill_left_is_taken_away_by_the_next(tmp_path: Path) -> None:
    desk, lines = await _two_units(tmp_path)
    (chain,) = desk.evidence.glob("chain-*")
    (desk.evidence / keys_draft(chain.name)).write_bytes(b"half of it")
    assert verify_paths([desk.evidence]).ok
    assert _told(desk, [lines[0]["id"]], [])[0] == 0
    assert verify_paths([desk.evidence]).ok
    assert [child.name for child in desk.evidence.iterdir()] == [chain.name]


async def test_a_torn_line_and_a_strange_one_stay(tmp_path: Path) -> None:
    desk, lines = await _two_units(tmp_path)
    (path,) = desk.evidence.glob("chain-*/keys.jsonl")
    path.write_bytes(path.read_bytes() + b'{"no":"key"}\n{"id":"')
    assert _told(desk, [lines[0]["id"], ""], [""])[1]["keys"] == [lines[0]["id"]]
    assert path.read_bytes().endswith(b'{"no":"key"}\n{"id":"')


def test_nothing_that_is_named(tmp_path: Path) -> None:
    out = io.StringIO()
    assert run_forget(tmp_path, keys=[], units=[], as_json=False, out=out) == 64
    assert run_forget(tmp_path / "none", keys=[OTHER], units=[], as_json=False, out=out) == 64
    assert "no such folder" in out.getvalue()
