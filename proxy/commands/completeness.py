"""`completeness`: whether anything is missing between two times, asked of central, or of an evidence folder offline."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from evidence.printable import printable
from evidence.spans import NoTime, read_span
from proxy.commands.command import Command, ends_with_its_reader
from proxy.reading_central import CentralReader, Unanswered

_COMPLETE: Final = 0
_NOT_COMPLETE: Final = 1
_USAGE: Final = 64
_UNAVAILABLE: Final = 69


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("folder", nargs="?", type=Path, metavar="DIR", help="an evidence folder, which is checked first; or:")
    add("--central", metavar="URL", help="central, as its readers reach it")
    add("--token-file", type=Path, metavar="FILE", help="the file with the reader's token")
    add("--from", dest="begins", metavar="TIME", required=True, help="since when (RFC 3339)")
    add("--to", dest="ends", metavar="TIME", required=True, help="until when")
    add("--sidecar", metavar="ID", help="of central: of this sidecar alone")
    add("--key", metavar="KEY", help="of a folder: the sidecar's public key (base64, or a file), known beforehand")
    add("--json", action="store_true", dest="as_json", help="print the answer as JSON")


def _run(given: argparse.Namespace) -> int:
    ends_with_its_reader()
    if (given.folder is None) is (given.central is None):
        return _refused("name an evidence folder, or --central URL", _USAGE)
    try:
        read_span(given.begins, given.ends)
    except NoTime as error:
        return _refused(error, _USAGE)
    if given.folder is not None:
        return _of_folder(given)
    if given.token_file is None or given.key is not None:
        return _refused("--central needs --token-file FILE, and takes no --key", _USAGE)
    try:
        answer = _asked(given)
    except Unanswered as error:
        return _refused(error, error.code)
    if given.as_json:
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{printable(line)}\n" for line in _lines(answer, given))
    return _COMPLETE if answer["complete"] is True else _NOT_COMPLETE


def _of_folder(given: argparse.Namespace) -> int:
    if given.token_file is not None or given.sidecar is not None:
        return _refused("--token-file and --sidecar are for --central", _USAGE)
    from evidence.verify import run_verify

    times = (given.begins, given.ends)
    return run_verify([given.folder], key=given.key, as_json=given.as_json, out=sys.stdout, complete=times)


def _asked(given: argparse.Namespace) -> dict[str, Any]:
    """The whole answer, in as many parts as it comes in: complete is what has chains, none of which lacks anything."""
    query = {"since": given.begins, "until": given.ends, **({"sidecar": given.sidecar} if given.sidecar else {})}
    central = CentralReader(given.central, given.token_file)
    whole = part = _part(central, query)
    while part.get("after") is not None:
        part = _part(central, {**query, "after": str(part["after"])})
        whole["chains"] += part["chains"]
    found = bool(whole["chains"]) and not any(chain["lacks"] for chain in whole["chains"])
    return {**{name: whole.get(name) for name in ("since", "until")}, "complete": found, "chains": whole["chains"]}


def _part(central: CentralReader, query: Mapping[str, str]) -> dict[str, Any]:
    found = central.asked("/v1/completeness", query)
    if not isinstance(found.get("chains"), list) or "complete" not in found:
        raise Unanswered("what answers is no central", _UNAVAILABLE)
    return found


def _lines(answer: Mapping[str, Any], given: argparse.Namespace) -> Iterator[str]:
    yield f"{'sidecar':24} {'chain':16} {'first':>8} {'last':>8} {'signed':>8} {'lives':>5} {'silent':>6}  lacks"
    for chain in answer["chains"]:
        lacks = ", ".join(lack["code"] for lack in chain["lacks"]) or "nothing"
        numbers = f"{chain['first']:>8} {chain['last']:>8} {chain['signed']:>8}"
        counts = f"{len(chain['lives']):>5} {len(chain['silences']):>6}"
        yield f"{chain['sidecar']:24} {chain['chain'][:16]} {numbers} {counts}  {lacks}"
        yield from (f"  record {lack['seq']}: {lack['what']}" for lack in chain["lacks"])
    if not answer["chains"]:
        yield f"NOT COMPLETE: there is no record between {given.begins} and {given.ends}"
    else:
        found = "nothing is missing" if answer["complete"] is True else "NOT COMPLETE:"
        yield f"{found} between {given.begins} and {given.ends}"


def _refused(what: object, code: int) -> int:
    sys.stdout.write(f"agentgate completeness: {printable(what)}\n")
    return code


COMMANDS: Final = {"completeness": Command(_arguments, _run)}
