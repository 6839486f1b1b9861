"""What a wrapped server is called."""

import pytest

from proxy.settings.addresses import upstream_name
from proxy.settings.naming import name_of, sanitised

ROWS = [
    pytest.param("npx -y @modelcontextprotocol/server-filesystem /w", "server-filesystem", id="npx-scope"),
    pytest.param("npx --yes @scope/pkg@1.2.3", "pkg", id="npx-version"),
    pytest.param("npx pkg@latest", "pkg", id="npx-tag"),
    pytest.param("npx -p @a/b run-it", "run-it", id="npx-package-option"),
    pytest.param("/usr/local/bin/npx -y X_Y.z", "x-y-z", id="path-and-letters"),
    pytest.param("C:/nodejs/npx.cmd x", "x", id="windows"),
    pytest.param("uvx mcp-server-git", "mcp-server-git", id="uvx"),
    pytest.param("uvx --from git+https://h/r tool", "tool", id="uvx-from"),
    pytest.param("uvx mcp-server-time[extra]==1.0", "mcp-server-time", id="uvx-extras"),
    pytest.param("uv tool run mcp-server-fetch", "mcp-server-fetch", id="uv-tool-run"),
    pytest.param("pipx run mcp-x", "mcp-x", id="pipx"),
    pytest.param("pnpm dlx @a/mcp-x", "mcp-x", id="pnpm"),
    pytest.param("python3 -m my_server --x", "my-server", id="python-module"),
    pytest.param("python3 server.py", "python3", id="python-file"),
    pytest.param("/opt/bin/My.Server", "my-server", id="program"),
    pytest.param("npx -y", "npx", id="no-package"),
    pytest.param("###", "server", id="nothing-left"),
]


@pytest.mark.parametrize(("command", "name"), ROWS)
def test_the_name_of_a_command(command: str, name: str) -> None:
    assert name_of(command.split()) == name
    assert upstream_name(name) == name


def test_a_long_name_is_cut_to_what_fits() -> None:
    assert upstream_name(sanitised("a" * 62 + "--b" * 9)) == "a" * 62
