"""`agentgate completeness`, against a central and on a folder: what it says, and the exit code."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.central.ledger.gate import Gate
from tests.central.shipping import posted, registered
from tests.peers.central import Central, central
from tests.peers.processes import free_port
from tests.peers.sidecar import agentgate

pytestmark = pytest.mark.xdist_group("completeness_command")

TOKENS = {"acme": "a" * 40, "umbrella": "u" * 40}
FROM, TO = "2026-09-21T14:13:20Z", "2026-09-21T15:13:20Z"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    made = central(tmp_path_factory.mktemp("completeness") / "central")
    closed, killed = Gate(), Gate(name="gate-2", tenant="umbrella")
    registered(made, [closed, killed])
    lines = []
    for tenant, token in TOKENS.items():
        (made.folder / tenant).write_text(token + "\n")
        digest = hashlib.sha256(token.encode()).hexdigest()
        lines.append(f'[readers.{tenant}]\ntenant = "{tenant}"\ntoken_sha256 = "{digest}"\n')
    (made.folder / "readers.toml").write_text("".join(lines))
    (made.folder / "nobody").write_text("x" * 40)
    with made.started():
        posted(made, closed, closed.start().calls("a").close().head().batch())
        posted(made, killed, killed.start().calls("a").head().batch())
        yield made


ROWS = [
    pytest.param("acme", [], 0, "nothing is missing between", id="complete"),
    pytest.param("umbrella", [], 1, "unheard", id="killed"),
    pytest.param("acme", ["--sidecar", "gate-2"], 1, "there is no record between", id="another-tenants-sidecar"),
    pytest.param("nobody", [], 64, "no reader has this token", id="an-unknown-token"),
    pytest.param("missing", [], 64, "No such file", id="no-token-file"),
    pytest.param("acme", ["--key", "k"], 64, "takes no --key", id="a-key"),
    pytest.param("acme", ["--to", FROM], 64, "is not later than", id="no-span"),
]


@pytest.mark.parametrize(("token", "more", "code", "says"), ROWS)
def test_of_central(place: Central, token: str, more: list[str], code: int, says: str) -> None:
    asked: list[str | Path] = [
        "--central",
        place.url,
        "--token-file",
        place.folder / token,
        "--from",
        FROM,
        "--to",
        TO,
        *more,
    ]
    said = agentgate("completeness", *asked)
    assert (said.returncode, says in said.stdout) == (code, True), said.stdout


def test_as_json(place: Central) -> None:
    asked: list[str | Path] = [
        "--central",
        place.url,
        "--token-file",
        place.folder / "umbrella",
        "--from",
        FROM,
        "--to",
        TO,
    ]
    said = agentgate("completeness", *asked, "--json")
    (chain,) = json.loads(said.stdout)["chains"]
    assert (said.returncode, chain["sidecar"], chain["lacks"][0]["code"]) == (1, "gate-2", "unheard")


def test_a_central_that_is_away(place: Central) -> None:
    asked: list[str | Path] = ["--token-file", place.folder / "acme", "--from", FROM, "--to", TO]
    said = agentgate("completeness", "--central", f"http://127.0.0.1:{free_port()}", *asked)
    assert (said.returncode, "does not answer" in said.stdout) == (69, True)
    said = agentgate("completeness", "--central", "http://central.example", *asked)
    assert (said.returncode, "https, or http on loopback" in said.stdout) == (64, True)


def test_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "chain-1"
    folder.mkdir()
    gate = Gate().start().calls("a").close().head()
    (folder / "records-00000001.tsv").write_bytes(b"".join(line for _, line in gate.lines))
    (folder / "keys.jsonl").write_bytes(b"".join(key for _, key in gate.keys))
    said = agentgate("completeness", folder, "--from", FROM, "--to", TO)
    assert said.stdout.endswith(f"nothing is missing between {FROM} and {TO}\n"), said.stdout
    assert said.returncode == 0
    assert agentgate("completeness", "--from", FROM, "--to", TO).returncode == 64
