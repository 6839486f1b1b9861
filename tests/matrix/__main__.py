"""`python -m tests.matrix [--json] [--only WORD]… [--write] [--jobs N]`: what works through AgentGate as without it.

Every client at every server, over every transport that both have: each step directly and through. Progress goes to
stderr. Exit code 1 if any cell is different.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from evidence.clock import SystemClock
from tests.matrix.pair import measure
from tests.matrix.report import Run, as_json, kept, text
from tests.matrix.rows import ROWS, Row
from tests.matrix.subjects import SUBJECTS, Subject
from tests.matrix.versions import platform
from tests.matrix.vocabulary import Pairing, Verdict
from tests.peers.progress import say


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what was asked for."""
    asked = _parser().parse_args(arguments)
    chosen = [(subject, rows) for subject in SUBJECTS if (rows := _rows(subject, asked.only))]
    with tempfile.TemporaryDirectory(prefix="matrix-") as folder, ThreadPoolExecutor(asked.jobs) as pool:
        folders = [Path(folder, str(number)) for number in range(len(chosen))]
        groups = list(pool.map(_at_server, [subject for subject, _ in chosen], [rows for _, rows in chosen], folders))
    day = SystemClock().now().rfc3339()[:10]
    run = Run(day, platform(), [pairing for group in groups for pairing in group])
    sys.stdout.write(as_json(run) if asked.json else text(run))
    if asked.write:
        kept(run)
    return 1 if run.different() else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description="The compatibility matrix.")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--write", action="store_true", help="write the page docs/compatibility.md")
    parser.add_argument(
        "--only", action="append", default=[], metavar="WORD", help="pairs with it in client, server or transport"
    )
    parser.add_argument("--jobs", type=int, default=2, help="servers at the same time (default: 2)")
    return parser


def _rows(subject: Subject, words: Sequence[str]) -> list[Row]:
    return [row for row in ROWS if all(word in f"{row.name}, {subject.name}, {subject.transport}" for word in words)]


def _at_server(subject: Subject, rows: Sequence[Row], folder: Path) -> list[Pairing]:
    """All its clients one after the other: the server's journal belongs to one at a time."""
    data = folder / "data"
    data.mkdir(parents=True)
    with subject.start(data) as stage:
        return [_told(measure(row, subject, stage, folder / row.name)) for row in rows]


def _told(pairing: Pairing) -> Pairing:
    verdicts = [cell.verdict for cell in pairing.cells.values()]
    said = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in Verdict if verdict in verdicts)
    say(f"{pairing.client} at {pairing.server}, {pairing.transport}: {said}")
    for step, cell in pairing.cells.items():
        if cell.verdict is Verdict.DIFFERENT:
            say(f"    {step}: {cell.why}")
    return pairing


if __name__ == "__main__":
    sys.exit(main())
