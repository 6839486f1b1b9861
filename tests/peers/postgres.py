"""A PostgreSQL of the tests' own: its folder, port and user; flushing as it does in production."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import psycopg

from tests.peers.processes import free_port

_DEBIAN: Final = Path("/usr/lib/postgresql")
_USER: Final = "postgres"
_READY_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.02
_SETTINGS: Final = (
    "fsync = on",
    "synchronous_commit = on",
    "full_page_writes = on",
    "shared_buffers = 128MB",
    "max_connections = 60",
    "autovacuum_naptime = 5min",
    "unix_socket_directories = ''",
    "listen_addresses = '127.0.0.1'",
)


def programs() -> Path:
    """The folder of the newest server that is installed."""
    found = [path for path in _DEBIAN.glob("*/bin/postgres") if re.fullmatch(r"\d+", path.parts[-3])]
    if found:
        return max(found, key=lambda path: int(path.parts[-3])).parent
    program = shutil.which("postgres")
    assert program is not None, "PostgreSQL is missing: scripts/setup_postgres.sh"
    return Path(program).resolve().parent


@dataclass(slots=True)
class Postgres:
    """A server that can be killed and started again over the same files."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None
    _numbers: "count[int]" = field(default_factory=count)

    def url(self, database: str, user: str = _USER) -> str:
        """The URL of a database; everybody on loopback is believed."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def new_database(self, template: str = "template1") -> str:
        """The URL of a database with nothing in it, or with what a template has."""
        name = f"ledger_{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return self.url(name)

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [*_as_user(), programs() / "postgres", "-D", self.folder / "data", "-p", str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(_POLL_SECONDS)

    def kill(self) -> None:
        """As a crash: the postmaster gets SIGKILL, and its children end when they notice."""
        assert self.process is not None
        children = _children(self.process.pid)
        self.process.kill()
        self.process.wait()
        for child in children:
            _killed(child)
        self.process = None

    def ask(self, statement: str) -> object:
        """The one value of a statement, as the superuser; None where it has none."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
        return None if row is None else row[0]

    def set(self, name: str, value: str) -> None:
        """Change a setting of the running server."""
        self.ask(f"ALTER SYSTEM SET {name} = '{value}'")
        self.ask("SELECT pg_reload_conf()")

    def promote(self) -> None:
        """A standby takes writes from now on."""
        assert self.ask("SELECT pg_promote(true, 60)") is True

    def restart(self) -> None:
        """As an administrator does: a fast shutdown, and a start over the same files."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        self.start()

    def stop(self) -> None:
        """At once: nobody needs its files any more, and a checkpoint of a hundred databases takes a minute."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def postgres(place: Path | None = None) -> Iterator[Postgres]:
    """A new server, running until the block ends; then its folder is gone as well.

    `place` is a folder that anybody can enter, if it is not the usual one.
    """
    # Not among the test's own files: those are closed to the user that it runs as.
    with _running(_make, place) as server:
        yield server


@contextmanager
def standby(primary: Postgres) -> Iterator[Postgres]:
    """A hot standby that streams from a running server, until the block ends."""
    source = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", _USER, "-X", "stream", "-c", "fast", "--no-sync"]
    with _running(lambda data: _run("pg_basebackup", "-D", data, "-R", *source), None) as server:
        yield server


@contextmanager
def _running(make: Callable[[Path], None], place: Path | None) -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="agentgate-postgres-", dir=place))
    try:
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_USER)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        make(folder / "data")
        server = Postgres(folder, free_port())
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _make(data: Path) -> None:
    _run("initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    with (data / "postgresql.conf").open("a") as file:
        file.writelines(f"{setting}\n" for setting in _SETTINGS)


def _run(program: str, *arguments: "str | Path") -> None:
    done = subprocess.run([*_as_user(), programs() / program, *arguments], capture_output=True, cwd="/")
    assert done.returncode == 0, done.stderr.decode()


def _as_user() -> list[str]:
    """A server refuses to run as root; the kernel ends it with the test run."""
    user = [f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig", "KILL", "--"]


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()]


def _killed(pid: int) -> None:
    """Waits until a process is gone that was told to go; kills it if it has not."""
    for _ in range(500):
        if _ended(pid):
            return
        time.sleep(_POLL_SECONDS)
    os.kill(pid, signal.SIGKILL)


def _ended(pid: int) -> bool:
    """Also one that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
