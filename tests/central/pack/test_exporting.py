"""`agentgate central export` as an operator runs it: what one tenant did, out of a ledger of several."""

import base64
import json
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from central.ledger.packs import packs_of
from central.ledger.reading import Reading
from central.store.engine import open_store
from evidence.pack.vocabulary import PROOFS
from evidence.record import Kind
from tests.central.ledger.gate import TENANT_KEY, Gate
from tests.central.shipping import asked, posted, registered
from tests.central.test_main_line import until
from tests.evidence.pack.parcels import members_of
from tests.peers.central import Central, central
from tests.peers.second_verifier import said_of
from tests.peers.sidecar import agentgate

MINE = Gate().start().calls("a", "b").head().close().head()
LOSING = Gate(name="gate-3", tenant="losing").start().calls("a").write(Kind.LOSS, {"lost": {"notice": 2}})
THEIRS = Gate(name="gate-2", tenant="umbrella", unit="session-2").start().calls("z").head()


def _has(place: Central, gate: Gate, count: int) -> bool:
    return asked(place, gate).included == count


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Central:
    """A central that has run, and has the chains of two tenants in its log."""
    place = central(tmp_path_factory.mktemp("export") / "central")
    registered(place, [MINE, THEIRS, LOSING])
    with place.started():
        for gate, count in ((MINE, 6), (THEIRS, 3), (LOSING, 4)):
            assert posted(place, gate, gate.part(0)).status == 200
            until(partial(_has, place, gate, count))
    return place


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "tenant.key"
    path.touch(mode=0o600)
    path.write_bytes(base64.b64encode(TENANT_KEY.private_bytes_raw()))
    return path


def test_a_stranger_believes_what_the_ledger_gives(place: Central, tmp_path: Path, key: Path) -> None:
    pack = tmp_path / "one.agentgate"
    done = place.command("export", "--tenant", "acme", "--call", "a", "--tenant-key", key, "--out", pack, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["selected"], told["records"], told["pack"]) == (2, 6, str(pack))
    identity = base64.b64encode(MINE.registered.public_key).decode()
    keys = ("--key", identity, "--receipt-key", place.key("receipts"), "--log-key", place.key("log"))
    found = json.loads(agentgate("verify", pack, *keys, "--json", check=True).stdout)
    assert (found["ok"], found["texts"], found["self_asserted"]) == (True, 2, 0)
    assert {step["verdict"] for step in found["steps"]} == {"ok"}
    assert found["chains"][0]["receipt"] == 6
    assert found["sha256"] == told["digest"]
    theirs = said_of(*(part.replace("--", "-", 1) for part in keys), "-sha256", told["digest"], "pack", pack)
    assert (theirs["steps"], theirs["self_asserted"]) == (["ok"] * 12, 0), theirs["error"]
    with open_store(place.database).reading() as connection:
        assert [packs_of(connection, "acme", unit) for unit in told["units"]] == [[told["digest"]]]


def test_nothing_of_another_tenant_is_in_it(place: Central, tmp_path: Path, key: Path) -> None:
    pack = tmp_path / "two.agentgate"
    assert place.command("export", "--tenant", "umbrella", "--tenant-key", key, "--out", pack).returncode == 0
    members = members_of(pack.read_bytes())
    assert not any(b"acme" in content or b"gate-1" in content for content in members.values())
    assert len(members[PROOFS].splitlines()) == 3


def test_what_an_incident_is_about(place: Central, tmp_path: Path) -> None:
    pack = tmp_path / "incident.agentgate"
    with closing(open_store(place.database)) as store:
        (incident,) = Reading(store, "losing").incidents()
    flags = ("--tenant", "losing", "--incident", str(incident.no))
    done = place.command("export", *flags, "--out", pack, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["selected"] == 4
    checked = json.loads(agentgate("verify", pack, "--json", check=True).stdout)
    assert set(checked["selection"]) == {"since", "until"}
    assert checked["chains"][0]["lost"] == 2
    others = place.command("export", "--tenant", "acme", "--incident", str(incident.no), "--out", "x.agentgate")
    assert (others.returncode, "no incident" in others.stdout + others.stderr) == (64, True)


REFUSED = [
    pytest.param(["--tenant", "acme"], "say where to", id="no file"),
    pytest.param(["--out", "x.agentgate"], "say whose evidence", id="no tenant"),
    pytest.param(["--tenant", "acme", "--call", "z", "--out", "x.agentgate"], "no call begins with", id="theirs"),
    pytest.param(["--tenant", "nobody", "--out", "x.agentgate"], "no chain", id="a tenant that has nothing"),
]


@pytest.mark.parametrize(("flags", "said"), REFUSED)
def test_what_is_refused(place: Central, flags: list[str], said: str) -> None:
    done = place.command("export", *flags)
    assert done.returncode == 64
    assert said in done.stdout + done.stderr


def test_no_file_is_written_over_and_none_is_left(place: Central, tmp_path: Path) -> None:
    pack = tmp_path / "there.agentgate"
    pack.write_bytes(b"mine")
    assert place.command("export", "--tenant", "acme", "--out", pack).returncode == 64
    assert pack.read_bytes() == b"mine"
    assert list(place.folder.glob("export-*")) == []
