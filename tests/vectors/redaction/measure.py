"""How often findings are right (precision) and how much of what is secret is found (recall), for each detector.

python -m tests.vectors.redaction.measure            the table, over the corpus
python -m tests.vectors.redaction.measure --seed 7   over values that are drawn anew
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from evidence.redaction.choosing import Choices
from evidence.redaction.documents import Documents
from evidence.redaction.finding import Finder
from evidence.redaction.loading import built_in
from evidence.redaction.noting import Noting
from evidence.redaction.replacing import Place, Tokens
from tests.vectors.redaction.generate import CORPUS
from tests.vectors.redaction.generate import rows as drawn_rows


class Measured(NamedTuple):
    """Counts for one detector; and what was found wrongly or missed, with the row's name."""

    right: int
    wrong: tuple[str, ...]
    missed: tuple[str, ...]

    @property
    def precision(self) -> float:
        """The share of findings that are true."""
        return self.right / max(1, self.right + len(self.wrong))

    @property
    def recall(self) -> float:
        """The share of what is true that was found."""
        return self.right / max(1, self.right + len(self.missed))


@cache
def rows() -> list[dict[str, Any]]:
    """The rows of the corpus."""
    read: list[dict[str, Any]] = json.loads(CORPUS.read_text("utf-8"))
    return read


def found(row: dict[str, Any], replacer: Noting) -> Counter[tuple[str, str]]:
    """Detector and value of everything that is found in a row's document."""
    replacer.noted = []
    Documents(replacer).redacted(json.dumps(row["document"], ensure_ascii=False).encode(), Place())
    return Counter((one.detector.id, one.value.decode()) for one in replacer.noted)


@cache
def measured() -> dict[str, Measured]:
    """For each detector, over the corpus."""
    return _measured(rows())


@cache
def over(seed: int) -> dict[str, Measured]:
    """For each detector, over values that are drawn with another seed."""
    return _measured(drawn_rows(seed))


def _measured(judged: Iterable[dict[str, Any]]) -> dict[str, Measured]:
    replacer = Noting(Finder(built_in()), Choices(), Tokens(b"", ""))
    right: Counter[str] = Counter()
    wrong: list[tuple[str, str]] = []
    missed: list[tuple[str, str]] = []
    for row in judged:
        true = Counter((detector, value) for detector, value in row["secrets"])
        has = found(row, replacer)
        right.update(detector for detector, _ in (true & has).elements())
        wrong += [(detector, f"{row['name']}: {value}") for detector, value in (has - true).elements()]
        missed += [(detector, f"{row['name']}: {value}") for detector, value in (true - has).elements()]
    return {one.id: Measured(right[one.id], _of(wrong, one.id), _of(missed, one.id)) for one in built_in()}


def _of(told: Iterable[tuple[str, str]], detector: str) -> tuple[str, ...]:
    return tuple(what for about, what in told if about == detector)


def table(found: dict[str, Measured]) -> list[list[str]]:
    """A line for each detector, and one for all together; the first is the heading."""
    kinds = {one.id: (one.kind, one.title) for one in built_in()}
    lines = [["detector", "kind", "finds", "right", "wrong", "missed", "precision", "recall"]]
    lines += [[id, *kinds[id], *_cells(one)] for id, one in found.items()]
    whole = Measured(
        sum(one.right for one in found.values()),
        tuple(each for one in found.values() for each in one.wrong),
        tuple(each for one in found.values() for each in one.missed),
    )
    return [*lines, ["all", "", "", *_cells(whole)]]


def _cells(one: Measured) -> list[str]:
    return [str(one.right), str(len(one.wrong)), str(len(one.missed)), f"{one.precision:.3f}", f"{one.recall:.3f}"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.vectors.redaction.measure")
    parser.add_argument("--seed", type=int, help="draw other values than those of the corpus")
    given = parser.parse_args(arguments)
    for line in table(measured() if given.seed is None else over(given.seed)):
        sys.stdout.write(
            "  ".join((line[0].ljust(18), line[1].ljust(12), *(cell.rjust(9) for cell in line[3:]))) + "\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
