"""Connections to the database, and transactions that end in one of two ways: done, or LedgerUnavailable."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import conninfo
from sqlalchemy import Connection, Engine, create_engine, event, exc, text
from sqlalchemy.engine import URL, make_url

from central.store.hosts import spread

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
WAIT_SECONDS: Final = 10.0
_READS: Final = "agentgate_reads"
_STEPS: Final = 10_000
"""Of SQLite's machine, between two looks at the clock: some tenths of a millisecond."""

_LIVELY: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A server that vanished without a word is noticed within half a minute (the last is in milliseconds): by default the
threads that wait for its answer would do so for a quarter of an hour, or for two hours."""

_AWAY: Final = (
    exc.OperationalError,
    exc.InterfaceError,
    exc.InternalError,
    exc.TimeoutError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.InternalError,
)


class StoreProblem(ValueError):
    """A database that cannot be used as it was named or as it is set up; the text says what to do."""


class LedgerUnavailable(Exception):
    """The database is away, full or too slow. Nothing of what was asked for is stored, unless the database lost only
    its answer: asking again is always right."""


class Store:
    """A database of central. Safe for several threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.dialect = engine.dialect.name

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is durable when the block has ended. Raises LedgerUnavailable."""
        with _available(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self, seconds: float | None = None) -> Iterator[Connection]:
        """One consistent view; never waits for a writer. Raises LedgerUnavailable, also for what takes longer than so
        many seconds: of each statement in PostgreSQL, of all of them together in SQLite."""
        with _available(), self.engine.connect() as fresh:
            level = {} if self.dialect == SQLITE else {"isolation_level": "REPEATABLE READ"}
            connection = fresh.execution_options(**{_READS: True}, **level)
            with connection.begin(), _no_longer(connection, seconds):
                yield connection

    @contextmanager
    def outside(self) -> Iterator[Connection]:
        """A connection without a transaction, as long as nothing is executed but on its driver. Raises
        LedgerUnavailable."""
        with _available(), self.engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def open_store(url: str, *, connections: int = 8, wait_seconds: float = WAIT_SECONDS) -> Store:
    """A store for `sqlite:///PATH` or `postgresql://…`; connects later. Raises StoreProblem.

    `wait_seconds` is how long a transaction waits for a connection, and in SQLite for the one writer before it.
    """
    named = read_url(url)
    if named.get_backend_name() == SQLITE:
        engine = create_engine(named, connect_args={"timeout": wait_seconds}, pool_size=connections)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return Store(engine)
    arguments = {"connect_timeout": max(2, int(wait_seconds)), "application_name": "agentgate central", **_LIVELY}
    engine = create_engine(
        named.set(drivername="postgresql+psycopg"),
        connect_args={name: value for name, value in arguments.items() if name not in named.query},
        pool_size=connections,
        max_overflow=0,
        pool_timeout=wait_seconds,
        pool_pre_ping=True,
    )
    event.listen(engine, "connect", _set_up_postgresql)
    return Store(engine)


def read_url(url: str) -> URL:
    """What names a database, taken apart; connects to nothing. Raises StoreProblem, and quotes no password."""
    try:
        named = make_url(spread(url))
    except (exc.ArgumentError, ValueError) as error:
        raise StoreProblem("the database is named by a URL: sqlite:///PATH or postgresql://HOST/NAME") from error
    if named.drivername not in {SQLITE, POSTGRESQL}:
        raise StoreProblem(f"no database of the kind {named.drivername!r}: it is sqlite:///PATH or postgresql://…")
    if named.drivername == SQLITE and named.database in {None, "", ":memory:"}:
        raise StoreProblem("a ledger in memory keeps nothing: sqlite:///PATH names a file")
    if named.drivername == POSTGRESQL:
        _check_options(named)
    return named


def _check_options(named: URL) -> None:
    """What stands behind the `?` is what libpq knows. Raises StoreProblem."""
    given = {name: value if isinstance(value, str) else ",".join(value) for name, value in named.query.items()}
    try:
        conninfo.timeout_from_conninfo(conninfo.conninfo_to_dict(conninfo.make_conninfo(**given)))
    except psycopg.ProgrammingError as error:
        raise StoreProblem(f"the URL of the database has an option that libpq refuses: {error}".strip()) from error


def _set_up_sqlite(connection: Any, _record: object) -> None:
    """A commit is on the disk when it returns (FULL), readers do not wait for the one writer (WAL), and what is deleted
    is zeroed: a destroyed key lies in no free page."""
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where the driver guesses
    for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {setting}").close()


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get(_READS, False)
    # A writer takes its lock at once: one that took it later could find that what it read is old.
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _set_up_postgresql(connection: Any, _record: object) -> None:
    """A commit is on the disk when it returns, whatever the database's default is."""
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()


@contextmanager
def _no_longer(connection: Connection, seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
    elif connection.dialect.name == SQLITE:
        driver: Any = connection.connection.driver_connection
        ends = time.monotonic() + seconds
        driver.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)
    else:
        connection.execute(text("SELECT set_config('statement_timeout', :ms, true)"), {"ms": str(int(seconds * 1000))})
        yield


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except _AWAY as error:
        cause = getattr(error, "orig", None) or error
        raise LedgerUnavailable(f"the database does not take it: {_first_line(cause)}") from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
