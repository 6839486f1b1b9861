"""A central whose log must be cosigned: what no witness has seen is not safe, and /readyz says so."""

import json
from pathlib import Path

import pytest

from evidence.checkpoint import Quorum, open_checkpoint
from evidence.note import read_verifier_key
from tests.central.log.witnesses import real_witness, witness_key
from tests.central.test_main_line import call, held, until, written
from tests.peers.central import Central, central
from tests.peers.processes import free_port
from tests.peers.servers import HttpServer
from tests.peers.sidecar import sidecar

pytestmark = pytest.mark.xdist_group("everything_json")


def witnessed_by(place: Central, url: str) -> Path:
    """The configuration of a central that needs witness 0 at this address."""
    key = witness_key(0).text()
    path = place.folder / "central.toml"
    path.write_text(f'[log]\nneeded = 1\n[log.witnesses.first]\nkey = "{key}"\nurl = "{url}"\n')
    return path


def test_the_log_is_cosigned(tmp_path: Path, everything_json: HttpServer) -> None:
    place, home = central(tmp_path / "central"), tmp_path / "one"
    home.mkdir()
    place.register(home / "state")
    log = read_verifier_key(place.key("log"))
    with real_witness(tmp_path / "witness", log=log) as witness:
        config = witnessed_by(place, witness.prefix)
        with (
            place.started(["-c", str(config)]),
            sidecar(home, {"tools": everything_json}, more=place.flags()) as one,
        ):
            assert "result" in call(one)
            until(lambda: held(place) >= 3 and place.log_size() == held(place))
            note = place.get("/log/checkpoint").body.decode()
            opened = open_checkpoint(note, log, Quorum(1, (witness_key(0),)))
            assert opened.checkpoint.size == place.log_size()
            one.program.terminate()
            until(lambda: place.log_size() == sum(written(one).values()))


def test_without_its_witness_nothing_is_safe(tmp_path: Path) -> None:
    place = central(tmp_path / "central")
    config = witnessed_by(place, f"http://127.0.0.1:{free_port()}")
    with place.running(["-c", str(config)]):
        until(lambda: "1 of 1 witnesses have to" in json.dumps(json.loads(place.get("/readyz").body)["problems"]))
        assert place.get("/readyz").status == 503
        assert place.get("/log/checkpoint").status == 404


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('[log.witnesses.a]\nkey = "x"\nurl = "https://w.example"', "log.witnesses.a.key", id="no-key"),
        pytest.param("[log]\nneeded = 2", "log.needed", id="more-than-there-are"),
        pytest.param('[log]\norigin = "A b"', "log.origin", id="origin"),
        pytest.param('listen = "0.0.0.0:1"', "tls.certificate_file", id="exposed"),
        pytest.param('listen = "x"', "HOST:PORT", id="listen"),
        pytest.param('[tls]\nkey_file = "k.pem"', "tls.key_file", id="key-alone"),
        pytest.param('[tls]\ncertificate_file = "c.pem"', "tls.certificate_file", id="no-certificate"),
        pytest.param('sidecars = "none.toml"', "none.toml", id="no-registry"),
        pytest.param("colour = 1", "colour", id="unknown-key"),
        pytest.param("batch_bytes = 1", "batch_bytes", id="too-small"),
        pytest.param("listen = ", "central.toml", id="no-toml"),
    ],
)
def test_what_is_wrong_is_said_at_the_start(tmp_path: Path, text: str, said: str) -> None:
    place = central(tmp_path / "central")
    path = place.folder / "central.toml"
    path.write_text(text + "\n")
    done = place.command("-c", path)
    assert done.returncode == 64, done.stderr
    assert said in done.stderr
