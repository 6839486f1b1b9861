"""The admin listener: readiness, metrics, and whom it answers."""

import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from proxy.admin import Readiness, admin_app
from proxy.metrics import Level, Metrics
from tests.peers.sidecar import Folders, agentgate

Client = TestClient[Request, Application]
Serve = Callable[[Readiness], Awaitable[Client]]
READY = Readiness((), "uid", {"name": "starter", "revision": "sha256:0"}, reason="another user", more={"engine": "opa"})


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(["files"], "1.2.3")


@pytest.fixture
def serve(aiohttp_client: Callable[[TestServer], Awaitable[Client]], metrics: Metrics) -> Serve:
    async def start(readiness: Readiness) -> Client:
        return await aiohttp_client(TestServer(admin_app(lambda: readiness, metrics, names=frozenset({"Box.example"}))))

    return start


async def test_ready(serve: Serve) -> None:
    answer = await (await serve(READY)).get("/readyz")
    assert answer.status == 200
    assert json.loads(await answer.read()) == {
        "ready": True,
        "problems": [],
        "notes": [],
        "isolation": "uid",
        "isolation_reason": "another user",
        "policy": {"name": "starter", "revision": "sha256:0"},
        "engine": "opa",
    }


async def test_problems_make_it_unready_and_not_dead(serve: Serve) -> None:
    client = await serve(Readiness(("no room",), "none", None))
    ready, alive = await client.get("/readyz"), await client.get("/livez")
    assert (ready.status, alive.status) == (503, 200)
    assert (await ready.json())["problems"] == ["no room"]


HOSTS = [
    pytest.param("localhost", None, 200, id="localhost"),
    pytest.param("127.0.0.1:9", None, 200, id="address"),
    pytest.param("10.1.2.3:9", None, 200, id="address-of-a-pod"),
    pytest.param("[::1]:9", None, 200, id="ipv6"),
    pytest.param("box.example:9", None, 200, id="configured"),
    pytest.param("evil.example", None, 403, id="foreign-name"),
    pytest.param("127.0.0.1.evil.example", None, 403, id="looks-like-an-address"),
    pytest.param("localhost@evil.example", None, 403, id="user-part"),
    pytest.param("[::1].evil.example", None, 403, id="looks-like-ipv6"),
    pytest.param("localhost", "http://localhost", 403, id="a-page"),
]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/other"])
@pytest.mark.parametrize(("host", "origin", "status"), HOSTS)
async def test_who_is_answered(serve: Serve, host: str, origin: str | None, status: int, path: str) -> None:
    headers = {"Host": host} | ({"Origin": origin} if origin else {})
    answer = await (await serve(READY)).get(path, headers=headers)
    assert answer.status == (404 if status == 200 and path == "/other" else status)


async def test_metrics_are_bounded(serve: Serve, metrics: Metrics) -> None:
    metrics.ended("files", "tools/call", "completed")
    metrics.ended("made-up", "made/up", "failed")
    metrics.refused("", "host_not_allowed")
    metrics.reads(Level.IN_FLIGHT, lambda: 3)
    metrics.decided(0.0003)
    metrics.appended(0.00002)
    metrics.policy_activated()
    metrics.policy_refused()
    metrics.parser_refused()
    metrics.lost_outcome()
    for number in range(150):
        metrics.refused("files", f"code-{number}")
    answer = await (await serve(READY)).get("/metrics")
    text = await answer.text()
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    for line in (
        'agentgate_calls_total{method="tools/call",outcome="completed",upstream="files"} 1.0',
        'agentgate_calls_total{method="other",outcome="failed",upstream="other"} 1.0',
        'agentgate_refusals_total{code="host_not_allowed",upstream="none"} 1.0',
        'agentgate_refusals_total{code="other",upstream="files"} 51.0',
        "agentgate_in_flight 3.0",
        'agentgate_decision_seconds_bucket{le="0.0005"} 1.0',
        'agentgate_append_seconds_bucket{le="5e-05"} 1.0',
        'agentgate_policy_activations_total{result="activated"} 1.0',
        'agentgate_policy_activations_total{result="refused"} 1.0',
        "agentgate_parser_refusals_total 1.0",
        "agentgate_lost_outcomes_total 1.0",
        'agentgate_build_info{version="1.2.3"} 1.0',
    ):
        assert line in text


def test_who_does_not_listen_never_says_that_it_is_ready(tmp_path: Path) -> None:
    folders = Folders.under(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = agentgate("sidecar", "--listen", listen, *folders.flags(), "--upstream", "files=http://127.0.0.1:1/mcp")
    assert (ended.returncode, "already in use" in ended.stderr) == (69, True)
    assert not (folders.state / "admin.sock").exists()
