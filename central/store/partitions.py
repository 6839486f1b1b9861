"""The monthly partitions of `records` in PostgreSQL: made ahead, so that none has to be made while records wait."""

from typing import Final

from sqlalchemy import func, select

from central.store.engine import POSTGRESQL, Store

MONTHS: Final = 3

PARTITIONS_SECONDS: Final = 6 * 3_600.0
"""How often a running central looks whether months have to be made."""


def make_partitions(store: Store, now: int, months: int = MONTHS) -> int:
    """Make those of this month and of the ones after it, as far as they are missing; gives how many were made.

    `now` is in microseconds since 1970. A record of a month without a partition goes to `records_rest`, and nothing is
    lost. In SQLite there is nothing to do. Raises LedgerUnavailable.
    """
    if store.dialect != POSTGRESQL:
        return 0
    with store.writing() as connection:
        return int(connection.execute(select(func.agentgate_make_partitions(now, months))).scalar_one())
