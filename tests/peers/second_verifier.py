"""The verifier in Go, which knows our pages and none of our code."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.peers.places import VERIFIER


def said_of(*arguments: str | Path) -> dict[str, Any]:
    """What it says."""
    assert VERIFIER.is_file(), "scripts/setup_verifier.sh builds it"
    done = subprocess.run([VERIFIER, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    found = dict(json.loads(done.stdout))
    assert found["ok"] is (found["rule"] is None) is (done.returncode == 0)
    return found
