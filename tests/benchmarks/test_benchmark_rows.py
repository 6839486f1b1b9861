"""The benchmark as it is run by hand, two seconds a row: all rows run, all answers are right; no time is judged."""

import json
import subprocess
import sys
from typing import Any

import pytest

from benchmarks.parts import PARTS
from benchmarks.variants import VARIANTS
from tests.peers.places import ROOT


def _run(*keys: str) -> dict[str, Any]:
    """One quick run of some rows or sections."""
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json", "--only", ",".join(keys)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, Any]]:
    """All rows of one run."""
    run = _run(*(variant.key for variant in VARIANTS))
    return {"+".join(filter(None, (row["name"], row["durability"]))): row for row in run["rows"]}


@pytest.mark.xdist_group("benchmark_rows")
@pytest.mark.parametrize("key", [variant.key for variant in VARIANTS])
def test_a_row_answers_every_call(rows: dict[str, dict[str, Any]], key: str) -> None:
    assert rows[key]["errors"] == 0
    assert rows[key]["calls"] > 200


@pytest.mark.parametrize("key", [part.key for part in PARTS])
def test_a_section_finds_what_it_asks_for(key: str) -> None:
    (section,) = _run(key)["sections"]
    assert (section["errors"], section["sample"]) == (0, "")
    assert section["lines"]
    assert {len(line) for line in section["lines"]} == {len(section["columns"])}
