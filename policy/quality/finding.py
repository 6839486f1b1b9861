"""What the gates hand to the score and the reports: findings, cases and parts."""

from dataclasses import dataclass, field
from typing import Literal

PartName = Literal["format", "check", "tests", "coverage", "lint", "engine", "regal"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to be changed at a place: what it is and what to do. `must` fails the policy whatever the score."""

    rule: str
    file: str
    line: int
    what: str
    remedy: str
    must: bool = False

    @property
    def place(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was looked at, with what was found; `seconds` where it is known."""

    name: str
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """One gate's result: `score` of 100, None where it is not counted; `note` says in words where that comes from."""

    name: PartName
    score: float | None
    note: str
    cases: tuple[Case, ...] = field(default=())

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those of all cases."""
        return tuple(finding for case in self.cases for finding in case.findings)


def counted(number: int, noun: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
