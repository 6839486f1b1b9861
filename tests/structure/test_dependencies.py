"""Dependencies: each with its reason, each locked by hash, and no address of where they come from."""

import ast
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from scripts.check_text import PATTERNS, findings
from tests.peers.places import ROOT

REQUIREMENTS = ROOT / "requirements"
_PACKAGES = {"jwt": "pyjwt", "prometheus_client": "prometheus-client", "re2": "google-re2"}
LOCKS = sorted(path.name for path in REQUIREMENTS.glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def _wanted(name: str) -> dict[str, str]:
    """Each requirement of an .in file, with the reason that stands beside it."""
    lines = [line for line in (REQUIREMENTS / name).read_text("utf-8").splitlines() if line[0] not in "#-"]
    return {requirement.strip(): reason.strip() for requirement, _, reason in (line.partition("#") for line in lines)}


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("name", sorted(path.name for path in REQUIREMENTS.glob("*.in")))
def test_each_dependency_has_a_reason(name: str) -> None:
    assert [wanted for wanted, reason in _wanted(name).items() if len(reason) < 10] == []


def test_the_distribution_declares_what_is_locked() -> None:
    assert set(PROJECT["dependencies"]) == set(_wanted("runtime.in"))
    assert set(PROJECT["optional-dependencies"]["central"]) == set(_wanted("central.in"))
    assert _names(PROJECT["optional-dependencies"]["demo"]) < _names(list(_wanted("demo.in")))


@pytest.mark.parametrize("name", LOCKS)
def test_each_locked_line_has_hashes(name: str) -> None:
    text = (REQUIREMENTS / name).read_text("utf-8")
    blocks = re.split(r"\n(?=\S)", text.strip())
    packages = [block for block in blocks if not block.startswith("#")]
    assert packages
    assert [block.split()[0] for block in packages if "--hash=sha256:" not in block] == []
    assert "://" not in text


@pytest.mark.parametrize("name", ["runtime.txt", "central.txt", "demo.txt"])
def test_one_environment_satisfies_all_locks(name: str) -> None:
    pinned = re.compile(r"^([a-z0-9][\w.-]*)==(\S+)", re.MULTILINE)
    everything = dict(pinned.findall((REQUIREMENTS / "dev.txt").read_text("utf-8")))
    assert dict(pinned.findall((REQUIREMENTS / name).read_text("utf-8"))).items() <= everything.items()


def test_node_packages_are_locked_by_hash_and_run_no_script() -> None:
    lock = json.loads((ROOT / "tests/peers/npm/package-lock.json").read_text("utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert [name for name, package in packages.items() if "integrity" not in package] == []
    assert [name for name, package in packages.items() if "resolved" in package] == []
    installs = re.findall(r"npm ci .*", (ROOT / "scripts/setup_peers.sh").read_text("utf-8"))
    assert installs
    assert [install for install in installs if "--ignore-scripts" not in install] == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        pytest.param("a package registry's host", "https://registry." + "npm" + "js.org/x", id="registry"),
        pytest.param("a private key", "-----BEGIN EC " + "PRIVATE KEY-----", id="private-key"),
        pytest.param("a cloud access key", "AKI" + "A" + "Z" * 16, id="cloud-key"),
        pytest.param("a GitHub token", "gh" + "p_" + "a" * 36, id="token"),
        pytest.param("a path of a build machine", "see /roo" + "t/notes", id="path"),
    ],
)
def test_text_that_must_not_be_committed_is_found(what: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text(f"first\n{text}\n")
    assert list(findings(file)) == [f"{file}:2: {what}"]
    assert what in PATTERNS


def test_the_demo_can_start_all_that_it_starts() -> None:
    """Its environment has what central, the witness and the sidecar import, and no more is installed for it."""
    ours = {"agentgate", "central", "evidence", "policy", "proxy"}
    wanted = set()
    for path in (file for folder in ("central", "evidence") for file in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Import():
                    wanted |= {alias.name.split(".")[0] for alias in node.names}
                case ast.ImportFrom(module=str(module), level=0):
                    wanted.add(module.split(".")[0])
    lock = (REQUIREMENTS / "demo.txt").read_text("utf-8")
    packages = wanted - ours - sys.stdlib_module_names
    missing = {name for name in packages if not re.search(rf"^{_PACKAGES.get(name, name)}==", lock, re.MULTILINE)}
    assert "sqlalchemy" in packages
    assert missing == set()
