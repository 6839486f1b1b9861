"""`config` and `wrap-config`: our own configuration, and that of MCP clients."""

import argparse
import sys
from pathlib import Path
from typing import Final

from proxy.commands.command import Command, ends_with_its_reader, flags_of, sidecar_arguments


def _config_arguments(parser: argparse.ArgumentParser) -> None:
    below = parser.add_subparsers(metavar="check|reference", dest="what", required=True)
    sidecar_arguments(below.add_parser("check", help="everything that is wrong with a sidecar's configuration"))
    reference = below.add_parser("reference", help="every key that there is, as Markdown")
    reference.add_argument("--check", type=Path, metavar="FILE", help="compare with FILE, exit 1 if it differs")


def _config(given: argparse.Namespace) -> int:
    ends_with_its_reader()
    if given.what == "reference":
        from proxy.settings.reference import run_reference

        return run_reference(given.check, sys.stdout)
    from proxy.config import environment
    from proxy.settings.checking import run_check

    return run_check(flags_of(given), environment(), sys.stdout)


def _wrap_config_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the client's configuration file")
    parser.add_argument("--undo", action="store_true", help="take AgentGate out again, exactly")
    parser.add_argument("--dry-run", action="store_true", help="show the change as a diff and write nothing")


def _wrap_config(given: argparse.Namespace) -> int:
    from proxy.wrap_config import run_wrap_config

    ends_with_its_reader()
    return run_wrap_config(given.file, undo=given.undo, dry_run=given.dry_run, out=sys.stdout)


COMMANDS: Final = {
    "config": Command(_config_arguments, _config),
    "wrap-config": Command(_wrap_config_arguments, _wrap_config),
}
