"""URLs with several hosts: what libpq understands is what reaches it."""

from typing import Any

import pytest

from central.store.engine import StoreProblem, open_store
from tests.peers.postgres import Postgres

READ_WRITE = {"target_session_attrs": "read-write"}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "one-host": ("postgresql://u@one:5433/db", {"host": "one", "port": 5433}),
    "two": ("postgresql://u@one:5433,two:5434/db", {"host": "one,two", "port": "5433,5434", **READ_WRITE}),
    "without-ports": ("postgresql://u@one,two/db", {"host": "one,two", "port": ",", **READ_WRITE}),
    "nobody": ("postgresql://one,two:5434/db", {"host": "one,two", "port": ",5434", **READ_WRITE}),
    "addresses": (
        "postgresql://u:p%2Cw@[::1]:5433,10.0.0.2/db",
        {"host": "::1,10.0.0.2", "port": "5433,", **READ_WRITE},
    ),
    "another-choice": (
        "postgresql://u@one,two/db?target_session_attrs=any&sslmode=require",
        {"host": "one,two", "target_session_attrs": "any", "sslmode": "require"},
    ),
}


@pytest.mark.parametrize(("url", "wanted"), [pytest.param(*row, id=name) for name, row in ROWS.items()])
def test_what_the_driver_is_told(url: str, wanted: dict[str, Any]) -> None:
    store = open_store(url)
    _, told = store.engine.dialect.create_connect_args(store.engine.url)
    assert {name: told.get(name) for name in wanted} == wanted
    assert told["dbname"] == "db"
    store.close()


def test_a_server_that_vanishes_is_noticed(server: Postgres) -> None:
    """What is set in the URL stays."""
    for more, idle in (("", "10"), ("?keepalives_idle=60", "60")):
        store = open_store(server.url("postgres") + more)
        with store.reading() as connection:
            driver: Any = connection.connection.driver_connection
            told = driver.info.get_parameters()
        store.close()
        assert (told["keepalives_idle"], told["keepalives_count"], told["tcp_user_timeout"]) == (idle, "3", "20000")


@pytest.mark.parametrize(
    "url", ["postgresql://u@one:x,two/db", "postgresql://u@one:5432:1/db", "postgresql://[::1,two/db"]
)
def test_no_host(url: str) -> None:
    with pytest.raises(StoreProblem, match=r"postgresql://HOST/NAME"):
        open_store(url)
