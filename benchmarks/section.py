"""What is measured beside the one exchange of the table: each section has lines, targets and errors of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.measure import Plan
from benchmarks.subjects import Stage
from benchmarks.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Section:
    """What one section found. Cells of `lines` are text or numbers; `errors` is how many answers were wrong."""

    title: str
    columns: tuple[str, ...]
    lines: tuple[tuple[str | float, ...], ...]
    targets: tuple[Verdict, ...]
    errors: int = 0
    sample: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One section, before it runs; `key` is its name on the command line."""

    key: str
    run: Callable[[Stage, Plan], Section]


@dataclass(slots=True)
class Wrong:
    """Counts what did not come as it should, and keeps the first of it, cut short."""

    errors: int = 0
    sample: str = field(default="")

    def unless(self, *, right: bool, met: object) -> None:
        """Count `met` if it is not right."""
        if not right:
            self.errors += 1
            self.sample = self.sample or str(met)[:2000]


def cells(section: Section) -> list[list[str]]:
    """The lines as text, the names of the columns first."""
    return [list(section.columns), *([_text(cell) for cell in line] for line in section.lines)]


def _text(cell: str | float) -> str:
    return cell if isinstance(cell, str) else f"{cell:,.2f}".removesuffix(".00")
