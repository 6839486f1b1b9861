"""The flags of `agentgate central export`, which load nothing; others of them are those of erase, purge and hold."""

import argparse
from typing import Final

VERB: Final = "export"


def export_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags; `--tenant`, `--session`, `--agent`, `--from`, `--until`, `--by` are there already."""
    add = parser.add_argument_group("of export, with --tenant, --session, --agent, --from, --until").add_argument
    add("--out", metavar="PACK", help="the file to write, as in `refunds.agentgate`")
    add("--call", metavar="ID", help="the one call whose id begins so")
    add("--incident", type=int, metavar="NO", help="what was recorded a minute before and after an incident, by number")
    add(
        "--tenant-key", metavar="FILE", help="the tenant's private key: open what was sealed; erasure does not reach it"
    )
