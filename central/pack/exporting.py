"""`agentgate central export`: a pack out of the ledger, with proofs of the log, noted before it is handed out."""

import argparse
import asyncio
import getpass
import shutil
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from central.config import CentralConfig, CentralProblems
from central.ledger.ledger import Ledger
from central.ledger.packs import ErasedMeanwhile, note_new_pack
from central.ledger.reading import Reading
from central.pack.around import NoSuchIncident, around
from central.pack.choosing import unfold_wanted
from central.pack.receipts import give_receipts
from evidence.clock import Clock
from evidence.pack.drafting import drafted
from evidence.pack.exporting import Exported, NothingToExport
from evidence.pack.packs import Wanted, run_export
from evidence.version import own_version


def run_ledger_export(given: argparse.Namespace, config: CentralConfig, clock: Clock, out: TextIO) -> int:
    """Write the pack and say what it has; 0, 1 where the evidence cannot be read, 64 where nothing is to be had.

    The chains that can have something of it lie beside the ledger for as long as this takes, sealed as they are there.
    Raises CentralProblems, LedgerUnavailable, KeyProblem, SigningFailed, OSError.
    """
    target = _checked(given)
    with (
        closing(Ledger.open(config.database, clock=clock)) as ledger,
        tempfile.TemporaryDirectory(prefix="export-", dir=config.state) as folder,
    ):
        evidence, draft = Path(folder) / "evidence", Path(folder) / target.name
        evidence.mkdir()
        wanted = _wanted(given, config, evidence, draft)
        if given.incident is not None:
            wanted = _around(Reading(ledger.store, given.tenant), given.incident, wanted)
        unfolded = unfold_wanted(ledger.store, given.tenant, wanted)
        asyncio.run(give_receipts(config, clock, given.tenant, unfolded))

        def note(exported: Exported) -> None:
            at = clock.now().rfc3339()
            mine = {"tenant": given.tenant, "by": wanted.by, "at": at}
            try:
                note_new_pack(ledger.store, digest=exported.digest, units=exported.units, **mine)
            except ErasedMeanwhile as error:
                raise NothingToExport(str(error)) from error
            # Not before it is noted: what nobody knows of, no tombstone can name.
            _hand_out(draft, target)

        return run_export(
            wanted, clock=clock, agentgate=own_version(), as_json=given.as_json, out=out, named=target, then=note
        )


def _checked(given: argparse.Namespace) -> Path:
    problems = []
    if not given.tenant:
        problems.append("export: say whose evidence with --tenant")
    if not given.out:
        problems.append("export: say where to with --out")
    elif Path(given.out).exists():
        problems.append(f"export: {given.out} is there already: give another name")
    if given.incident is not None and (given.from_at or given.until_at):
        problems.append("export: an incident has its own time: give no --from and --until")
    if len(given.session) > 1:
        problems.append("export: one --session at a time")
    if problems:
        raise CentralProblems(problems)
    return Path(given.out)


def _wanted(given: argparse.Namespace, config: CentralConfig, evidence: Path, draft: Path) -> Wanted:
    return Wanted(
        folder=evidence,
        target=draft,
        by=given.by or getpass.getuser(),
        session=given.session[0] if given.session else None,
        agent=given.agent,
        call=given.call,
        since=given.from_at,
        until=given.until_at,
        tenant=given.tenant,
        key=None if given.tenant_key is None else Path(given.tenant_key),
        log=config.log_folder if (config.log_folder / "checkpoint").exists() else None,
    )


def _around(reading: Reading, number: int, wanted: Wanted) -> Wanted:
    """Narrowed to the time of an incident. Raises CentralProblems."""
    try:
        since, until = around(reading, number)
    except NoSuchIncident as error:
        raise CentralProblems([f"export: {error}"]) from error
    return replace(wanted, since=since, until=until)


def _hand_out(draft: Path, target: Path) -> None:
    """Under its name; the two may lie on different disks."""
    with draft.open("rb") as file, drafted(target) as copy:
        shutil.copyfileobj(file, copy)
