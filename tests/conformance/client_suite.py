"""The suite's client scenarios, each run against a client without and with a sidecar, and compared check by check."""

import json
import shlex
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Final

from tests.conformance.client_through import CLIENT
from tests.conformance.suite import Check, Difference, SuiteFailed
from tests.peers.places import ROOT, node_program

DIRECT: Final = CLIENT
THROUGH: Final = (sys.executable, "-W", "ignore", "-m", "tests.conformance.client_through")
ALLOWED: Final = Path(__file__).with_name("client_allowed.toml")
RUN_SECONDS: Final = 90.0
CLIENT_MILLISECONDS: Final = 60_000


def run_scenario(scenario: str, version: str, client: tuple[str, ...], folder: Path) -> Counter[Check]:
    """Runs one scenario with one client; how often each verdict was given. Raises SuiteFailed.

    INFO is no verdict here: it is each request that the scenario's servers saw.
    """
    options = ["--scenario", scenario, "--timeout", str(CLIENT_MILLISECONDS), "--output-dir", str(folder)]
    options += ["--spec-version", version, "--force"]
    done = subprocess.run(
        [*node_program("conformance"), "client", "--command", shlex.join(client), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    verdicts = Counter(
        Check(scenario, check["id"], check["status"])
        for file in sorted(folder.rglob("checks.json"))
        for check in json.loads(file.read_bytes())
        if check["status"] != "INFO"
    )
    if not verdicts:
        raise SuiteFailed((done.stdout + done.stderr)[-2000:])
    return verdicts


def every_allowed() -> list[dict[str, Any]]:
    """The rows of `client_allowed.toml`: `{scenarios, versions, check, direct, through, reason}`."""
    return list(tomllib.loads(ALLOWED.read_text("utf-8"))["difference"])


def allowed(scenario: str, version: str) -> list[Difference]:
    """The differences that are allowed for one scenario and revision, sorted."""
    rows = [row for row in every_allowed() if scenario in row["scenarios"] and version in row["versions"]]
    return sorted(
        (Difference(scenario, row["check"], tuple(row["direct"]), tuple(row["through"])) for row in rows),
        key=lambda difference: difference.check,
    )
