"""An OPA that the sidecar itself brings its policy: both started as their users start them, in either order."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.peers.places import AGENTGATE
from tests.peers.processes import running
from tests.peers.raw import call
from tests.peers.servers import HttpServer
from tests.peers.sidecar import Sidecar, agentgate, sidecar

SECONDS: Final = 10.0


def _refusal(gate: Sidecar) -> Any:
    """The code of the refusal of a call; None if it passed."""
    result = json.loads(call(gate.url("up"), "add", {"a": 1, "b": 2}).body)["result"]
    return result.get("_meta", {}).get("agentgate/decision", {}).get("code")


def _becomes(met: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not met():
        assert time.monotonic() < until, "nothing has changed"
        time.sleep(0.1)


def test_the_sidecar_brings_opa_its_policy(everything_json: HttpServer, tmp_path: Path) -> None:
    bundle, place, log = tmp_path / "bundle.tar.gz", tmp_path / "opa", tmp_path / "opa.log"
    opa = [str(AGENTGATE), "opa", "--bundle", str(bundle), "--folder", str(place)]
    more = ["--opa", f"unix:{place / 'opa.sock'}", "--opa-bundle", str(bundle)]
    with (
        running(opa, log=log, ready=lambda: True) as first,
        sidecar(tmp_path, {"up": everything_json}, policy="starter", more=more) as gate,
    ):
        assert _refusal(gate) == "not_granted"
        agentgate("policy", "allow", "up", "add", "--state", gate.folders.state, check=True)
        _becomes(lambda: _refusal(gate) is None)
        assert first.terminate() == 0
        _becomes(lambda: _refusal(gate) == "engine_unavailable")
        with running(opa, log=log, ready=(place / "opa.sock").exists):
            _becomes(lambda: _refusal(gate) is None)
    assert gate.folders.verify()["ok"]
    assert bundle.stat().st_mode & 0o777 == 0o644


def test_what_is_wrong_with_the_place_is_said(tmp_path: Path) -> None:
    config = tmp_path / "agentgate.toml"
    config.write_text('[policy]\nopa_bundle = "none/bundle.tar.gz"\n')
    flags: list[str | Path] = [
        "--upstream",
        "up=http://127.0.0.1:9/mcp",
        "--state",
        tmp_path / "s",
        "--evidence",
        tmp_path / "e",
    ]
    done = agentgate("config", "check", "-c", config, *flags)
    assert done.returncode == 64
    said = done.stdout + done.stderr
    assert "is given, while no OPA is asked" in said
    assert "there is no folder" in said
