"""What stands beside the chains: wrapped keys are the lines that came, strays the bytes, and no row is of nobody."""

from collections.abc import Collection
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, Table, select

from central.check.findings import Finding, Findings, Step
from central.check.places import AT_ONCE
from central.store.tables import batches, chains, data_keys, heads, records, strays
from evidence.sealing import read_key_line

_OF_CHAINS: Final = (records, batches, heads)


def check_kept(connection: Connection, destroyed: Collection[tuple[str, str]], findings: Findings) -> set[str]:
    """Look at them all; gives the ids of the data keys that are there.

    `destroyed` has the tenant and the id of each that was, by its tombstone.
    """
    for table in _OF_CHAINS:
        _orphans(connection, table, findings)
    for row in connection.execute(select(strays), execution_options=AT_ONCE):
        if sha256(row.data).digest() != row.digest:
            what = f"stray {row.no} is not what came"
            findings.add(Finding(Step.KEPT, f"{what} from sidecar {row.sidecar}, tenant {row.tenant}"))
    found = set[str]()
    for row in connection.execute(select(data_keys), execution_options=AT_ONCE):
        found.add(row.id.hex())
        try:
            members = read_key_line(row.line)
            said = (members["id"], members["tenant"], members["unit"])
            problem = None if said == (row.id.hex(), row.tenant, row.unit) else "it is the line of another key"
        except ValueError as error:
            problem = str(error)
        if (row.tenant, row.id.hex()) in destroyed:
            problem = "it was destroyed, and is there again"
        if problem is not None:
            findings.add(Finding(Step.KEPT, f"wrapped key {row.id.hex()} of tenant {row.tenant}: {problem}"))
    return found


def _orphans(connection: Connection, table: Table, findings: Findings) -> None:
    nobody = select(table.c.chain_no).distinct().where(table.c.chain_no.not_in(select(chains.c.no)))
    for (number,) in connection.execute(nobody):
        findings.add(Finding(Step.KEPT, f"{table.name} are there of a chain that is not (number {number})"))
