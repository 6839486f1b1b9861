"""The published vectors: our verifier says of each what it should, and they are what the generator makes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evidence.batch import BadBatch, read_batch
from evidence.canonical import Spelled, canonical, read
from evidence.reading import run_records
from evidence.receipt import open_receipt, read_receipt_key
from evidence.signing import BadSignature, read_public
from evidence.verify import verify_paths
from evidence.witnessing import Ledger
from tests.peers.places import ROOT

VECTORS = ROOT / "tests" / "vectors" / "evidence"
FOLDERS = sorted(path.parent for path in VECTORS.glob("*/evidence"))


@pytest.mark.parametrize("folder", [pytest.param(folder, id=folder.name) for folder in FOLDERS])
@pytest.mark.parametrize("pinned", [pytest.param(True, id="pinned"), pytest.param(False, id="unpinned")])
def test_a_folder(folder: Path, pinned: bool) -> None:  # noqa: FBT001 - a row of a table
    keys = json.loads((VECTORS / "keys.json").read_text())
    report = verify_paths([folder / "evidence"], read_public(keys["identity_public"]) if pinned else None)
    said = {"ok": report.ok, "step": report.error and int(report.error.step)}
    assert _expected(folder).items() >= said.items(), str(report.error)


def _expected(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "expected.json").read_text()))


RECEIPTED = [folder for folder in FOLDERS if "with_receipt_key" in _expected(folder)]


@pytest.mark.parametrize("folder", [pytest.param(folder, id=folder.name) for folder in RECEIPTED])
def test_a_folder_with_receipts(folder: Path) -> None:
    verifier = read_receipt_key(json.loads((VECTORS / "keys.json").read_text())["receipt_key"])
    report = verify_paths([folder / "evidence"], verifiers=[verifier])
    said = {"ok": report.ok, "step": report.error and int(report.error.step)}
    if report.ok:
        said["witnessed"] = report.total("witnessed")
        assert report.total("self_asserted") == report.total("records") - report.total("witnessed")
    assert said == _expected(folder)["with_receipt_key"], str(report.error)


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


APPENDIX_B = """
0 0 5e-324 -5e-324 1.7976931348623157e+308 -1.7976931348623157e+308 9007199254740992 -9007199254740992
295147905179352830000 9.999999999999997e+22 1e+23 1.0000000000000001e+23 999999999999999700000 999999999999999900000
1e+21 9.999999999999997e-7 0.000001 333333333.3333332 333333333.33333325 333333333.3333333 333333333.3333334
333333333.33333343 -0.0000033333333333333333 1424953923781206.2
"""
"""What RFC 8785, appendix B says of the doubles in numbers.json, in their order."""


def test_numbers_are_spelled_as_the_standard_does() -> None:
    rows = json.loads((VECTORS / "numbers.json").read_text())
    assert [row["canonical"] for row in rows] == APPENDIX_B.split()


def test_the_samples_of_the_standard() -> None:
    rows = {row["name"]: row["canonical"] for row in json.loads((VECTORS / "canonical.json").read_text())}
    assert rows["the sample of RFC 8785, 3.2.2"] == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    keys = json.loads(rows["the keys of RFC 8785, 3.2.3"])
    assert list(keys) == ["\r", "1", "\x80", "\xf6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row["name"]) for row in json.loads((VECTORS / "not_canonical.json").read_text())]
)
def test_bytes_without_a_value(row: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        read(row["text"].encode())


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row["name"]) for row in json.loads((VECTORS / "batches.json").read_text())]
)
def test_a_batch(row: dict[str, Any]) -> None:
    if row["ok"]:
        assert read_batch(row["batch"].encode()).sidecar == "gate"
    else:
        with pytest.raises(BadBatch):
            read_batch(row["batch"].encode())


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row["name"]) for row in json.loads((VECTORS / "receipts.json").read_text())]
)
def test_a_receipt(row: dict[str, Any]) -> None:
    verifier = read_receipt_key(json.loads((VECTORS / "keys.json").read_text())["receipt_key"])
    if row["ok"]:
        assert open_receipt(row["note"], verifier).position.seq == 14
    else:
        with pytest.raises(BadSignature):
            open_receipt(row["note"], verifier)


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row["name"]) for row in json.loads((VECTORS / "erased.json").read_text())]
)
def test_what_a_ledger_has_destroyed(row: dict[str, Any]) -> None:
    ledger = Ledger.known(read_receipt_key(json.loads((VECTORS / "keys.json").read_text())["receipt_key"]))
    if row["ok"]:
        assert ledger.open_erased(row["note"]).sidecar == "gate"
    else:
        with pytest.raises(BadSignature):
            ledger.open_erased(row["note"])


@pytest.mark.parametrize("generator", ["generate.py", "generate_formats.py"])
def test_they_are_what_the_generators_make(generator: str) -> None:
    command = [sys.executable, str(VECTORS / generator), "--check"]
    done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
