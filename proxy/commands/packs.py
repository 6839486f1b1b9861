"""`pack`: evidence in one file for somebody who has nothing else of ours. Only `--central` loads network code."""

import argparse
import sys
from pathlib import Path
from typing import Final

from proxy.commands.command import Command, ends_with_its_reader, place_arguments, places_of
from proxy.commands.trusting import given_for_pack, identity_arguments, log_arguments

_USAGE: Final = 64


def _arguments(parser: argparse.ArgumentParser) -> None:
    below = parser.add_subparsers(metavar="export|show|html", dest="what", required=True)
    _export_arguments(below.add_parser("export", help="make a pack out of an evidence folder", allow_abbrev=False))
    show = below.add_parser("show", help="the calls of a pack, after a check", allow_abbrev=False)
    page = below.add_parser("html", help="a pack as one page for a browser or for paper", allow_abbrev=False)
    page.add_argument("--out", type=Path, metavar="FILE", help="the page to write (default: PACK with .html)")
    for reading in (show, page):
        reading.add_argument("pack", type=Path, metavar="PACK", help="a file that `pack export` has written")
        identity_arguments(reading)
        log_arguments(reading)


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    place_arguments(parser)
    add = parser.add_argument
    add("target", nargs="?", type=Path, metavar="PACK", help="the file to write, as in `refunds.agentgate`")
    add("--out", type=Path, metavar="PACK", help="the same")
    add("--evidence", metavar="DIR", help="evidence folder (default: that of the configuration)")
    add("--session", metavar="PSEUDONYM", help="calls of this session, as `records --json` names it")
    add("--agent", metavar="NAME", help="calls of this agent")
    add("--call", metavar="ID", help="the one call whose id begins so")
    add("--from", dest="since", metavar="TIME", help="records from this time on (RFC 3339; UTC if it says no zone)")
    add("--until", metavar="TIME", help="records before this time")
    add("--tenant", metavar="NAME", help="only of this tenant: needed where the folder has several")
    add("--key", "--tenant-key", type=Path, metavar="FILE", help="the tenant's private key: open what was sealed")
    add("--log", type=Path, metavar="DIR", help="the files of the log (`checkpoint`, `tile/`): adds proofs")
    add("--by", metavar="NAME", help="who exports it (default: the user's name)")
    add("--json", action="store_true", dest="as_json", help="what was written, as JSON")
    add("--central", metavar="URL", help="instead of a folder: central, as its readers reach it")
    add("--token-file", type=Path, metavar="FILE", help="of central: the file with the reader's token")
    add("--incident", metavar="NO", help="of central: what was recorded a minute before and after an incident")


def _pack(given: argparse.Namespace) -> int:
    ends_with_its_reader()
    if given.what == "export":
        return _export(given)
    from evidence.pack.showing import run_html, run_show

    if given.what == "show":
        return run_show(given.pack, given_for_pack(given), sys.stdout)
    target = given.out or given.pack.with_suffix(".html")
    return run_html(given.pack, target, given_for_pack(given), sys.stdout)


def _export(given: argparse.Namespace) -> int:
    import getpass

    from evidence.clock import SystemClock
    from evidence.pack.packs import Wanted, run_export
    from evidence.version import own_version

    if (problem := _amiss(given)) is not None:
        sys.stdout.write(f"agentgate pack: {problem}\n")
        return _USAGE
    given.target = given.target or given.out
    if given.central is not None:
        from proxy.pack_of_central import run_central_export

        return run_central_export(given, clock=SystemClock(), agentgate=own_version(), out=sys.stdout)
    names = ("target", "session", "agent", "call", "since", "until", "tenant", "key", "log")
    wanted = Wanted(
        folder=places_of(given, given.evidence).evidence,
        by=given.by or getpass.getuser(),
        **{name: getattr(given, name) for name in names},
    )
    return run_export(wanted, clock=SystemClock(), agentgate=own_version(), as_json=given.as_json, out=sys.stdout)


def _amiss(given: argparse.Namespace) -> str | None:
    """What of the flags does not go together."""
    if (given.target is None) is (given.out is None):
        return "say once where to: PACK, or --out PACK"
    if given.central is None:
        alone = given.token_file is not None or given.incident is not None
        return "--token-file and --incident are for --central" if alone else None
    if given.token_file is None:
        return "--central needs --token-file FILE"
    if given.evidence is not None or given.log is not None:
        return "--central takes no --evidence and no --log: it has both"
    if given.incident is not None and (given.since or given.until):
        return "an incident has its own time: give no --from and --until"
    return None


COMMANDS: Final = {"pack": Command(_arguments, _pack)}
