"""`agentgate pack export --central`: a pack that a reader makes on their own machine, out of what central has.

The tenant's private key stays here. Central notes the pack before it stands where it was asked for.
"""

import argparse
import getpass
import shutil
import tempfile
from pathlib import Path
from typing import TextIO

from evidence.clock import Clock
from evidence.pack.drafting import drafted
from evidence.pack.exporting import Exported
from evidence.pack.packs import Wanted, run_export
from evidence.pack.vocabulary import moment
from evidence.printable import printable
from proxy.fetching_chains import Fetching, Found
from proxy.reading_central import USAGE, CentralReader, Unanswered


def run_central_export(given: argparse.Namespace, *, clock: Clock, agentgate: str, out: TextIO) -> int:
    """Write the pack and say what it has; exit codes as `run_export` has them, and 69 where central is away."""
    try:
        return _export(given, clock, agentgate, out)
    except Unanswered as error:
        out.write(f"agentgate pack: {printable(error)}\n")
        return error.code
    except OSError as error:
        out.write(f"agentgate pack: {printable(error)}\n")
        return USAGE


def _export(given: argparse.Namespace, clock: Clock, agentgate: str, out: TextIO) -> int:
    target: Path = given.target
    if target.exists():
        raise Unanswered(f"{target} is there already: give another name", USAGE)
    fetching = Fetching(CentralReader(given.central, given.token_file))
    found = fetching.look(_asked(given))
    if given.tenant not in {None, found.tenant}:
        raise Unanswered(f"--tenant {given.tenant}: the token is for {found.tenant}", USAGE)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=target.parent) as folder:
        evidence, draft = Path(folder) / "evidence", Path(folder) / target.name
        evidence.mkdir(mode=0o700)
        for chain in found.chains:
            fetching.chain(chain, evidence, keys=given.key is not None)
        wanted = _wanted(given, found, evidence, draft, fetching)

        def note(exported: Exported) -> None:
            # Not before it is noted: what nobody knows of, no tombstone can name.
            fetching.note(exported.digest, exported.units)
            with draft.open("rb") as file, drafted(target) as copy:
                shutil.copyfileobj(file, copy)

        return run_export(
            wanted, clock=clock, agentgate=agentgate, as_json=given.as_json, out=out, named=target, then=note
        )


def _asked(given: argparse.Namespace) -> dict[str, str]:
    """The query of `/v1/exports`. Raises Unanswered for what is no time."""
    asked = {name: getattr(given, name) for name in ("session", "agent", "call", "incident")}
    for name, flag in (("since", "from"), ("until", "until")):
        text = getattr(given, name)
        try:
            asked[name] = None if text is None else moment(text)
        except ValueError as error:
            raise Unanswered(f"--{flag} {text}: not a time as in 2026-09-21T14:13:20Z, or a date", USAGE) from error
    return {name: text for name, text in asked.items() if text is not None}


def _wanted(given: argparse.Namespace, found: Found, evidence: Path, draft: Path, fetching: Fetching) -> Wanted:
    return Wanted(
        folder=evidence,
        target=draft,
        by=given.by or getpass.getuser(),
        session=given.session,
        agent=given.agent,
        call=given.call,
        since=found.since,
        until=found.until,
        tenant=found.tenant,
        key=given.key,
        log=fetching.log(),
    )
