"""The flags of `agentgate central erase|purge|hold|pack`, which load nothing."""

import argparse
from typing import Final

VERBS: Final = ("erase", "purge", "hold", "pack")
HOLD_ACTIONS: Final = ("add", "list", "release")


def erasure_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags; `action`, `--id` and `--json` are declared for all of central."""
    add = parser.add_argument_group("of erase, purge, hold and pack").add_argument
    add("--tenant", metavar="NAME", help="whose evidence; nothing reaches another tenant's")
    add("--session", metavar="PSEUDONYM", action="append", default=[], help="a session, as `session` of its records")
    add("--subject", metavar="PSEUDONYM", action="append", default=[], help="a user, as `user` of `caller` of records")
    add("--unit", metavar="PSEUDONYM", action="append", default=[], help="an erasure unit, as `unit` of its keys")
    add("--agent", metavar="NAME", help="hold add: only what this agent did")
    add("--from", metavar="TIME", dest="from_at", help="hold add: only from then on (RFC 3339)")
    add("--until", metavar="TIME", dest="until_at", help="hold add: only until then (RFC 3339)")
    add("--digest", metavar="HEX", help="pack: note this one, by its SHA-256, with the --unit of all whose text it has")
    add("--reason", metavar="TEXT", help="why; it stays in the chain, in the clear: name a ticket, not a person")
    add("--by", metavar="NAME", help="who asks (default: the user that runs this)")
    add("--dry-run", action="store_true", help="tell what would be destroyed, and destroy nothing")
