"""`redact`: what evidence keeps of a sample."""

import argparse
import sys
from pathlib import Path
from typing import Final

from proxy.commands.command import Command, ends_with_its_reader


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", type=Path, metavar="FILE|-", help="a sample: arguments, a result, a whole message, or plain text")
    add("-c", "--config", metavar="FILE", help="the configuration whose [evidence.redaction] counts (default: none)")
    add("--tool", default="", metavar="UPSTREAM/NAME", help="the tool that the sample is a call of, for its rules")
    add("--json", action="store_true", dest="as_json", help="what is left and what was found, as JSON")


def _redact(given: argparse.Namespace) -> int:
    from proxy.config import environment, read_redaction_alone
    from proxy.sampling import run_redact
    from proxy.settings.flags import Flags

    ends_with_its_reader()
    config = read_redaction_alone(Flags(config=given.config), environment())
    return run_redact(config, given.file, tool=given.tool, as_json=given.as_json, out=sys.stdout)


COMMANDS: Final = {"redact": Command(_arguments, _redact)}
