"""Writes docs/errors.md: every code from proxy/errors, and every text of a bad configuration from proxy/settings.

python scripts/generate_errors.py           rewrite the page
python scripts/generate_errors.py --check   exit 1 if it is not what the code says
"""

import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Final

from proxy.errors.book import ENTRIES
from proxy.errors.entry import Entry, Family
from scripts.made_page import keep
from scripts.problem_texts import Text, exception_texts, policy_texts, server_texts, start_texts, unfit_texts

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "errors.md"

_HEAD: Final = """\
# Errors, and what to do about them

Every code that AgentGate gives: in an answer to an agent, in evidence, as the end of a command. `agentgate explain
CODE` prints the same on the command line (`--json` for programs); without a code it lists them all. This page is made
from the same tables.

    agentgate explain not_granted

A refusal carries its code in `data.code` of the JSON-RPC error, or in `_meta` of the tool's result, beside a
`reference`: `agentgate records --call REFERENCE` shows its record, with `--key` what was sealed in it, too. The column
*agent* says what the agent and its MCP client can do; what the operator can do is never said to an agent. A policy of
your own gives reasons of its own besides these, and [path.md](path.md) has the shapes of all answers.
"""

_CONFIGURATION: Final = """
## Problems of a configuration

Each is printed on two lines: flag or file and key with what is wrong, and what to write. All are reported at once, the
exit code is 64, and nothing was started. Words in capitals stand for what was found.
[configuration.md](configuration.md) has every key.

"""
_CENTRAL: Final = """
## Problems of a configuration of central

As above, of `agentgate central`: its file, its flags, `sidecars.toml` and `readers.toml`, which
[central.md](central.md) has. A value of another type, or beyond its bounds, is told with those that fit.

"""
_POLICIES: Final = """
## Problems of a policy

For each of these a policy, or the file of grants, does not become active: at the start (`PolicyRefused`, 64), in
`agentgate policy check` (1), and while a sidecar runs, which then keeps the one before. What OPA's own check adds is in
OPA's words. [policy.md](policy.md) says what a policy must have.

"""
_SERVERS: Final = """
## Problems of a bundle server

Each follows the URL of the server without its query: at a start and in `policy verify URL` (69, or 1 where what it gave
can be no bundle), in `/readyz`, and in a notice while a sidecar runs. What the server gave last goes on deciding.
[policy.md](policy.md) says how a server is asked; [configuration.md](configuration.md) has each key of `policy.server`.

"""
_EXCEPTIONS: Final = """
## Problems of exceptions

For each of these an exception does not count, and the rule that it would have lifted stands. `agentgate config check`
(64) and `agentgate exceptions list` tell them, and so do `/readyz` and a notice while a sidecar runs.
[policy.md](policy.md#exceptions) says what an exception is.

"""
_STARTS: Final = """
## Texts of failed starts

What the operating system says stands as it says it; these are AgentGate's own words.

"""

_SECTIONS: Final[Mapping[Family, tuple[str, str]]] = {
    Family.DENIED: ("Refused by policy", "A decision was taken, and it does not let the call pass."),
    Family.UNDECIDED: ("No answer of policy", "There is no decision that counts, and so the call is refused."),
    Family.HELD: ("Refused by the sidecar", "The sidecar cannot take the call, cannot record it, or nobody waits."),
    Family.UPSTREAM: (
        "The tool server's fault",
        "The tool server is not there, or its answer is not one that may pass. The call may have been executed; the "
        "outcome in evidence says what is known.",
    ),
    Family.STRICT: (
        "Strict reading",
        "Bytes that two readers could read differently are refused before anybody decides on them. `data.rule` repeats "
        "the code.",
    ),
    Family.ALLOWED: ("Reasons of what was allowed", "No errors: the reasons in the records of calls that passed."),
    Family.OUTCOME: (
        "Reasons of outcomes",
        "Why a call that was not refused ended as it did. A call that failed, or was not sent, on one of the refusals "
        "above has that code as its reason.",
    ),
    Family.NOTICE: ("Events of notices", "What the records of kind `notice` note."),
    Family.REASON: ("Reasons in other records", "Where a code of evidence belongs to neither a call nor a decision."),
    Family.RPC: ("JSON-RPC error codes", "The number in `error.code`; `data.code` says more."),
    Family.HTTP: ("HTTP statuses", "What AgentGate itself answers; a tool server's own status passes as it came."),
    Family.CENTRAL: (
        "Answers of central",
        "`code` in what central answers to sidecars and readers; `error` beside it says more. A batch that is put "
        "aside is answered with the kind of its incident.",
    ),
    Family.INCIDENT: (
        "Incidents of central",
        "What central met that should not be: `kind` in `/v1/incidents`, and in packs about it. Those with a status "
        "are the answer to the batch as well.",
    ),
    Family.EXIT: ("Exit codes", "How every command ends."),
    Family.START: (
        "Failures of commands",
        "The last line that is printed names the kind: `(agentgate explain KIND has more)`.",
    ),
}
_ORDER: Final = list(_SECTIONS)


def page() -> str:
    """The whole page."""
    ordered = sorted(ENTRIES, key=lambda entry: _ORDER.index(entry.family))
    sections = (_section(family, list(entries)) for family, entries in groupby(ordered, lambda entry: entry.family))
    return "".join((_HEAD, *sections, *_configuration(), *_policies(), *_servers(), *_exceptions(), *_starts()))


def _section(family: Family, entries: list[Entry]) -> str:
    title, text = _SECTIONS[family]
    said = [name for name in ("shows", "meaning", "agent", "operator") if _says(name, entries)]
    head = ["code", *said]
    rows = (_row([f"`{entry.code}`", *(getattr(entry, name) for name in head[1:])]) for entry in entries)
    return f"\n## {title}\n\n{text}\n\n{_row(head)}{'| --- ' * len(head)}|\n{''.join(rows)}"


def _says(column: str, entries: list[Entry]) -> bool:
    """Whether a column of the section says more than its code and its title do."""
    texts = {str(getattr(entry, column)) for entry in entries}
    return not texts <= {"evidence", "Nothing.", "Nothing: no agent meets it."} and (
        column != "shows" or not all(entry.shows.endswith(f" {entry.code}") for entry in entries)
    )


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _configuration() -> Iterator[str]:
    yield _CONFIGURATION
    yield from _texts(("problem", "what to write"), unfit_texts(ROOT))
    yield _CENTRAL
    yield from _texts(("problem", "what to write"), unfit_texts(ROOT, central=True))


def _policies() -> Iterator[str]:
    yield _POLICIES
    yield _row(["problem"]) + "| --- |\n"
    yield from (_row([text]) for text in policy_texts(ROOT))


def _servers() -> Iterator[str]:
    yield _SERVERS
    yield _row(["problem"]) + "| --- |\n"
    yield from (_row([text]) for text in server_texts(ROOT))


def _exceptions() -> Iterator[str]:
    yield _EXCEPTIONS
    yield from _texts(("problem", "what to do"), exception_texts(ROOT))


def _starts() -> Iterator[str]:
    yield _STARTS
    yield from _texts(("kind", "text"), start_texts(ROOT))


def _texts(head: tuple[str, str], texts: list[Text]) -> Iterator[str]:
    yield _row(list(head)) + "| --- | --- |\n"
    yield from (_row(list(text)) for text in texts)


def main() -> int:
    """Exit code 1 with --check if the page differs."""
    return keep(PAGE, page())


if __name__ == "__main__":
    sys.exit(main())
