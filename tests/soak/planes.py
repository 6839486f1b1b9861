"""A sidecar, its central and central's database, each of which can be killed and started again over the same files."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from tests.crash.reckoning import grant
from tests.peers.central import Central, central
from tests.peers.postgres import Postgres, postgres
from tests.peers.processes import Program, accepts
from tests.peers.sidecar import Folders, Sidecar, sidecar
from tests.soak.places import Remembering, configured, remembering, until

Part = Literal["sidecar", "central", "database"]

WAITS: Final = "[central]\nacknowledge_seconds = 1.0\n"


@dataclass(slots=True)
class Planes:
    """All parts, down at first.

    `flags` are central's beside its folder, `more` the sidecar's; `server` is a database that is a process.
    """

    folder: Path
    upstream: Remembering
    place: Central
    database: str
    flags: tuple[str, ...] = ()
    server: Postgres | None = None
    more: tuple[str, ...] = ("--durability", "acknowledged")
    _gate: Sidecar | None = None
    _keeper: Program | None = None
    _stacks: dict[Part, ExitStack] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """The folder of the log."""
        return self.place.folder / "log"

    @property
    def folders(self) -> Folders:
        """What the sidecar keeps."""
        return Folders.under(self.folder)

    def database_up(self) -> None:
        """Start the database if it is down."""
        if self.server is not None and self.server.process is None:
            self.server.start()

    def central_up(self) -> Program:
        """Start central, and what it needs, if it is down."""
        self.database_up()
        if self._keeper is None:
            self._keeper = self._stack("central").enter_context(self.place.started(self.flags))
        return self._keeper

    def sidecar_up(self) -> Sidecar:
        """Start the sidecar if it is down."""
        if self._gate is None:
            more = [*configured(self.folder, WAITS), *self.place.flags(), *self.more]
            gate = sidecar(self.folder, self.upstream.upstreams(), policy="starter", more=more)
            up = self._gate = self._stack("sidecar").enter_context(gate)
            until(lambda: accepts(up.port), "the sidecar does not listen")
        return self._gate

    def kill(self, parts: Sequence[Part]) -> None:
        """End some of them as a crash does, one right after the other."""
        if "sidecar" in parts and self._gate is not None:
            self._gate.program.kill()
            self._gate = None
        if "central" in parts and self._keeper is not None:
            self._keeper.kill()
            self._keeper = None
        if "database" in parts and self.server is not None:
            self.server.kill()
        for part in parts:
            self._close(part)

    def end_sidecar(self) -> None:
        """Ask it to end; what it has not shipped then waits for the next start."""
        self._gate = None
        self._close("sidecar")

    def end(self) -> None:
        """End what is up but the database, which belongs to somebody else."""
        self.end_sidecar()
        self._keeper = None
        self._close("central")

    def _stack(self, part: Part) -> ExitStack:
        return self._stacks.setdefault(part, ExitStack())

    def _close(self, part: Part) -> None:
        self._stacks.pop(part, ExitStack()).close()


@contextmanager
def on_sqlite(folder: Path) -> Iterator[Planes]:
    """The ledger lies in central's own folder."""
    with remembering(folder) as upstream:
        place = _known(folder)
        planes = Planes(folder, upstream, place, place.database)
        try:
            yield planes
        finally:
            planes.end()


@contextmanager
def on_postgresql(folder: Path) -> Iterator[Planes]:
    """The ledger lies on a server that can be killed as well."""
    with postgres() as server, over(folder, server) as planes:
        yield planes


@contextmanager
def over(folder: Path, server: Postgres) -> Iterator[Planes]:
    """The ledger lies in a new database of this server."""
    with remembering(folder) as upstream:
        place, url = _known(folder), server.new_database()
        migrated(place, url)
        planes = Planes(folder, upstream, place, url, ("--database", url), server)
        try:
            yield planes
        finally:
            planes.end()


def migrated(place: Central, url: str) -> None:
    """Bring a database to the schema of this version, as an operator does."""
    place.command("migrate", "--database", url).check_returncode()


def _known(folder: Path) -> Central:
    place = central(folder / "central")
    place.register(folder / "state")
    grant(Folders.under(folder))
    return place
