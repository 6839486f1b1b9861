"""The image as its Dockerfile makes it, step by step without an engine: what is in it, and that it serves."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.peers import raw
from tests.peers.places import ROOT
from tests.peers.processes import free_port, running
from tests.peers.servers import HttpServer
from tests.peers.sidecar import Folders, Sidecar, is_ready

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("image")]
NOTHING_ELSE = ["-i", "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1"]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root folder in which the Dockerfile's steps were carried out."""
    root = tmp_path_factory.mktemp("image")
    done = subprocess.run(
        [sys.executable, "scripts/dockerfile_steps.py", str(root)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return root


def test_the_wheel_holds_the_product_and_its_rego_and_nothing_else(image: Path) -> None:
    (wheel,) = (image / "opt/wheels").glob("agentgate-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {
        "agentgate.py",
        "central",
        "proxy",
        "policy",
        "evidence",
    }
    assert any(name.startswith("policy/rego/starter/") and name.endswith(".rego") for name in names)


def test_the_image_carries_no_installer_and_no_test_dependency(image: Path) -> None:
    (packages,) = (image / "opt/agentgate/lib").glob("python3*/site-packages")
    installed = {path.name.split("-")[0].lower() for path in packages.glob("*.dist-info")}
    assert "aiohttp" in installed
    assert installed & {"pip", "setuptools", "hatchling", "mcp", "pydantic", "pytest", "redis", "psycopg"} == set()


def test_the_image_serves(image: Path, everything_json: HttpServer, tmp_path: Path) -> None:
    port, state = free_port(), tmp_path / "agentgate"
    agentgate = str(image / "opt/agentgate/bin/agentgate")
    command = ["env", *NOTHING_ELSE, f"XDG_STATE_HOME={tmp_path}", agentgate, "sidecar"]
    flags = ["--listen", f"127.0.0.1:{port}", "--upstream", f"everything={everything_json.url}", "--policy", "observe"]
    with running([*command, *flags], log=tmp_path / "log", ready=lambda: is_ready(state)) as program:
        sidecar = Sidecar(program, port, Folders(state, state / "evidence"))
        assert sidecar.admin("/livez")[0] == 200
        echoed = raw.call(sidecar.url("everything"), "echo", {"text": "hi"})
        assert echoed.result()["content"][0]["text"] == "hi"
