"""`agentgate policy pin` with real servers: asks them as a client would, writes, and finds what has changed."""

import json
from pathlib import Path

import pytest

from tests.peers import servers
from tests.peers.servers import HttpServer
from tests.peers.sidecar import agentgate

pytestmark = pytest.mark.xdist_group("pinning")


def _pin(state: Path, *arguments: str | Path) -> tuple[int, str, str]:
    done = agentgate("policy", "pin", "--state", state, *arguments)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("server", ["everything_http", "everything_json", "npm_everything"])
def test_tools_of_an_http_server(tmp_path: Path, request: pytest.FixtureRequest, server: str) -> None:
    found: HttpServer = request.getfixturevalue(server)
    upstream = f"tools={found.url}"
    code, out, err = _pin(tmp_path, "tools", "--upstream", upstream)
    assert (code, err) == (0, "")
    tools = json.loads((tmp_path / "pins.json").read_text())["upstreams"]["tools"]
    assert "echo" in tools
    assert f"pinned {len(tools)} tools of tools" in out
    assert _pin(tmp_path, "tools", "--upstream", upstream, "--check") == (
        0,
        f"{len(tools)} tools of tools as pinned\n",
        "",
    )


def test_tools_of_a_wrapped_server_and_what_has_changed(tmp_path: Path) -> None:
    command = ["files", "--", *servers.filesystem(tmp_path).command]
    assert _pin(tmp_path, *command)[0] == 0
    lock = tmp_path / "pins.json"
    document = json.loads(lock.read_text())
    tools = document["upstreams"]["files"]
    tools["read_file"]["description"] = "reads nothing"
    tools["gone"] = tools.pop("write_file") | {"name": "gone", "description": "is not there"}
    lock.write_text(json.dumps(document))
    code, out, _ = _pin(tmp_path, "--check", *command)
    assert code == 1
    assert 'changed    read_file\n    ~ description: "reads nothing" -> ' in out
    assert "new        write_file\n" in out
    assert "vanished   gone\n" in out
    assert json.loads(lock.read_text()) == document, "a check writes nothing"
    found = json.loads(_pin(tmp_path, "--check", "--json", *command)[1])
    assert found["vanished"] == ["gone"]
    assert found["differing"]["write_file"] == {"is": "new", "difference": []}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["x", "--upstream", "x=http://127.0.0.1:1/mcp"], 69, "x: ", id="nobody-there"),
        pytest.param(["x", "--upstream", "y=http://127.0.0.1:1/mcp"], 64, "there is no upstream x", id="no-such-name"),
        pytest.param(["x", "--", "/no/such/program"], 69, "/no/such/program", id="no-such-program"),
        pytest.param(["x", "--", "true"], 69, "ended before it answered", id="a-program-that-says-nothing"),
    ],
)
def test_who_cannot_be_asked_is_named(tmp_path: Path, arguments: list[str], code: int, said: str) -> None:
    found, _, err = _pin(tmp_path, *arguments)
    assert found == code
    assert said in err
    assert not (tmp_path / "pins.json").exists()
