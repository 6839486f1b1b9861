"""The lock between those who destroy data keys and those who hand out what these open; SQLite has one writer anyway."""

from typing import Final

from sqlalchemy import Connection, text

from central.store.engine import POSTGRESQL

ERASING: Final = 0x6167656E74676572
"""The advisory lock of erasures; keys that arrive take a share of it (`agentgate_stay_away`)."""


def exclusive(connection: Connection) -> None:
    """Until the transaction ends nobody else erases, holds, takes a key in or notes a pack."""
    if connection.dialect.name == POSTGRESQL:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ERASING})


def shared(connection: Connection) -> None:
    """Until the transaction ends nobody erases; others may share it."""
    if connection.dialect.name == POSTGRESQL:
        connection.execute(text("SELECT pg_advisory_xact_lock_shared(:lock)"), {"lock": ERASING})
