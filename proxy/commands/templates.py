"""`policy init|suggest`: what to begin with: a policy made of templates, grants made of what was recorded."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from evidence.problem import Problem
from proxy.commands.command import place_arguments, places_of
from proxy.settings.problems import ConfigProblems

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def arguments(below: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare both on the parser of `policy`."""
    init = below.add_parser("init", help="write a policy made of templates, or list these")
    init.usage = "agentgate policy init (--list [--json] | --template NAME[,NAME...] DIR)"
    add = init.add_argument
    add("folder", type=Path, metavar="DIR", nargs="?", help="where to write it; new or empty")
    add("--template", metavar="NAME,...", action="append", default=[], help="the templates, the most telling one first")
    add("--list", action="store_true", dest="as_list", help="what there is")
    add("--json", action="store_true", dest="as_json", help="list it as JSON")
    suggest = below.add_parser("suggest", help="the narrowest grants that recorded calls would need, for review")
    place_arguments(suggest)
    add = suggest.add_argument
    add("--evidence", metavar="DIR", help="evidence folder (default: that of the configuration)")
    add("--key", type=Path, metavar="FILE", help="a tenant's private key: opens arguments, and gives them rules")
    add("--json", action="store_true", dest="as_json", help="print what can stand as grants.json")


def init(given: argparse.Namespace) -> int:
    """Write the folder, or list the templates. Raises ConfigProblems."""
    from policy.templating import run_list

    if given.as_list:
        return run_list(as_json=given.as_json, out=sys.stdout)
    names = [name for text in given.template for name in text.split(",")]
    if not names or given.folder is None:
        remedy = "Write for example: agentgate policy init --template read-only-low-risk policy"
        raise ConfigProblems((Problem("policy init", "needs templates and a folder, or --list", remedy),))
    return _written(names, given.folder)


def _written(names: list[str], folder: Path) -> int:
    from policy.templating import NoTemplate, NotEmpty, run_init

    try:
        return run_init(names, folder, sys.stdout)
    except NoTemplate as error:
        remedy = "agentgate policy init --list shows what there is."
        raise ConfigProblems((Problem("--template", str(error), remedy),)) from error
    except NotEmpty as error:
        raise ConfigProblems((Problem("DIR", str(error), "Name a folder that is new or empty."),)) from error
    except OSError as error:
        remedy = "Name a folder that can be written."
        raise ConfigProblems((Problem("DIR", f"{error.filename}: {error.strerror}", remedy),)) from error


def suggest(given: argparse.Namespace) -> int:
    """Print grants for what was recorded. Raises ConfigProblems."""
    from policy.suggesting.command import run_suggest

    folder = places_of(given, given.evidence).evidence
    return run_suggest(folder, key=given.key, as_json=given.as_json, out=sys.stdout)


RUN = {"init": init, "suggest": suggest}
"""By the names of the commands."""
