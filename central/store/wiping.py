"""What a database keeps of rows that were deleted, and getting rid of it as far as that is in our hands."""

from typing import Any, Final

from central.store.engine import SQLITE, Store

IN_THE_WAL: Final = (
    "another process was reading: SQLite's write-ahead log (ledger.db-wal) may still have the bytes of destroyed keys; "
    "run agentgate central purge again"
)
IN_POSTGRESQL: Final = (
    "PostgreSQL has the bytes of deleted rows until VACUUM, and in its write-ahead log, replicas and backups as long "
    "as those are kept: docs/erasure.md"
)


def wipe(store: Store) -> str | None:
    """Overwrite what deleted rows have left; None, or where their bytes may still be.

    SQLite zeroes rows as it deletes them (secure_delete); older copies of their pages lie in the write-ahead log, which
    this empties. Raises LedgerUnavailable.
    """
    if store.dialect != SQLITE:
        return IN_POSTGRESQL
    with store.outside() as connection:
        driver: Any = connection.connection.driver_connection
        busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return IN_THE_WAL if busy else None
