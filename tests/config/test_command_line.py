"""The program as a user meets it: exit codes, help, and what a command loads."""

import importlib
import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import agentgate
from tests.peers.places import AGENTGATE, ROOT


def run(*arguments: str, cwd: Path = ROOT, **environ: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), **environ}
    return subprocess.run(
        [AGENTGATE, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False, env=environment
    )


CODES = [
    pytest.param(["--help"], 0, "commands:", id="help"),
    pytest.param(["--version"], 0, "agentgate ", id="version"),
    pytest.param([], 64, "the following arguments are required: COMMAND", id="no-command"),
    pytest.param(["frobnicate"], 64, "invalid choice", id="unknown-command"),
    pytest.param(["sidecar", "--list", "x"], 64, "unrecognized arguments: --list", id="no-abbreviations"),
    pytest.param(["sidecar"], 64, "upstreams: there is none", id="configuration"),
    pytest.param(["wrap", "--state", "/dev/null/s", "--", "true"], 64, "/dev/null/s cannot be made", id="bad-state"),
    pytest.param(["wrap"], 64, "there is no command", id="wrap-without-a-command"),
    pytest.param(
        ["wrap", "--policy", "/no/such", "--", "true"], 64, "--policy: there is no /no/such", id="wrap-policy"
    ),
    pytest.param(["wrap", "--", "/no/such/server"], 64, "/no/such/server", id="wrap-command-not-there"),
    pytest.param(["config", "check", "--upstream", "a=https://h/"], 0, "ok\n  listen ", id="config-check"),
    pytest.param(["config", "check", "-c", "/no.toml"], 64, "/no.toml: cannot be read", id="config-check-bad"),
    pytest.param(["explain", "not_granted"], 0, "Nobody has granted this.", id="explain"),
    pytest.param(["explain", "-31403"], 0, "Policy says no.", id="explain-a-number"),
    pytest.param(["explain", "--json", "69"], 0, '"exit": 69', id="explain-json"),
    pytest.param(["explain", "not_grnted"], 1, "Did you mean not_granted", id="explain-unknown"),
    pytest.param(["config", "reference"], 0, "# Configuration", id="reference"),
    pytest.param(["config", "reference", "--check", "/dev/null"], 1, "is not what the types say", id="reference-stale"),
    pytest.param(["verify", "/no/such"], 64, "no such folder or pack", id="verify-nothing"),
    pytest.param(["pack", "show", "/no/such"], 64, "/no/such cannot be read: No such file", id="pack-show-nothing"),
    pytest.param(["pack", "html", "/no/such"], 64, "name a file that agentgate pack export", id="pack-html-nothing"),
    pytest.param(["records", "/no/such"], 64, "no such folder", id="records-nothing"),
    pytest.param(["wrap-config", "/no/such"], 64, "No such file", id="wrap-config-nothing"),
    pytest.param(["kill"], 64, "name at least one of", id="order-without-scope"),
    pytest.param(["policy"], 64, "arguments are required", id="policy-without-a-word"),
    pytest.param(["policy", "list"], 0, "no grants", id="policy-list"),
    pytest.param(["policy", "allow", "files", "read", "--argument", "p=under:/srv"], 0, "grant:", id="policy-allow"),
    pytest.param(["policy", "allow", "files", "read", "--argument", "p"], 64, "not NAME=RULE:VALUE", id="policy-rule"),
    pytest.param(["policy", "allow", "f", "r", "--argument", "p=is:1"], 64, "no rule 'is' is known", id="policy-kind"),
    pytest.param(["policy", "deny", "files", "*"], 0, "deny", id="policy-deny"),
    pytest.param(["policy", "denied"], 0, "", id="policy-denied-nothing"),
    pytest.param(["policy", "check", "--policy", "observe"], 0, "observe: sha256:", id="policy-check"),
    pytest.param(["policy", "check", "--policy", "/no/such"], 1, "/no/such", id="policy-check-bad"),
    pytest.param(["kill", "--agent", "a"], 0, "order 1: kill agent a", id="order"),
]


@pytest.mark.parametrize(("arguments", "code", "text"), CODES)
def test_exit_codes(tmp_path: Path, arguments: list[str], code: int, text: str) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, text in done.stdout + done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_failure_names_what_explains_it(tmp_path: Path) -> None:
    done = run("wrap", "--", "/no/such/server", cwd=tmp_path)
    *_, last = done.stderr.splitlines()
    assert last == "(agentgate explain CannotStart has more)"
    assert run("explain", "CannotStart", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("command", agentgate.COMMANDS)
def test_each_command_has_help_with_an_example(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"example:\n  agentgate {command}" in done.stdout


@pytest.mark.parametrize("name", agentgate.CODES)
def test_each_exception_with_a_code_exists(name: str) -> None:
    module, _, kind = name.rpartition(".")
    assert issubclass(getattr(importlib.import_module(module), kind), Exception)


def test_the_unexpected_is_70_and_shows_its_trace_on_demand(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff")
    arguments = ("config", "reference", "--check", str(tmp_path / "binary"))
    short, long = run(*arguments, cwd=tmp_path), run(*arguments, cwd=tmp_path, AGENTGATE_DEBUG="1")
    assert (short.returncode, long.returncode) == (70, 70)
    assert short.stderr.startswith("agentgate config: unexpected UnicodeDecodeError")
    assert "Traceback" not in short.stderr
    assert "Traceback" in long.stderr


_WITHOUT = """
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name == {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Without())
import agentgate
sys.exit(agentgate.main({arguments!r}))
"""


@pytest.mark.parametrize(
    ("command", "missing"),
    [("central", "sqlalchemy"), ("central", "central"), ("witness", "central")],
)
def test_a_command_whose_packages_are_not_installed_says_so(tmp_path: Path, command: str, missing: str) -> None:
    program = _WITHOUT.format(missing=missing, arguments=[command, "--state", str(tmp_path / "state")])
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 69
    wanted = f"agentgate {command}: needs {missing}, which is not installed: pip install 'agentgate[central]'\n"
    assert done.stderr == wanted


def test_a_reader_that_has_enough_ends_a_command_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(
            [AGENTGATE, "config", "reference"], stdout=closed, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")


def test_an_order_has_its_reason_and_its_issuer(tmp_path: Path) -> None:
    for verb in ("quarantine", "release"):
        assert run(verb, "--upstream", "files", "--reason", "why", "--state", str(tmp_path)).returncode == 0
    lines = (tmp_path / "orders.jsonl").read_text().splitlines()
    assert len(lines) == 2
    assert "why" in lines[0]
    assert pwd.getpwuid(os.getuid()).pw_name in lines[0]


def test_verify_loads_no_network_code(tmp_path: Path) -> None:
    code = (
        f"import sys, agentgate; agentgate.main(['verify', {str(tmp_path)!r}]); sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert {"evidence.verify", "proxy.commands.evidence"} <= set(done.stderr.split())
    assert {"socket", "ssl", "asyncio", "aiohttp", "proxy.config"} & set(done.stderr.split()) == set()
