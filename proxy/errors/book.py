"""All entries, and how one is found: `agentgate explain`."""

import difflib
import json
import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Final, TextIO

from proxy.errors.answered import HTTP, RPC
from proxy.errors.centrally import ANSWERS, INCIDENTS
from proxy.errors.decided import decided
from proxy.errors.entry import Entry, Family
from proxy.errors.recorded import NOTICES, OUTCOMES, REASONS
from proxy.errors.refused import HELD, UPSTREAM
from proxy.errors.started import EXITS, NOT_TRUE, OK, STARTS
from proxy.errors.strict import strict

_TABLES: Final = (
    decided(),
    HELD,
    UPSTREAM,
    strict(),
    OUTCOMES,
    NOTICES,
    REASONS,
    RPC,
    HTTP,
    ANSWERS,
    INCIDENTS,
    EXITS,
    STARTS,
)

ENTRIES: Final[tuple[Entry, ...]] = tuple(
    sorted((entry for table in _TABLES for entry in table), key=lambda entry: list(Family).index(entry.family))
)
"""Every code that the product can give, family by family."""

_NEAR: Final = 3
_WIDTH: Final = 100


def found(code: str) -> tuple[Entry, ...]:
    """The entries of a code, in whichever case it is spelled; none for a code that AgentGate does not give."""
    return tuple(entry for entry in ENTRIES if entry.code.lower() == code.lower())


def nearest(code: str) -> list[str]:
    """The codes that are spelled most alike, best first; none if nothing is."""
    spelled = {entry.code.lower(): entry.code for entry in ENTRIES}
    return [spelled[near] for near in difflib.get_close_matches(code.lower(), spelled, _NEAR)]


def run_explain(code: str | None, *, as_json: bool, out: TextIO) -> int:
    """`agentgate explain`: print the entries of a code, or of all: 0, or 1 for a code that there is not."""
    entries = ENTRIES if code is None else found(code)
    if not entries:
        out.write(_unknown(code or ""))
        return NOT_TRUE
    if as_json:
        out.writelines(json.dumps(entry.as_json()) + "\n" for entry in entries)
    else:
        out.writelines(_all() if code is None else "\n".join(map(_text, entries)))
    return OK


def _unknown(code: str) -> str:
    near = nearest(code)
    meant = f" Did you mean {', '.join(near)}?" if near else ""
    return f"AgentGate gives no code {code!r}.{meant}\nA policy of your own gives reasons of its own.\n"


def _text(entry: Entry) -> str:
    rows = {"meaning": entry.meaning, "agent": entry.agent, "operator": entry.operator}
    lines = (_wrapped(name, text.replace("`", "")) for name, text in rows.items())
    return f"{entry.code}  ({entry.family}; {entry.shows})\n" + "".join(lines)


def _wrapped(name: str, text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=f"  {name:9} ", subsequent_indent=" " * 12) + "\n"


def _all() -> Iterator[str]:
    for family, entries in groupby(ENTRIES, key=lambda entry: entry.family):
        yield f"{family}\n"
        yield from (f"  {entry.code:26} {entry.meaning}\n" for entry in entries)
