"""Writes those chains out of the ledger that a pack can be made of, where there is room for them."""

import shutil

from central.config import CentralProblems
from central.ledger.narrowing import Sought, chains_with, size_of
from central.ledger.unfolding import Unfolded, unfold
from central.store.engine import Store
from evidence.clock import micros
from evidence.pack.packs import Wanted
from evidence.pack.vocabulary import moment


def unfold_wanted(store: Store, tenant: str, wanted: Wanted, *, free: int | None = None) -> list[Unfolded]:
    """Write the chains that can have something of it into its folder, which takes `free` bytes (what its disk has).

    Raises CentralProblems where there is none, or no room for them; LedgerUnavailable, OSError.
    """
    sought = Sought(wanted.session, wanted.agent, wanted.call, _micros(wanted.since), _micros(wanted.until))
    numbers = dict(chains_with(store, tenant, sought))
    if not numbers and wanted.call is None:
        raise CentralProblems([f"export: the ledger has no chain of {tenant} with anything of what was asked for"])
    needed, has = size_of(store, list(numbers)), shutil.disk_usage(wanted.folder).free if free is None else free
    # The pack is made beside them, and has their headers and bodies once more.
    if 2 * needed > has:
        raise CentralProblems(
            [
                f"export: {len(numbers)} chains with {_megabytes(needed)} are to be written out of the ledger, and the "
                f"pack beside them, and {wanted.folder.parent.parent} has {_megabytes(has)} free: select less with "
                "--from and --until, --session or --call, or make room"
            ]
        )
    return unfold(store, tenant, wanted.folder, numbers=numbers)


def _micros(time: str | None) -> int | None:
    """None for what is no time: that is told when the pack is made."""
    try:
        return None if time is None else micros(moment(time))
    except ValueError:
        return None


def _megabytes(count: int) -> str:
    return f"{-(-count // 1_000_000)} MB"
