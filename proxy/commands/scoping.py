"""Which calls a command is about, as grants and exceptions say it: upstream, method, name, rules for arguments."""

import argparse
from typing import TYPE_CHECKING, Any, Final

from evidence.problem import Problem
from proxy.settings.problems import ConfigProblems

if TYPE_CHECKING:
    from collections.abc import Mapping

_RULES: Final = "path=under:/srv,/data  amount=max:100  verb=one_of:a,b  q=sql:select  x=prefix:a  note=optional"
_REMEDY: Final = "Write for example --argument path=under:/srv or --argument amount=max:100."


def scope_arguments(parser: argparse.ArgumentParser) -> None:
    """Where something is called, and what."""
    add = parser.add_argument
    add("upstream", metavar="UPSTREAM", help="the upstream's name, or *")
    add("item", metavar="NAME", help="tool, URI or prompt; * at the end means any that begins so")
    add("--method", metavar="METHOD", default="tools/call", help="what is done with it (default: tools/call)")


def rule_arguments(parser: argparse.ArgumentParser) -> None:
    """With which arguments it is called."""
    add = parser.add_argument
    add("--argument", metavar="NAME=RULE:VALUE", action="append", default=[], help=_RULES)
    add("--closed", action="store_true", help="refuse arguments for which there is no rule")


def rules_of(given: argparse.Namespace) -> "Mapping[str, Mapping[str, Any]]":
    """The rules that `rule_arguments` declares. Raises ConfigProblems."""
    from policy.argument_rules import parse_arguments

    try:
        return parse_arguments(given.argument)
    except ValueError as error:
        raise ConfigProblems((Problem("--argument", str(error), _REMEDY),)) from error
