"""`agentgate exceptions issue|add|list|revoke`: what is allowed to somebody for a while, signed."""

import argparse
import re
import sys
from pathlib import Path
from typing import Final

from evidence.problem import Problem
from proxy.commands.command import Command, ends_with_its_reader, exception_trust_of, place_arguments, places_of
from proxy.commands.scoping import rule_arguments, rules_of, scope_arguments
from proxy.login import operator_name
from proxy.settings.problems import ConfigProblems

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST: Final = 10 * 366 * 86400


def _arguments(parser: argparse.ArgumentParser) -> None:
    below = parser.add_subparsers(metavar="issue|add|list|revoke", dest="what", required=True)
    _issue_arguments(below.add_parser("issue", help="sign an exception and put it in force"))
    adding = below.add_parser("add", help="put in force what was signed elsewhere")
    place_arguments(adding)
    adding.add_argument("file", metavar="FILE", type=Path, help="what `issue --out` wrote")
    listing = below.add_parser("list", help="which exceptions there are, and which do not count")
    place_arguments(listing)
    listing.add_argument("--json", action="store_true", dest="as_json", help="one JSON object a line")
    revoking = below.add_parser("revoke", help="end an exception for good")
    place_arguments(revoking)
    revoking.add_argument("id", metavar="ID", help="the exception's id, or its first characters")


def _issue_arguments(parser: argparse.ArgumentParser) -> None:
    place_arguments(parser)
    scope_arguments(parser)
    add = parser.add_argument
    add("--agent", metavar="NAME", required=True, help="for which agent (* means any)")
    add("--for", metavar="TIME", dest="seconds", required=True, help="how long: 30m, 4h, 1d")
    add("--reason", metavar="TEXT", required=True, help="why; it is kept with the exception")
    add("--tenant", metavar="NAME", default="default", help="of which tenant (default: default; * means any)")
    rule_arguments(parser)
    add("--from", metavar="SECONDS", type=int, dest="begins", help="when it begins, in seconds since 1970")
    add("--key", metavar="ID=FILE", help="sign with this private key (PEM), by which policy.exception_keys names it")
    add("--out", metavar="FILE", type=Path, help="write it there, to be added elsewhere, and put nothing in force")


def _run(given: argparse.Namespace) -> int:
    ends_with_its_reader()
    from policy import exception_commands

    state, trust = places_of(given).state, exception_trust_of(given)
    match given.what:
        case "issue":
            return _issue(given)
        case "add":
            return exception_commands.run_add(state, given.file, trust, sys.stdout)
        case "list":
            return exception_commands.run_list(state, trust, sys.stdout, as_json=given.as_json)
    return exception_commands.run_revoke(state, given.id, sys.stdout)


def _issue(given: argparse.Namespace) -> int:
    from policy.exception_commands import Wish, run_issue

    wish = Wish(
        tenant=given.tenant,
        agent=given.agent,
        upstream=given.upstream,
        method=given.method,
        name=given.item,
        seconds=_seconds(given.seconds),
        reason=given.reason,
        issuer=operator_name(),
        begins=given.begins,
        arguments=rules_of(given),
        closed=given.closed,
    )
    state, trust = places_of(given).state, exception_trust_of(given)
    return run_issue(state, wish, trust, sys.stdout, key=_key(given.key), to=given.out)


def _seconds(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise ConfigProblems((Problem("--for", f"{text} is no time", "Write for example 30m, 4h or 1d."),))
    return seconds


def _key(text: str | None) -> tuple[str, Path] | None:
    if text is None:
        return None
    keyid, equals, file = text.partition("=")
    if not (keyid and equals and file):
        raise ConfigProblems((Problem("--key", f"{text}: not ID=FILE", "Write --key ops-2026=ops-2026.key."),))
    return keyid, Path(file)


COMMANDS: Final = {"exceptions": Command(_arguments, _run)}
