"""The flags of `agentgate central check`, which load nothing."""

import argparse
from typing import Final

VERB: Final = "check"


def check_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags; `--json` is declared for all of central."""
    add = parser.add_argument_group("of check").add_argument
    add(
        "--log-key",
        metavar="KEY",
        action="append",
        default=[],
        dest="log_keys",
        help="a verifier key of the log that you keep elsewhere (default: those in the state folder); repeatable",
    )
    add(
        "--checkpoint",
        metavar="FILE",
        action="append",
        default=[],
        dest="kept",
        help="a checkpoint of the log that you keep elsewhere: the published log has to continue it; repeatable",
    )
