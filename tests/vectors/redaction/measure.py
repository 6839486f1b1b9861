"""How often findings are right (precision) and how much of what is secret is found (recall), for each detector."""

import json
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from evidence.redaction.choosing import Choices
from evidence.redaction.documents import Documents
from evidence.redaction.finding import Finder
from evidence.redaction.loading import built_in
from evidence.redaction.replacing import Place, Region, Replacer, Tokens
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


class _Noting(Replacer):
    """Notes what it replaces."""

    noted: list[tuple[str, str]]

    def replaced(self, text: bytes, regions: Iterable[Region]) -> bytes:
        regions = list(regions)
        self.noted += [(region.detector.id, text[region.start : region.end].decode()) for region in regions]
        return super().replaced(text, regions)


@cache
def rows() -> list[dict[str, Any]]:
    """The rows of the corpus."""
    read: list[dict[str, Any]] = json.loads(CORPUS.read_text("utf-8"))
    return read


def found(row: dict[str, Any], replacer: _Noting) -> Counter[tuple[str, str]]:
    """Detector and value of everything that is found in a row's document."""
    replacer.noted = []
    Documents(replacer).redacted(json.dumps(row["document"], ensure_ascii=False).encode(), Place())
    return Counter(replacer.noted)


@cache
def measured() -> dict[str, Measured]:
    """For each detector, over the corpus."""
    return _measured(rows())


@cache
def over(seed: int) -> dict[str, Measured]:
    """For each detector, over values that are drawn with another seed."""
    return _measured(drawn_rows(seed))


def _measured(judged: Iterable[dict[str, Any]]) -> dict[str, Measured]:
    replacer = _Noting(Finder(built_in()), Choices(), Tokens(b"", ""))
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
