"""Which versions a run of the matrix is about: read from the locks that the peers are installed from."""

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tests.peers.places import NODE, ROOT

_PIN: Final = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", re.MULTILINE)


def locked(package: str, lock: str) -> str:
    """The version of a package in `requirements/LOCK.txt`, or of the lock `npm` among the npm packages; or KeyError."""
    if lock == "npm":
        packages = json.loads((ROOT / "tests/peers/npm/package-lock.json").read_bytes())["packages"]
        return str(packages[f"node_modules/{package}"]["version"])
    pins: dict[str, str] = dict(_PIN.findall((ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")))
    return pins[package]


def platform() -> str:
    """AgentGate with its revision, and what the clients and servers ran on."""
    python = ".".join(map(str, sys.version_info[:3]))
    return f"agentgate {version('agentgate')}, revision {_revision(ROOT)}, Python {python}, Node {_node()}"


def _revision(tree: Path) -> str:
    done = subprocess.run(
        ["git", "-C", str(tree), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _node() -> str:
    return subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout.strip().lstrip("v")
