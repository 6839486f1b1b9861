"""Decided is executed: what we accept every real SDK executes as we read it, and where readers disagree we refuse."""

import importlib.util
import json
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.differential.inputs import CORPORA
from tests.differential.peers import measured
from tests.differential.readings import unlike
from tests.peers.places import ROOT

FOLDER = ROOT / "tests" / "vectors" / "differential"
ROWS = {corpus: json.loads((FOLDER / f"{corpus}.json").read_text("utf-8")) for corpus in CORPORA}
EACH = [pytest.param(row, id=row["name"]) for rows in ROWS.values() for row in rows]
FEWEST = 300


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("differential_generate", FOLDER / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_enough_inputs_and_each_name_stands_once() -> None:
    names = [row["name"] for rows in ROWS.values() for row in rows]
    assert len(names) == len(set(names))
    assert len(names) >= FEWEST
    assert all(len(rows) > 50 for rows in ROWS.values())


@pytest.mark.parametrize("row", EACH)
def test_what_is_accepted_is_executed_as_it_was_read(row: Mapping[str, Any]) -> None:
    for group in row["executed"]:
        assert "refused" in row["ours"] or _strange(group["messages"], row["ours"]["messages"]) == []


@pytest.mark.parametrize("row", EACH)
def test_where_readers_disagree_we_refuse(row: Mapping[str, Any]) -> None:
    for one, two in combinations(row["executed"], 2):
        if _strange(one["messages"], two["messages"]) and _strange(two["messages"], one["messages"]):
            assert "refused" in row["ours"], (one, two)


def _strange(executed: list[dict[str, Any]], read: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is not among the other's; who goes by headers alone knows no params, and maybe no name."""
    told = [each for each in executed if each.get("params", "") is None]
    rest = unlike([each for each in executed if each not in told], read)
    return rest + [each for each in told if not any(_names(each, other) for other in read)]


def _names(told: dict[str, Any], read: dict[str, Any]) -> bool:
    return told["method"] == read["method"] and told["name"] in (None, read["name"])


def test_the_corpora_hold_disagreements_and_agreements() -> None:
    """A corpus on which nobody differs, or of which nothing is accepted, would prove nothing."""
    rows = ROWS["json"]
    accepted = [row for row in rows if "messages" in row["ours"] and row["executed"]]
    apart = [row for row in rows if len(row["executed"]) > 1]
    assert len(accepted) > 20
    assert len(apart) > 10


def test_what_is_accepted_by_its_headers_every_sdk_of_that_revision_reads() -> None:
    rows = [row for row in ROWS["headers"] if row["name"].endswith("-whole") and "messages" in row["ours"]]
    assert len(rows) > 4
    for row in rows:
        assert {"python-2.3.0", "typescript-2.4.0"} <= {reader for group in row["executed"] for reader in group["by"]}


@pytest.mark.xdist_group("differential")
@pytest.mark.timeout(300)
def test_real_readers_execute_what_the_files_say(tmp_path: Path) -> None:
    corpora = {corpus: list(inputs()) for corpus, inputs in CORPORA.items()}
    found = measured(corpora, tmp_path)
    written = _generator().written
    for corpus, inputs in corpora.items():
        assert json.loads(json.dumps(written(corpus, inputs, found[corpus]))) == ROWS[corpus]


def test_our_readings_are_what_the_files_say() -> None:
    assert _generator().stale() == []
