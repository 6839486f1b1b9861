"""Where the set-up scripts put the peers; the same names as in scripts/places.sh."""

import hashlib
import os
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
BIN: Final = Path(sys.executable).parent
AGENTGATE: Final = BIN / "agentgate"
_CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agentgate"  # noqa: TID251


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


_NPM: Final = ROOT / "tests/peers/npm"
NODE_PACKAGES: Final = _CACHE / f"npm-{_digest(_NPM / 'package.json', _NPM / 'package-lock.json')}"
NODE: Final = NODE_PACKAGES / "node_modules/.bin/node"


def _python(environment: str) -> Path:
    digest = _digest(ROOT / f"requirements/{environment}.txt")
    return _CACHE / f"{environment}-{digest}" / "bin/python"


OLD_PYTHON: Final = _python("mcp130")
FRAMEWORKS_PYTHON: Final = _python("frameworks")
FETCHING_PYTHON: Final = _python("fetching")
SQLITE_PYTHON: Final = _python("sqlite")
_GO: Final = ROOT / "tests/peers/go"
_GO_SOURCES: Final = [file for name in ("go.mod", "go.sum", "main.go") for file in sorted(_GO.glob(f"*/{name}"))]
LOG_PEERS: Final = _CACHE / f"log-peers-{_digest(*_GO_SOURCES)}"
VERIFIER: Final = _CACHE / f"verifier-{_digest(*sorted((ROOT / 'tests/peers/verifier').iterdir()))}" / "verifier"
OPA: Final = _CACHE / "opa-1.22.2/opa"


def node_program(package: str) -> list[str]:
    """The command of an npm package's program: `[node, its file]`."""
    return [str(NODE), str(NODE_PACKAGES / "node_modules/.bin" / package)]
