"""The MCP conformance suite, run against a URL, and two of its results compared check by check."""

import json
import re
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tests.peers.places import node_program

Requirements = Literal["2025-11-25", "2026-07-28"]
REQUIREMENTS: Final[tuple[Requirements, ...]] = ("2025-11-25", "2026-07-28")
RUN_SECONDS: Final = 120.0
SCENARIO_MILLISECONDS: Final = 10_000
ALLOWED: Final = Path(__file__).with_name("allowed.toml")


class SuiteFailed(Exception):
    """The suite itself did not run; the text is the end of what it printed."""


@dataclass(frozen=True, slots=True, order=True)
class Check:
    """One check's verdict: SUCCESS, FAILURE, WARNING, INFO or SKIPPED."""

    scenario: str
    check: str
    status: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A check that came out otherwise, with its verdicts: sorted, and more than one where it ran more than once."""

    scenario: str
    check: str
    direct: tuple[str, ...]
    through: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.scenario}: {self.check}: directly {list(self.direct)}, through {list(self.through)}"


def run(url: str, requirements: Requirements, folder: Path) -> Counter[Check]:
    """Runs every server scenario of one requirement set; how often each verdict was given. Raises SuiteFailed."""
    options = ["--requirements", requirements, "--timeout", str(SCENARIO_MILLISECONDS), "--output-dir", str(folder)]
    done = subprocess.run(
        [*node_program("conformance"), "server", "--url", url, *options],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    verdicts = Counter(_verdicts(folder))
    if not verdicts:
        raise SuiteFailed((done.stdout + done.stderr)[-2000:])
    return verdicts


def _verdicts(folder: Path) -> Iterator[Check]:
    for file in sorted(folder.glob("server-*/checks.json")):
        scenario = re.sub(r"^server-(.+)-\d{4}-\d\d-\d\dT[^/]*$", r"\1", file.parent.name)
        for check in json.loads(file.read_bytes()):
            yield Check(scenario, check["id"], check["status"])


def differences(direct: Counter[Check], through: Counter[Check]) -> list[Difference]:
    """Every check whose verdicts are not the same on both ways, sorted."""
    changed = sorted({(check.scenario, check.check) for check in (direct - through) + (through - direct)})
    return [Difference(*name, _statuses(direct, *name), _statuses(through, *name)) for name in changed]


def _statuses(verdicts: Counter[Check], scenario: str, check: str) -> tuple[str, ...]:
    return tuple(sorted(v.status for v in verdicts.elements() if (v.scenario, v.check) == (scenario, check)))


def allowed(server: str, requirements: Requirements) -> dict[Difference, str]:
    """The differences that `allowed.toml` lists for one server and requirement set, in order, each with its reason."""
    rows = tomllib.loads(ALLOWED.read_text("utf-8")).get("difference", [])
    return {
        Difference(row["scenario"], row["check"], tuple(row["direct"]), tuple(row["through"])): row["reason"]
        for row in rows
        if row["reason"] and server in row["servers"] and requirements in row["requirements"]
    }
