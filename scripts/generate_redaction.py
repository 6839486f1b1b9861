"""Keeps the tables of docs/redaction.md: what is found, how right it is, and what is hidden from it.

python scripts/generate_redaction.py           write them anew
python scripts/generate_redaction.py --check   exit 1 if they are not what the detectors and the corpus say
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from evidence.redaction.loading import built_in
from evidence.redaction.redactor import Redactor
from scripts.made_page import keep
from tests.evidence.redaction.hiding import FOUND, MISSED
from tests.vectors.redaction.measure import measured, table

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "redaction.md"
SAMPLE: Final = '{"arguments": {"to": "ann@mail.example", "note": "paid with 4111 1111 1111 1111"}}'
_MADE: Final = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


def _rows(lines: Iterable[Iterable[str]]) -> str:
    heading, *rest = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([heading, "|" + " --- |" * (heading.count("|") - 1), *rest]) + "\n"


def _detectors() -> str:
    found = [[f"`{one.id}`", one.kind, one.title] for one in built_in()]
    return _rows([["id", "kind", "finds"], *found])


def _measured() -> str:
    heading, *lines = table(measured())
    kept = [[f"`{id}`" if kind else id, *numbers] for id, kind, _, *numbers in lines]
    return _rows([[heading[0], *heading[3:]], *kept])


def _hidden() -> str:
    found = [[one.how, "found"] for one in FOUND] + [[one.how, "**not found**"] for one in MISSED]
    return _rows([["a value with, or as", ""], *found])


def _sample() -> str:
    left = Redactor(b"", "").document(SAMPLE.encode()).decode()
    told = "/arguments/to: email (contact) mask\n/arguments/note: card (financial) mask"
    return f"```\n$ echo '{SAMPLE}' | agentgate redact -\n{left}\n{told}\n```\n"


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "detectors": _detectors,
    "measured": _measured,
    "hidden": _hidden,
    "sample": _sample,
}


def page() -> str:
    """The page with its tables as they must be."""
    return _MADE.sub(lambda part: part[1] + PARTS[part[2]]() + part[3], PAGE.read_text("utf-8"))


if __name__ == "__main__":
    sys.exit(keep(PAGE, page()))
