"""The matrix as text: docs/compatibility.md between its markers, and as JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks.pages import escaped, markdown, written
from tests.matrix.rows import ROWS
from tests.matrix.subjects import SUBJECTS
from tests.matrix.versions import locked
from tests.matrix.vocabulary import STEPS, Cell, Pairing, Verdict
from tests.peers.places import ROOT

PAGE: Final = ROOT / "docs" / "compatibility.md"
BEGIN: Final = "<!-- the last run: written by make matrix -->"
END: Final = "<!-- the end of the last run -->"


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the matrix: the day, the versions of AgentGate and its platform, and its pairings in order."""

    day: str
    platform: str
    pairings: Sequence[Pairing]

    def different(self) -> list[tuple[Pairing, str]]:
        """Each cell that is different, as its pairing and step."""
        return [
            (pairing, step)
            for pairing in self.pairings
            for step, cell in pairing.cells.items()
            if cell.verdict is Verdict.DIFFERENT
        ]


def as_json(run: Run) -> str:
    """Everything, for programs."""
    pairings: list[dict[str, Any]] = [asdict(pairing) for pairing in run.pairings]
    return json.dumps({"day": run.day, "platform": run.platform, "pairings": pairings}, indent=1) + "\n"


def text(run: Run) -> str:
    """The generated section: counts, versions, a table for each server, and the notes that its cells point to."""
    notes = _Notes({})
    tables = "".join(_table(title, group, notes) for title, group in _by_server(run.pairings))
    return f"{run.day}: {run.platform}.\n\n{_counts(run)}\n{_versions()}{tables}{notes.text()}"


def kept(run: Run) -> None:
    """Writes the section into docs/compatibility.md."""
    written(PAGE, BEGIN, END, text(run))


@dataclass(frozen=True, slots=True)
class _Notes:
    """Each reason once, numbered in the order in which it is met."""

    numbers: dict[str, int]

    def number(self, why: str) -> int:
        return self.numbers.setdefault(why, len(self.numbers) + 1)

    def text(self) -> str:
        lines = (f"{number}. {escaped(why)}\n" for why, number in self.numbers.items())
        return f"\n### Notes\n\n{''.join(lines)}" if self.numbers else ""


def _counts(run: Run) -> str:
    counted = Counter(cell.verdict for pairing in run.pairings for cell in pairing.cells.values())
    said = ", ".join(f"{counted[verdict]} `{verdict}`" for verdict in Verdict)
    return f"{counted.total()} cells: {said}.\n"


def _versions() -> str:
    rows = [
        ["who", "is"],
        *([f"client `{row.name}`", f"{row.package} {locked(row.package, row.lock)}"] for row in ROWS),
        *(
            [f"server `{name}`", f"{package} {locked(package, lock)}"]
            for name, package, lock in dict.fromkeys((s.name, s.package, s.lock) for s in SUBJECTS)
        ),
    ]
    return f"\n### Versions\n\n{markdown(rows, 2)}\n"


def _by_server(pairings: Sequence[Pairing]) -> Iterator[tuple[str, list[Pairing]]]:
    groups: dict[str, list[Pairing]] = {}
    for pairing in pairings:
        groups.setdefault(f"{pairing.server}, over {pairing.transport}", []).append(pairing)
    yield from groups.items()


def _table(title: str, pairings: Sequence[Pairing], notes: _Notes) -> str:
    cells = [["client", "revision", *STEPS], *(_line(each, notes) for each in pairings)]
    return f"\n### {title}\n\n{markdown(cells, len(cells[0]))}\n"


def _line(pairing: Pairing, notes: _Notes) -> list[str]:
    cells = [_cell(pairing.cells[step], notes) for step in STEPS]
    return [f"`{pairing.client}`", pairing.revision or "not told", *cells]


def _cell(cell: Cell, notes: _Notes) -> str:
    said = f"**{cell.verdict}**" if cell.verdict is Verdict.DIFFERENT else str(cell.verdict)
    return f"{said} [{notes.number(cell.why)}]" if cell.why else said
