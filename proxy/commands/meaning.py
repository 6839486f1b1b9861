"""`explain`: what a code means, and what each side can do about it."""

import argparse
import sys
from typing import Final

from proxy.commands.command import Command, ends_with_its_reader


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("code", nargs="?", metavar="CODE", help="a reason, a JSON-RPC code, an exit code, … (default: list them all)")
    add("--json", action="store_true", dest="as_json", help="one JSON object a line")


def _explain(given: argparse.Namespace) -> int:
    from proxy.errors.book import run_explain

    ends_with_its_reader()
    return run_explain(given.code, as_json=given.as_json, out=sys.stdout)


COMMANDS: Final = {"explain": Command(_arguments, _explain)}
