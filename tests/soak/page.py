"""What a run leaves: the table in docs/endurance.md between its markers, and one drawing for each trial with curves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.machine import machine
from benchmarks.pages import markdown, written
from tests.peers.places import ROOT
from tests.soak.drawing import drawn
from tests.soak.trial import Plan, Result
from tests.soak.trials import TRIALS

DOCS: Final = ROOT / "docs"
BEGIN: Final = "<!-- the last run: written by make soak -->"
END: Final = "<!-- end of the last run -->"


def cells(results: Mapping[str, Result]) -> list[list[str]]:
    """One line for each promise, the names of the columns first."""
    lines = [
        [name, promise.what, promise.must, promise.found, "kept" if promise.kept else "BROKEN"]
        for name, result in results.items()
        for promise in result.promises
    ]
    return [["trial", "promise", "must be", "is", ""], *lines]


def keep(at: str, plan: Plan, results: Mapping[str, Result], docs: Path = DOCS) -> Path:
    """Writes the section of the page and its drawings; gives the page."""
    document = docs / "endurance.md"
    drawings = [_draw(docs, name, result) for name, result in results.items() if result.panels]
    parts = [_facts(at, plan), _done(results), markdown(cells(results), 2), *drawings]
    written(document, BEGIN, END, "\n\n".join(parts) + "\n")
    return document


def _facts(at: str, plan: Plan) -> str:
    facts = machine(ROOT / "build", nginx=None, opa=None)
    return (
        f"{at[:10]}, revision {facts.revision}, {plan.minutes:g} minutes: {facts.cpu}, {facts.cores} cores, "
        f"Linux {facts.kernel}, Python {facts.python}; load average afterwards {facts.load:.2f}."
    )


def _done(results: Mapping[str, Result]) -> str:
    return markdown([["trial", "did"], *([name, result.did] for name, result in results.items())], 2)


def _draw(docs: Path, name: str, result: Result) -> str:
    title = next(trial.title for trial in TRIALS if trial.name == name)
    file = docs / f"endurance-{name}.svg"
    file.write_text(drawn(f"{name}: {title}", result.panels))
    return f'<img src="{file.name}" width="720" alt="{name}: {title}">'
