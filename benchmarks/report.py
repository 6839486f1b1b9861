"""A whole run as one value, its targets, and its text."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.machine import Machine
from benchmarks.measure import Growth, Row
from benchmarks.section import Section
from benchmarks.verdict import Verdict, at_least, at_most, below


@dataclass(frozen=True, slots=True)
class Start:
    """One way to start the sidecar: median seconds to ready, and its own memory then (MB, PSS)."""

    name: str
    ready_seconds: float
    idle_memory: float


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that one run found; `at` is RFC 3339."""

    at: str
    machine: Machine
    rows: tuple[Row, ...]
    starts: tuple[Start, ...]
    growths: tuple[Growth, ...]
    sections: tuple[Section, ...] = ()

    def row(self, name: str, durability: str | None = None) -> Row | None:
        """The row of this name, if it ran."""
        return next((row for row in self.rows if (row.name, row.durability) == (name, durability)), None)

    def errors(self) -> int:
        """Calls that were not answered with the right bytes."""
        parts: tuple[Row | Growth | Section, ...] = (*self.rows, *self.growths, *self.sections)
        return sum(part.errors for part in parts)


def verdicts(run: Run) -> Iterator[Verdict]:
    """Each target of which the run has the number."""
    if row := run.row("starter", "process"):
        yield at_least("embedded, process: calls/s on one core", row.calls_per_second, 1200)
    base = run.row("direct")
    for label, name, limit in (("embedded", "starter", 2.0), ("OPA", "opa", 1.5)):
        if base and (row := run.row(name, "process")):
            yield below(f"{label}, process: ms added at the median at 200 calls/s", row.open_p50 - base.open_p50, limit)
    limits = {"starter": 70.0, "opa": 58.0}
    for start in run.starts:
        yield at_most(f"{start.name}: idle memory, MB", start.idle_memory, limits[start.name])
        yield at_most(f"{start.name}: seconds to ready", start.ready_seconds, 0.8)
    for growth in run.growths:
        yield at_most(f"{growth.name}: MB grown over {growth.calls:,} calls", growth.megabytes, 5.0)
    for section in run.sections:
        yield from section.targets


Cell = Callable[[Row, Run], str]
COLUMNS: Final[Mapping[str, Cell]] = {
    "row": lambda row, _: row.name,
    "durability": lambda row, _: row.durability or "",
    "calls/s": lambda row, _: f"{row.calls_per_second:,.0f}",
    "of nginx": lambda row, run: _ratio(row.calls_per_second, run.row("nginx"), lambda base: base.calls_per_second),
    "p50 ms": lambda row, _: f"{row.p50:.2f}",
    "p99 ms": lambda row, _: f"{row.p99:.2f}",
    "+p50 ms at 200/s": lambda row, run: _added(row, run, lambda one: one.open_p50),
    "+p99 ms at 200/s": lambda row, run: _added(row, run, lambda one: one.open_p99),
    "CPU us/call": lambda row, _: _number(row.cpu_per_call),
    "x nginx": lambda row, run: _ratio(row.cpu_per_call, run.row("nginx"), lambda base: base.cpu_per_call),
    "memory MB": lambda row, _: _number(row.memory),
    "others": lambda row, _: "" if row.others is None else f"{row.others:.0%}",
    "errors": lambda row, _: str(row.errors),
}


def table(run: Run) -> list[list[str]]:
    """The rows as text, the names of the columns first."""
    return [list(COLUMNS), *([cell(row, run) for cell in COLUMNS.values()] for row in run.rows)]


def aligned(cells: Sequence[Sequence[str]], text_columns: int) -> str:
    """Columns of equal width; the first `text_columns` begin at the left."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(
            cell.ljust(width) if at < text_columns else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )
    return "\n".join(lines)


def target_cells(run: Run) -> list[list[str]]:
    """The targets as text, the names of the columns first."""
    lines = [
        [one.what, one.limit, f"{one.value:,.2f}".rstrip("0").rstrip("."), "met" if one.met else "NOT MET"]
        for one in verdicts(run)
    ]
    return [["target", "must be", "is", ""], *lines]


def _added(row: Row, run: Run, pick: Callable[[Row], float]) -> str:
    base = run.row("direct")
    return "" if base is None or row.name.startswith("direct") else f"{pick(row) - pick(base):+.2f}"


def _ratio(value: float | None, base: Row | None, pick: Callable[[Row], float | None]) -> str:
    divisor = pick(base) if base else None
    return f"{value / divisor:.3g}" if value and divisor else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
