"""A client behind a sidecar: `python -m tests.conformance.client_through URL` runs the client against a sidecar's URL.

The sidecar is started for this one client, in front of the URL that the suite gives, and ends with it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.oauth.places import passing
from tests.peers.places import ROOT

CLIENT: Final = (sys.executable, "-W", "ignore", "-m", "tests.conformance.client_everything")


def main(url: str) -> int:
    """The client's own exit code."""
    with tempfile.TemporaryDirectory() as folder, passing(Path(folder, "gate"), {"scenario": url}) as gate:
        return subprocess.run([*CLIENT, gate.url("scenario")], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[-1]))
