"""What a start pulls in: the sidecar stays small, and the offline verifier holds no way to the network."""

import subprocess
import sys

import pytest

from tests.peers.places import ROOT

HEAVY = {"mcp", "mcp_types", "pydantic", "sqlalchemy", "opentelemetry", "redis", "psycopg", "boto3", "jinja2", "httpx2"}
HEAVY |= {"regopy", "re2", "sqlite3"}
NETWORK = {"aiohttp", "socket", "ssl", "http", "urllib3", "asyncio", "uvloop", "requests", "httpx2"}

ROWS = [
    pytest.param("proxy.app", HEAVY, id="sidecar"),
    pytest.param("proxy.stdio", HEAVY, id="wrap"),
    pytest.param("policy.embedded", NETWORK - {"asyncio", "socket", "ssl"} | HEAVY, id="embedded-engine"),
    pytest.param("evidence.verify", NETWORK | HEAVY, id="verify"),
    pytest.param("evidence.pack.verifying", NETWORK | HEAVY, id="verify-a-pack"),
    pytest.param("agentgate", NETWORK | HEAVY | {"proxy", "policy", "evidence", "cryptography"}, id="command-line"),
]


def _loaded(module: str) -> set[str]:
    """The top-level names of all that a fresh interpreter has loaded after importing one module."""
    code = f"import sys, {module}; sys.stdout.write(' '.join(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(("module", "unwanted"), ROWS)
def test_a_start_does_not_load(module: str, unwanted: set[str]) -> None:
    assert _loaded(module) & unwanted == set()
