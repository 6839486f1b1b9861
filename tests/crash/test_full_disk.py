"""A full disk: calls are refused with a reason, what was forwarded has its outcome, and nothing written is lost."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.peers.processes import accepts, free_port, running
from tests.peers.raw import call
from tests.peers.sidecar import sidecar

DISK: Final = "size=20m"
"""The reserve takes 16 MiB of it."""

PADDING: Final = "x" * 40_000
MAX_CALLS: Final = 400


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that fills up fast; needs root, as the tests' machine gives."""
    place = tmp_path / "evidence"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(place)], check=True)
    try:
        place.chmod(0o700)
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path, small_disk: Path) -> None:
    port, journal = free_port(), tmp_path / "reached"
    command = [sys.executable, "-m", "tests.crash.upstream", str(port), str(journal)]
    config = tmp_path / "agentgate.toml"
    config.write_text("[evidence]\nmin_free_bytes = 0\n")
    url = f"http://127.0.0.1:{port}/mcp"
    with (
        running(command, log=tmp_path / "upstream.log", ready=lambda: accepts(port)),
        sidecar(tmp_path, {"up": url}, more=["-c", str(config)]) as gate,
    ):
        tokens = [f"{number}-{PADDING}" for number in range(MAX_CALLS)]
        codes = []
        for token in tokens:
            result = call(gate.url("up"), "echo", {"token": token}).result()
            if result.get("isError"):
                codes.append(result["_meta"]["agentgate/decision"]["code"])
            if len(codes) > 2:
                break
        status, _ = gate.admin("/readyz")
        assert gate.program.terminate() == 0
    records = gate.folders.records()
    intents = [record["header"]["call"] for record in records if record["header"]["kind"] == "intent"]
    ends = Counter(record["header"]["call"] for record in records if record["header"]["kind"] == "outcome")
    reached = len(journal.read_text().splitlines())
    report = gate.folders.verify()

    assert codes
    assert set(codes) <= {"no_room", "spool_failed"}
    assert status == 503
    assert reached <= len(intents)
    assert set(ends) == set(intents)
    assert max(ends.values()) == 1
    assert report["ok"], report["error"]
    assert small_disk.is_dir()
