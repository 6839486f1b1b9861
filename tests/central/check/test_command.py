"""`agentgate central check` as an operator runs it: words, JSON and exit codes."""

import json
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.central.ledger.gate import Gate
from tests.central.shipping import asked, posted, registered
from tests.central.test_main_line import until
from tests.peers.central import Central, central

GATE = Gate().start().calls("a", "b").head()


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Central:
    """A central that has run, and has everything of one sidecar in its log."""
    place = central(tmp_path_factory.mktemp("check") / "central")
    registered(place, [GATE])
    with place.started():
        assert posted(place, GATE, GATE.part(0)).status == 200
        until(lambda: asked(place, GATE).included == 5)
    return place


@pytest.fixture
def place(shipped: Central, tmp_path: Path) -> Central:
    """A copy of it that a test may spoil."""
    copy = tmp_path / "central"
    subprocess.run(["cp", "-a", shipped.folder, copy], check=True)
    return Central(copy, shipped.port)


def tampered(place: Central, statement: str) -> None:
    with sqlite3.connect(place.folder / "ledger.db") as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
    connection.close()


def test_a_ledger_as_it_was_written(place: Central) -> None:
    done = place.command("check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:3] == [
        "ledger   1 chain, 5 records, 0 batches waiting",
        "log      agentgate.local/log: 5 leaves",
        "ok       the published checkpoint is signed by the log's key, and its files lead to its root",
    ]


def test_it_runs_beside_a_central_that_runs(place: Central) -> None:
    with place.started():
        assert place.command("check").returncode == 0


def test_the_first_record_that_is_not_right_is_named(place: Central) -> None:
    tampered(place, "DELETE FROM records WHERE seq = 3")
    done = place.command("check")
    assert done.returncode == 1
    assert (
        f"FAILED   record 3 of chain {GATE.chain} (sidecar gate-1, tenant acme): the ledger has not got it"
        in done.stdout
    )


def test_as_json(place: Central) -> None:
    tampered(place, "UPDATE records SET body = CAST(body || ' ' AS BLOB) WHERE seq = 3")
    done = place.command("check", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 1
    assert (said["ok"], said["chains"], said["findings"]) == (False, 1, 1)
    error = said["error"]
    assert (error["step"], error["chain"], error["seq"], error["tenant"]) == ("records", GATE.chain, 3, "acme")
    assert said["log"]["leaves"] == 5


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        pytest.param("UPDATE records SET body = 'text' WHERE seq = 3", "chain ", id="a-body-of-text"),
        pytest.param("UPDATE heads SET note = 7", "chain ", id="a-note-that-is-a-number"),
        pytest.param("UPDATE batches SET last_seq = x'00'", "the log", id="a-number-of-bytes"),
        pytest.param("UPDATE chains SET chain = 'text'", "the log", id="a-chain-of-text"),
        pytest.param("UPDATE data_keys SET line = 7", "the log", id="a-key-that-is-a-number"),
    ],
)
def test_values_of_other_types_are_found(place: Central, statement: str, where: str) -> None:
    tampered(place, statement)
    done = place.command("check")
    assert (done.returncode, done.stderr) == (1, "")
    assert f"FAILED   {where}" in done.stdout
    assert "none of ours" in done.stdout


def _kept(place: Central) -> list[str | Path]:
    """A checkpoint that somebody kept, and then the log was begun anew, with the same key."""
    kept = place.folder / "kept"
    (place.folder / "log" / "checkpoint").rename(kept)
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (place.folder / name).unlink(missing_ok=True)
    subprocess.run(["rm", "-r", place.folder / "log"], check=True)
    with place.started():
        pass
    return ["--checkpoint", kept]


def _another_key(place: Central) -> list[str | Path]:
    other = central(place.folder.parent / "other")
    return ["--log-key", other.key("log")]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(_kept, "a checkpoint of 5 leaves was signed, and 0 are published: an older copy", id="begun-anew"),
        pytest.param(_another_key, "the published checkpoint does not count", id="another-key"),
    ],
)
def test_what_is_kept_elsewhere_counts(place: Central, spoil: Callable[[Central], list[str | Path]], said: str) -> None:
    done = place.command("check", *spoil(place))
    assert done.returncode == 1
    assert said in done.stdout


def test_keys_that_central_destroyed_are_told(place: Central) -> None:
    unit = GATE.keys[0][1]
    name = json.loads(unit)["unit"]
    erased = place.command("erase", "--tenant", "acme", "--unit", name, "--reason", "ticket 17", "--by", "somebody")
    assert erased.returncode == 0, erased.stderr
    done = place.command("check", "--json")
    said = json.loads(done.stdout)
    assert (said["ok"], said["erased_keys"], said["missing_keys"]) == (True, 1, 0)


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        pytest.param(["--log-key", "x"], 64, "--log-key x: ", id="no-key"),
        pytest.param(["--checkpoint", "none"], 64, "--checkpoint none: No such file", id="no-file"),
        pytest.param(["--database", "sqlite:////none/ledger.db"], 69, "unable to open database file", id="no-database"),
    ],
)
def test_what_cannot_be_checked(place: Central, more: list[str], code: int, said: str) -> None:
    done = place.command("check", *more)
    assert done.returncode == code
    assert said in done.stderr
