"""Writes docs/attacks.md: every row of the attack table, from the table that the tests play.

python scripts/generate_attacks.py           rewrite the page
python scripts/generate_attacks.py --check   exit 1 if it is not what the table says
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Final

from scripts.made_page import keep
from tests.attacks.elsewhere import ELSEWHERE, KNOWN_MISSES, NOT_BUILT
from tests.attacks.row import KnownMiss, NotBuilt, Row
from tests.attacks.table import ROWS

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "attacks.md"

_HEAD: Final = """\
# Attacks

What has happened to systems of this kind, and what has to come of it here. Each row is played over real sockets and
pipes, against a running `agentgate sidecar` or `agentgate wrap` with a tool server behind it that keeps all that
reaches it. What is refused must not arrive there; the answer carries the code and its reference, and evidence has the
same reference. At the end `agentgate verify` must be content with all that the rows have left. Rows that pass look like
their neighbours and are allowed: they must arrive, and come back, byte for byte. Bytes stand as Python spells them.

    python -m pytest tests/attacks     # plays the table; the last line counts it
    python -m tests.attacks --list     # prints it

This page is made from the table (`scripts/generate_attacks.py`). [errors.md](errors.md) has every code, and
[path.md](path.md) where on the path it is given. What real SDKs execute of the same bytes, and of others, is under
`tests/vectors/differential`.
"""
_CLASSES: Final[Mapping[str, str]] = {
    "rebinding": "DNS rebinding",
    "json": "JSON differentials",
    "batch": "Batch smuggling",
    "encoding": "Encoding",
    "mirror": "Header and body mismatch",
    "smuggling": "HTTP smuggling and exhaustion",
    "bypass": "Gateway bypass",
    "response": "Response smuggling",
    "sse": "Server-sent events",
    "stdio": "stdio framing",
    "unicode": "Unicode",
    "number": "Numbers",
    "cross-talk": "Session cross-talk",
    "tenant": "Tenant collision",
    "reset": "Session reset",
    "ssrf": "Server-side request forgery",
    "leak": "Credential leak",
    "poisoning": "Tool poisoning",
    "kill": "Kill switch",
    "policy": "Policy plane",
    "neighbour": "Local neighbours",
    "exhaustion": "Exhaustion",
    "audit": "Audit",
    "approval": "Approvals",
    "exception": "Exceptions",
    "redaction": "Redaction",
    "limit": "Limits",
    "result": "Results",
    "memory": "Memory",
    "oauth": "OAuth",
    "replay": "Replay",
    "supply-chain": "Supply chain",
}


def page() -> str:
    """The whole page."""
    order = tuple(_CLASSES)
    rows = sorted(ROWS, key=lambda row: order.index(_class(row.name)))
    classes = groupby(rows, key=lambda row: _class(row.name))
    return "".join((_HEAD, *(_section(name, rows) for name, rows in classes), *_others()))


def _class(name: str) -> str:
    return name.partition("/")[0]


def _section(name: str, rows: Iterable[Row]) -> str:
    table = _table(("row", "sent", "expected"), ((f"`{row.name}`", row.sent, _expected(row)) for row in rows))
    return f"\n## {_CLASSES[name]}\n\n{table}"


def _expected(row: Row) -> str:
    return f"passes: {row.expected}" if row.passes and not row.expected.startswith("passes") else row.expected


def _others() -> Iterator[str]:
    yield "\n## Held by other tests\n\n"
    yield _table(("row", "held by"), ((f"`{row.name}`", f"`{row.held_by}`") for row in ELSEWHERE))
    yield "\n## Known misses\n\nWhat these attacks are on is there, and does not hold them.\n\n"
    yield _reasons(KNOWN_MISSES)
    yield "\n## Not built yet\n\nThese attacks are on parts that this version does not have.\n\n"
    yield _reasons(NOT_BUILT)


def _reasons(rows: Iterable[KnownMiss | NotBuilt]) -> str:
    cells = ((_CLASSES[_class(row.name)], f"`{row.name}`", row.reason) for row in rows)
    return _table(("class", "row", "reason"), cells)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "".join((_line(head), "| --- " * len(head) + "|\n", *(_line(row) for row in rows)))


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def main() -> int:
    """Exit code 1 with --check if the page differs."""
    return keep(PAGE, page())


if __name__ == "__main__":
    sys.exit(main())
