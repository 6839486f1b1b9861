"""The benchmark as it is run by hand, two seconds a row: all rows run, all answers are right; no time is judged."""

import json
import subprocess
import sys
from typing import Any

import pytest

from benchmarks.variants import VARIANTS
from tests.peers.places import ROOT


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, Any]]:
    """One quick run of everything, as JSON."""
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    return {"+".join(filter(None, (row["name"], row["durability"]))): row for row in json.loads(done.stdout)["rows"]}


@pytest.mark.parametrize("key", [variant.key for variant in VARIANTS])
def test_a_row_answers_every_call(rows: dict[str, dict[str, Any]], key: str) -> None:
    assert rows[key]["errors"] == 0
    assert rows[key]["calls"] > 200
