"""`records`, `verify` and `evidence`: what happened, whether it is true, what is to be gone. Loads no network code."""

import argparse
import gc
import sys
from pathlib import Path
from typing import Final

from proxy.commands.command import Command, ends_with_its_reader, place_arguments, places_of
from proxy.commands.trusting import given_for_pack, identity_arguments, log_arguments

_USAGE: Final = 64


def _records_arguments(parser: argparse.ArgumentParser) -> None:
    place_arguments(parser)
    add = parser.add_argument
    add("folder", nargs="?", type=Path, metavar="DIR", help="evidence folder (default: that of the configuration)")
    add("--call", metavar="ID", help="only the records of the call whose id begins so")
    add("--open", action="store_true", dest="only_open", help="only calls without an outcome")
    add("--follow", action="store_true", help="go on with records as they come")
    add("--json", action="store_true", dest="as_json", help="one JSON object a line")
    add("--key", type=Path, metavar="FILE", help="a tenant's private key: show what was sealed, too")


def _records(given: argparse.Namespace) -> int:
    from evidence.reading import run_records

    ends_with_its_reader()
    return run_records(
        given.folder or places_of(given).evidence,
        call=given.call,
        only_open=given.only_open,
        follow=given.follow,
        as_json=given.as_json,
        key=given.key,
        out=sys.stdout,
    )


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="an evidence folder, a chain in it, a pack")
    identity_arguments(parser)
    log_arguments(parser)
    parser.add_argument(
        "--complete",
        nargs=2,
        metavar=("FROM", "TO"),
        help="for folders: whether nothing is missing between two times (RFC 3339), as the evidence can prove it",
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="print the report as JSON")


def _verify(given: argparse.Namespace) -> int:
    ends_with_its_reader()
    # A check makes no cycles, and its table of calls would be walked over again and again in search of them.
    gc.disable()
    if any(path.is_file() for path in given.paths):
        if given.complete is not None:
            sys.stdout.write("agentgate verify: --complete is for evidence folders: a pack has what was asked for\n")
            return _USAGE
        return _verify_pack(given)
    if given.log_key or given.witness_key or given.witnesses is not None or given.sha256 is not None:
        sys.stdout.write("agentgate verify: --log-key, --witness-key, --witnesses and --sha256 are for a pack\n")
        return _USAGE
    from evidence.verify import run_verify

    return run_verify(
        given.paths,
        key=given.key,
        receipt_keys=given.receipt_key,
        histories=given.key_history,
        complete=given.complete,
        as_json=given.as_json,
        out=sys.stdout,
    )


def _verify_pack(given: argparse.Namespace) -> int:
    from evidence.pack.verifying import run_verify_pack

    if len(given.paths) > 1:
        sys.stdout.write("agentgate verify: a pack is checked alone: give one file\n")
        return _USAGE
    return run_verify_pack(given.paths[0], given_for_pack(given), as_json=given.as_json, out=sys.stdout)


def _evidence_arguments(parser: argparse.ArgumentParser) -> None:
    place_arguments(parser)
    add = parser.add_argument
    add("what", choices=("erase",), help="erase: take wrapped data keys out of the spool of a sidecar that is stopped")
    add("folder", nargs="?", type=Path, metavar="DIR", help="evidence folder (default: that of the configuration)")
    add("--key-id", action="append", default=[], metavar="ID", help="the id of a key, as `central erase` names it")
    add("--unit", action="append", default=[], metavar="PSEUDONYM", help="all keys of an erasure unit, likewise")
    add("--json", action="store_true", dest="as_json", help="print what is gone as JSON")


def _evidence(given: argparse.Namespace) -> int:
    from evidence.forgetting import run_forget

    folder = given.folder or places_of(given).evidence
    return run_forget(folder, keys=given.key_id, units=given.unit, as_json=given.as_json, out=sys.stdout)


COMMANDS: Final = {
    "evidence": Command(_evidence_arguments, _evidence),
    "records": Command(_records_arguments, _records),
    "verify": Command(_verify_arguments, _verify),
}
