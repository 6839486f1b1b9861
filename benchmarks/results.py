"""Keeping a run: a JSON file for machines, a Markdown file for people, and the last table in docs/performance.md."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

from benchmarks.pages import markdown, written
from benchmarks.report import Run, table, target_cells
from benchmarks.section import cells
from benchmarks.stage import ROOT

RESULTS: Final = ROOT / "benchmarks/results"
DOCUMENT: Final = ROOT / "docs/performance.md"
BEGIN: Final = "<!-- the last run: written by make bench -->"
END: Final = "<!-- end of the last run -->"


def as_json(run: Run) -> str:
    """The whole run, numbers as they were measured."""
    return json.dumps({**asdict(run), "targets": target_cells(run)[1:]}, indent=1) + "\n"


def as_markdown(run: Run) -> str:
    """Machine, table and targets."""
    at = run.machine
    packages = ", ".join(f"{name} {version}" for name, version in at.packages.items())
    facts = (
        f"{run.at[:10]}, revision {at.revision}: {at.cpu}, {at.cores} cores, Linux {at.kernel}, Python {at.python}, "
        f"nginx {at.nginx}, OPA {at.opa}, {packages}; a flush to disk takes {at.flush_ms:.2f} ms; "
        f"load average before the run {at.load:.2f}."
    )
    growths = [
        f"Memory of {growth.name} over {growth.calls:,} calls, MB: "
        f"{', '.join(f'{sample:.1f}' for sample in growth.samples)}."
        for growth in run.growths
    ]
    sections = [part for section in run.sections for part in (f"{section.title}:", markdown(cells(section), 1))]
    parts = [facts, markdown(table(run), 2), *sections, markdown(target_cells(run), 2), *growths]
    return "\n\n".join(parts) + "\n"


def keep(run: Run, results: Path = RESULTS, document: Path = DOCUMENT) -> Path:
    """Writes the two files of the run and the last table of the document; gives the JSON file."""
    results.mkdir(exist_ok=True)
    file = results / f"{run.at[:10]}-{run.machine.slug()}.json"
    file.write_text(as_json(run))
    file.with_suffix(".md").write_text(as_markdown(run))
    written(document, BEGIN, END, as_markdown(run))
    return file
