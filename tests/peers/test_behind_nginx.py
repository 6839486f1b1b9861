"""nginx before the sidecar, as installations have it: streams pass while they grow, and a cancel goes all the way."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.peers import clients, servers
from tests.peers.clients import McpClient
from tests.peers.fixtures import StartSidecar
from tests.peers.processes import accepts, free_port, running
from tests.peers.steps import call, call_cancelled, call_with_progress

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[int]:
    """A reverse proxy before one loopback port; gives the port that it listens on."""
    port, file = free_port(), folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(folder=folder, port=port, upstream=upstream))
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    assert program is not None
    with running([program, "-c", file], log=folder / "nginx.log", ready=lambda: accepts(port)):
        yield port


@pytest.mark.parametrize(
    "client", [pytest.param(one, id=one.name) for one in (*clients.MODERN_CLIENTS, clients.PYTHON_OLD)]
)
def test_a_client_behind_nginx(client: McpClient, tmp_path: Path, sidecar: StartSidecar) -> None:
    with servers.everything(tmp_path) as server:
        gate = sidecar({"everything": server})
        with nginx(tmp_path, gate.port) as port:
            echoed, slow, cancelled = client.run(
                f"http://127.0.0.1:{port}/everything",
                [
                    call("echo", {"text": "hi"}),
                    call_with_progress("slow", {"seconds": 0.4}),
                    call_cancelled("slow", {"seconds": 20}, after_seconds=0.3),
                ],
            ).outcomes
        phases = [line["phase"] for line in server.lines() if line["method"] == "tools/call"]
    assert echoed["text"] == "hi"
    assert slow["progress"] == [1, 2, 3, 4]
    assert cancelled == {"cancelled": True}
    assert phases[-1] == "cancelled"
    assert gate.program.terminate() == 0
    assert gate.folders.verify()["ok"]
