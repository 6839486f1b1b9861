"""Writes the differential vectors: inputs, our reading of each, and what real SDKs execute of it.

    python generate.py           feed everything to the SDKs again (the peers must be set up)
    python generate.py --check   exit 1 if inputs or our readings are not what the files say

What the SDKs execute is compared with the files by tests/differential, which runs them.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.differential.inputs import CORPORA, Input
from tests.differential.readings import as_row, by_headers, ours

HERE = Path(__file__).parent


def written(corpus: str, inputs: list[Input], readings: Any) -> list[dict[str, Any]]:
    """The rows of one file."""
    return [as_row(given, ours(corpus, given), _with_headers(corpus, given, readings[given.name])) for given in inputs]


def _with_headers(corpus: str, given: Input, readers: Any) -> Any:
    if corpus != "headers":
        return readers
    return {**readers, "first-header": by_headers(given, last=False), "last-header": by_headers(given, last=True)}


def stale() -> list[str]:
    """The files whose inputs or readings of ours differ from what the code makes."""
    return [corpus for corpus, inputs in CORPORA.items() if _ours_in(corpus) != _ours_now(corpus, list(inputs()))]


def _ours_in(corpus: str) -> list[dict[str, Any]]:
    rows = json.loads((HERE / f"{corpus}.json").read_text("utf-8"))
    return [{**row, "executed": None} for row in rows]


def _ours_now(corpus: str, inputs: list[Input]) -> list[dict[str, Any]]:
    return [{**as_row(given, ours(corpus, given), {}), "executed": None} for given in inputs]


def _measure() -> None:
    from tests.differential.peers import measured

    corpora = {corpus: list(inputs()) for corpus, inputs in CORPORA.items()}
    with tempfile.TemporaryDirectory(prefix="agentgate-differential-") as folder:
        found = measured(corpora, Path(folder))
    for corpus, inputs in corpora.items():
        rows = ",\n".join(json.dumps(row) for row in written(corpus, inputs, found[corpus]))
        (HERE / f"{corpus}.json").write_text(f"[\n{rows}\n]\n", "utf-8")


def main(arguments: list[str]) -> int:
    """1 if a check fails."""
    if "--check" not in arguments:
        _measure()
        return 0
    found = stale()
    if found:
        sys.stderr.write(f"out of date, run {Path(__file__).name}: {', '.join(found)}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
