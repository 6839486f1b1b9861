"""One number of 0 to 100 for a policy, and whether it passes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from policy.quality import gates
from policy.quality.finding import Finding, Part, PartName
from policy.quality.opa import Opa
from policy.quality.regal import regal_part
from policy.quality.sources import Sources

WEIGHTS: Final[Mapping[PartName, int]] = MappingProxyType(
    {"format": 10, "check": 20, "tests": 25, "coverage": 15, "lint": 20, "engine": 10}
)
"""What each part is worth; together 100."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must be reached: a score, and a share of covered lines in percent."""

    score: int = 80
    coverage: int = 80


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found of a policy; `opa` is the version that said it."""

    sources: Sources
    opa: str
    wanted: Wanted
    parts: tuple[Part, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those that fail the policy first, then in the order of the parts."""
        found = [finding for part in self.parts for finding in part.findings]
        return tuple(sorted(found, key=lambda finding: not finding.must))

    @property
    def score(self) -> int:
        """The sum of what each part is worth, rounded down: 100 is reached by a policy without findings only."""
        return int(sum(points(part) for part in self.parts) + 1e-9)

    @property
    def passes(self) -> bool:
        """The score is reached, and nothing was found that fails a policy whatever its score."""
        return self.score >= self.wanted.score and not any(finding.must for finding in self.findings)


def points(part: Part) -> float:
    """What a part adds to the score."""
    return 0.0 if part.score is None else WEIGHTS[part.name] * part.score / 100


def measure(
    sources: Sources, opa: Opa, wanted: Wanted, environ: Mapping[str, str], progress: Callable[[str], None]
) -> Report:
    """Run every gate; `progress` is told before each what comes now. Raises OpaMissing."""
    return Report(sources, opa.version(), wanted, tuple(_parts(sources, opa, wanted, environ, progress)))


def _parts(
    sources: Sources, opa: Opa, wanted: Wanted, environ: Mapping[str, str], progress: Callable[[str], None]
) -> Iterator[Part]:
    progress("[1/7] parsing and format")
    modules = gates.parse(sources, opa)
    yield gates.not_run("format") if modules is None else gates.format_part(sources, opa)
    progress("[2/7] opa check --strict, with the schemas of the input")
    yield gates.check_part(sources, opa)
    progress("[3/7] opa test")
    yield gates.not_run("tests") if modules is None else gates.tests_part(sources, opa)
    progress("[4/7] coverage")
    yield gates.not_run("coverage") if modules is None else gates.coverage_part(sources, opa, wanted.coverage)
    progress("[5/7] lint")
    yield gates.not_run("lint") if modules is None else gates.lint_part(sources, modules)
    progress("[6/7] the embedded engine")
    yield gates.engine_part(sources)
    progress("[7/7] regal")
    yield regal_part(sources, environ)
