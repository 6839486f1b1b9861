"""A bundle server before real processes: a sidecar that changes its decision, and OPA itself at the same server."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from policy.opa_process import find_opa
from proxy.config import environment
from tests.attacks.documents import CALL
from tests.attacks.gates import Gate, Gates
from tests.attacks.stories import passed
from tests.path.messages import call
from tests.peers.processes import free_port, running
from tests.policy.bundle_servers import PATH, Shelf, served
from tests.policy.tampering import KEYID, files, good, key, public_pem, signed

SOON = 20.0


def _until(said: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not said():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  (loopback, and http, by the callers below)
        return json.loads(answer.read())


def _ready(gate: Gate) -> dict[str, Any]:
    found: dict[str, Any] = _get(f"http://127.0.0.1:{gate.admin_port}/readyz")
    return found


@contextmanager
def _sidecar(place: Path, shelf: Shelf) -> Iterator[Gate]:
    place.mkdir(exist_ok=True)
    (place / "release.pem").write_bytes(public_pem(key()))
    (place / "token").write_text("s3cret-token\n")
    lines = f'[policy]\nkeys = {{"{KEYID}" = "release.pem"}}\n[policy.server]\ntoken = "@token"\npoll_seconds = 1\n'
    with ExitStack() as stack:
        gates = Gates(place / "gates", stack)
        yield stack.enter_context(gates.gate(policy=shelf.url + "?sig=s3cret-query", lines=lines, folder=place))


@pytest.mark.parametrize("waits", [False, True], ids=["polling", "waiting"])
def test_a_sidecar_changes_its_decision_with_the_server(tmp_path: Path, waits: bool) -> None:  # noqa: FBT001
    shelf = Shelf(good(7), waits=waits, token="s3cret-token")
    more = {**files(8), "data.json": b'{"tools": ["echo", "pay"]}'}
    with served(shelf) as put, _sidecar(tmp_path / "one", shelf) as gate:
        passed(gate.ask(CALL))
        assert b"not_listed" in gate.ask(call(2, "pay")).body
        put(signed(more))
        _until(lambda: _ready(gate)["policy"]["version"] == 8)
        passed(gate.ask(call(3, "pay")))
        put(good(6))
        _until(lambda: bool(_ready(gate)["notes"]))
        found = _ready(gate)
        assert "version 6: the active one is 8" in found["notes"][0]
        assert (found["policy_server"]["url"], found["policy_server"]["problem"]) == (shelf.url, None)
        assert found["policy_server"]["confirmed_seconds"] < SOON
        shelf.token = "another"
        put(good(9))
        _until(lambda: _ready(gate)["policy_server"]["problem"] is not None)
        assert "401" in _ready(gate)["policy_server"]["problem"]
        passed(gate.ask(call(4, "pay")))
        shelf.token = "s3cret-token"
        _until(lambda: _ready(gate)["policy"]["version"] == 9 and _ready(gate)["policy_server"]["problem"] is None)
        time.sleep(0.2)  # What was told to evidence is written by then.
        events = [each.get("event") for each in gate.trail.more()]
    assert {"policy_activated", "policy_refused", "policy_server_failed", "policy_server_back"} <= set(events)
    written = b"".join(
        path.read_bytes() for path in (tmp_path / "one").rglob("*") if path.is_file() and path.name != "token"
    )
    configured = (tmp_path / "one" / "agentgate.toml").read_bytes()
    assert b"s3cret" not in written.replace(configured, b"")


def test_a_sidecar_starts_without_its_server_where_it_had_one(tmp_path: Path) -> None:
    shelf = Shelf(good(7), token="s3cret-token")
    place = tmp_path / "one"
    with served(shelf), _sidecar(place, shelf) as gate:
        passed(gate.ask(CALL))
    with _sidecar(place, shelf) as gate:
        passed(gate.ask(CALL))
        found = _ready(gate)
        assert found["policy_server"]["confirmed_seconds"] is None
        assert "no connection" in found["notes"][0]


def test_opa_itself_takes_the_same_bundles_from_the_same_server(tmp_path: Path) -> None:
    (tmp_path / "release.pem").write_bytes(public_pem(key()))
    port = free_port()
    shelf = Shelf(good(7), waits=True)
    with served(shelf) as put:
        configuration = {
            "services": {"ours": {"url": f"http://127.0.0.1:{shelf.port}"}},
            "bundles": {
                "agentgate": {
                    "service": "ours",
                    "resource": PATH.lstrip("/"),
                    "signing": {"keyid": KEYID},
                    "polling": {"long_polling_timeout_seconds": 10},
                }
            },
            "keys": {KEYID: {"algorithm": "ES256", "key": public_pem(key()).decode()}},
        }
        (tmp_path / "opa.json").write_text(json.dumps(configuration))
        command: list[str | Path] = [find_opa(environment()), "run", "--server", f"--addr=127.0.0.1:{port}"]
        command += ["--skip-version-check", "--config-file", tmp_path / "opa.json"]

        def revision() -> str:
            found = _get(f"http://127.0.0.1:{port}/v1/data/agentgate/listing?provenance=true")
            return str(found.get("provenance", {}).get("bundles", {}).get("agentgate", {}).get("revision"))

        def answers() -> bool:
            try:
                return revision() == "r7"
            except OSError:
                return False

        with running(command, log=tmp_path / "opa.log", ready=answers):
            put(good(8))
            _until(lambda: revision() == "r8")
    assert {each.get("Prefer") for each in shelf.asked} == {"modes=snapshot,delta;wait=10"}
    assert shelf.answered[:2] == [200, 200]
