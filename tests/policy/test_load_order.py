"""The embedded engine does not run where another library brought the C++ runtime before it."""

import subprocess
import sys

import pytest

from policy.interpreter import loaded_late
from tests.peers.places import ROOT

ENGINE = """
from policy.bundle import load
from policy.engine import EngineUnavailable
from policy.interpreter import Compiled
try:
    Compiled(load("starter", grants=None))
except EngineUnavailable as refused:
    raise SystemExit(3)
"""


@pytest.mark.parametrize(
    ("modules", "late"),
    [
        pytest.param(["sys", "regopy"], False, id="alone"),
        pytest.param(["regopy", "frozenlist._frozenlist"], False, id="before"),
        pytest.param(["frozenlist._frozenlist", "aiohttp", "regopy"], True, id="after"),
    ],
)
def test_the_order_is_seen(modules: list[str], *, late: bool) -> None:
    assert loaded_late(modules) is late


@pytest.mark.parametrize(
    ("first", "code"),
    [
        pytest.param("import aiohttp", 3, id="aiohttp-first"),
        pytest.param("import regopy, aiohttp", 0, id="regopy-first"),
    ],
)
def test_the_engine_runs_only_where_it_is_safe(first: str, code: int) -> None:
    done = subprocess.run([sys.executable, "-c", f"{first}\n{ENGINE}"], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == code


def test_a_sidecar_with_the_embedded_engine_loads_it_first() -> None:
    look = "import sys; from policy.interpreter import loaded_late; raise SystemExit(loaded_late(list(sys.modules)))"
    start = "import proxy.commands.processes; import policy.embedded; import proxy.app"
    done = subprocess.run([sys.executable, "-c", f"{start}\n{look}"], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 0
