"""Where the bytes of a destroyed key are afterwards: in SQLite nowhere; in PostgreSQL only one role can delete them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from central.erasure.deeds import Deeds
from central.erasure.vocabulary import ErasureProblem, Hold
from central.ledger.ledger import Ledger
from central.store import tables
from central.store.wiping import IN_POSTGRESQL, IN_THE_WAL, wipe
from tests.central.conftest import _migrate
from tests.central.erasure.office import ASKED, Office, Watch, everything, office, unit_of
from tests.peers.postgres import Postgres


@pytest.fixture
def on_disk(tmp_path: Path) -> Iterator[Office]:
    """An office on SQLite whose files can be looked through."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    _migrate(url)
    watch = Watch()
    ledger = Ledger.open(url, clock=watch)
    yield office(ledger, watch, tmp_path / "state")
    ledger.close()


def test_no_file_of_sqlite_has_the_bytes_of_a_destroyed_key(on_disk: Office, tmp_path: Path) -> None:
    for number in range(40):
        on_disk.said("text", f"s{number}")
    gone = [bytes(row["line"]) for row in on_disk.rows(tables.data_keys) if row["unit"] != unit_of("s7")]
    (kept,) = (bytes(row["line"]) for row in on_disk.rows(tables.data_keys) if row["unit"] == unit_of("s7"))
    assert _found(tmp_path, gone) == set(gone)
    on_disk.erase(*(f"s{number}" for number in range(40) if number != 7))
    assert wipe(on_disk.ledger.store) is None
    assert _found(tmp_path, gone) == set()
    assert _found(tmp_path, [kept]) == {kept}


def test_a_reader_that_stands_in_the_way_is_told(on_disk: Office, tmp_path: Path) -> None:
    on_disk.said("text", "s1")
    impatient = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", wait_seconds=0.05)
    with on_disk.ledger.store.reading() as connection:
        connection.execute(tables.data_keys.select()).all()
        on_disk.erase("s1")
        assert wipe(impatient.store) == IN_THE_WAL
    assert wipe(impatient.store) is None
    impatient.close()


def _found(folder: Path, lines: list[bytes]) -> set[bytes]:
    """Which of these wrapped keys stand in a file, by the part that is theirs alone."""
    content = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return {line for line in lines if line.partition(b'"wrapped":"')[2][:40] in content}


ROLES = {
    "writer-and-eraser": (("writer", "eraser"), True),
    "writer": (("writer", "reader", "sequencer"), False),
    "eraser": (("eraser", "reader"), False),
}


@pytest.mark.parametrize(("roles", "allowed"), [pytest.param(*row, id=name) for name, row in ROLES.items()])
def test_who_may_erase_in_postgresql(
    server: Postgres,
    template: str,
    tmp_path: Path,
    roles: tuple[str, ...],
    allowed: bool,  # noqa: FBT001
) -> None:
    url = server.new_database(template)
    watch = Watch()
    owner = Ledger.open(url, clock=watch)
    place = office(owner, watch, tmp_path / "owner")
    place.said("text", "s1")
    login = f"login_{'_'.join(roles)}"
    with owner.store.engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {login} LOGIN")
        connection.exec_driver_sql(f"GRANT {', '.join(f'agentgate_{role}' for role in roles)} TO {login}")
    ledger = Ledger.open(server.url(url.rpartition("/")[2], login), clock=watch)
    deeds = Deeds(ledger, tmp_path / "state", watch)
    if allowed:
        deeds.place(Hold("hold-1", "acme", session="s9"), ASKED)
        deeds.release("hold-1", ASKED)
        assert deeds.erase("acme", [unit_of("s1")], everything).erased
        assert wipe(ledger.store) == IN_POSTGRESQL
    else:
        with pytest.raises(ErasureProblem, match="agentgate_eraser and agentgate_writer"):
            deeds.erase("acme", [unit_of("s1")], everything)
    assert place.readable() == (set() if allowed else {"text"})
    ledger.close()
    owner.close()
