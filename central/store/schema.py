"""Which schema a database has, and the way to the one that this version knows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from central.store.engine import POSTGRESQL, Store, StoreProblem

_LOCK: Final = 0x6167656E74676174
"""The number of the advisory lock of migrations: "agentgat"."""


class SchemaProblem(StoreProblem):
    """A schema that this version cannot work with; the text names both revisions and what to do."""


def known_revision() -> str:
    """The revision that this version works with."""
    revision = _scripts().get_current_head()
    if revision is None:
        raise AssertionError("the distribution has no migrations")
    return revision


def known_revisions() -> tuple[str, ...]:
    """Every revision that a migration leads to, the oldest first."""
    return tuple(script.revision for script in _scripts().walk_revisions())[::-1]


def migrate(store: Store, revision: str = "head") -> str | None:
    """Bring the schema up to `revision` in one transaction; gives the revision that it has then.

    Several replicas may do so at once: one does it, the others wait and find it done. Raises SchemaProblem for a
    schema that a newer version made, LedgerUnavailable.
    """
    return _moved(store, lambda config: command.upgrade(config, revision))


def downgrade(store: Store, revision: str) -> str | None:
    """Take the schema back to `revision`; `base` leaves nothing, records included. Raises as `migrate`."""
    return _moved(store, lambda config: command.downgrade(config, revision))


def check_schema(store: Store) -> None:
    """Raises SchemaProblem unless the database has exactly the schema that this version knows."""
    with store.reading() as connection:
        found = current_revision(connection)
    _refuse_unknown(found)
    if found != known_revision():
        held = "no schema yet" if found is None else f"schema {found}"
        raise SchemaProblem(
            f"the database has {held}, this version needs {known_revision()}: agentgate central migrate"
        )


def current_revision(connection: Connection) -> str | None:
    """The revision that the database has; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def _moved(store: Store, move: Callable[[Config], None]) -> str | None:
    with store.writing() as connection, _locked(store, connection):
        _refuse_unknown(current_revision(connection))
        move(_config(connection))
        return current_revision(connection)


@contextmanager
def _locked(store: Store, connection: Connection) -> Iterator[None]:
    """SQLite's transactions that write wait for each other anyway."""
    if store.dialect == POSTGRESQL:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    yield


def _refuse_unknown(found: str | None) -> None:
    if found is not None and found not in known_revisions():
        raise SchemaProblem(
            f"the database has schema {found}, which this version does not know: the newest that it knows is "
            f"{known_revision()}. A newer agentgate made it: start that one."
        )


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(None))


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
