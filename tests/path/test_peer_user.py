"""On a Unix socket the kernel says which user calls: only the configured one is the agent."""

import http.client
import os
import socket
from pathlib import Path

import pytest

from tests.peers.places import AGENTGATE
from tests.peers.processes import running
from tests.peers.raw import document, modern_headers
from tests.peers.sidecar import Folders, agentgate, is_ready


def _post(path: Path) -> int:
    connection = http.client.HTTPConnection("localhost", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(path))
    body = document("tools/call", {"name": "echo", "arguments": {}})
    try:
        connection.request("POST", "/up", body=body, headers=modern_headers("tools/call", "echo"))
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("uid", "status"),
    [pytest.param(os.getuid(), 200, id="the-agent"), pytest.param(os.getuid() + 4242, 401, id="somebody-else")],
)
def test_only_the_configured_user_is_the_agent(tmp_path: Path, uid: int, status: int) -> None:
    folders, listen = Folders.under(tmp_path), tmp_path / "mcp.sock"
    config = tmp_path / "agentgate.toml"
    config.write_text(f"[identity]\nagent_uid = {uid}\n")
    command = [str(AGENTGATE), "sidecar", "-c", str(config), "--listen", f"unix:{listen}", *folders.flags()]
    command += ["--upstream", "up=http://127.0.0.1:9/mcp"]
    with running(command, log=tmp_path / "log", ready=lambda: is_ready(folders.state)):
        assert _post(listen) == status
        assert listen.stat().st_mode & 0o777 == 0o600
    assert agentgate("verify", folders.evidence).returncode == 0
