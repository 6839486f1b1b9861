"""`policy init`: a policy to begin with, made of templates."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.settings.problems import ConfigProblems, Problem

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def arguments(below: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare it on the parser of `policy`."""
    init = below.add_parser("init", help="write a policy made of templates, or list these")
    init.usage = "agentgate policy init (--list [--json] | --template NAME[,NAME...] DIR)"
    add = init.add_argument
    add("folder", type=Path, metavar="DIR", nargs="?", help="where to write it; new or empty")
    add("--template", metavar="NAME,...", action="append", default=[], help="the templates, the most telling one first")
    add("--list", action="store_true", dest="as_list", help="what there is")
    add("--json", action="store_true", dest="as_json", help="list it as JSON")


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


RUN = {"init": init}
"""By the names of the commands."""
