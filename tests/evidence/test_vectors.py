"""The published vectors: our verifier says of each what it should, and they are what the generator makes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evidence.canonical import Spelled, canonical, read
from evidence.reading import run_records
from evidence.signing import read_public
from evidence.verify import verify_paths
from tests.peers.places import ROOT

VECTORS = ROOT / "tests" / "vectors" / "evidence"
FOLDERS = sorted(path.parent for path in VECTORS.glob("*/expected.json"))


@pytest.mark.parametrize("folder", [pytest.param(folder, id=folder.name) for folder in FOLDERS])
@pytest.mark.parametrize("pinned", [pytest.param(True, id="pinned"), pytest.param(False, id="unpinned")])
def test_a_folder(folder: Path, pinned: bool) -> None:  # noqa: FBT001 - a row of a table
    keys = json.loads((VECTORS / "keys.json").read_text())
    report = verify_paths([folder / "evidence"], read_public(keys["identity_public"]) if pinned else None)
    said = {"ok": report.ok, "step": report.error and int(report.error.step)}
    assert said == json.loads((folder / "expected.json").read_text()), str(report.error)


def test_the_good_one_in_numbers() -> None:
    report = verify_paths([VECTORS / "good" / "evidence"])
    chain = report.chains[0]
    assert (chain.records, chain.intents, chain.outcomes, chain.unknown, chain.refusals) == (14, 3, 3, 1, 1)
    assert (chain.segments, chain.incarnations, chain.signed, chain.open, chain.closed) == (2, 2, 14, 0, True)


def test_the_boxes_open(tmp_path: Path) -> None:
    key = tmp_path / "tenant.key"
    key.touch(mode=0o600)
    key.write_text(json.loads((VECTORS / "keys.json").read_text())["tenant_private"])
    with (tmp_path / "out").open("w+") as out:
        assert run_records(VECTORS / "good" / "evidence", as_json=True, key=key, call="call-1", out=out) == 0
        out.seek(0)
        opened = [json.loads(line)["opened"] for line in out]
    assert opened == [{"input": '{"path":"/etc/motd"}', "raw": {"base64": "/wA="}}, {"result": "grüß dich"}]


def _spelled(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"spelled"}:
            return Spelled(value["spelled"])
        return {key: _spelled(item) for key, item in value.items()}
    return value


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row["name"]) for row in json.loads((VECTORS / "canonical.json").read_text())]
)
def test_canonical_bytes(row: dict[str, Any]) -> None:
    value = _spelled(row["value"])
    assert canonical(value) == row["canonical"].encode()
    assert read(row["canonical"].encode()) == value


def test_they_are_what_the_generator_makes() -> None:
    command = [sys.executable, str(VECTORS / "generate.py"), "--check"]
    done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
