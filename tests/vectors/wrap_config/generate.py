"""Makes each NAME.after.json from its NAME.before.json, as `wrap-config` rewrites it; `--check` only compares."""

import sys
from pathlib import Path
from typing import Final

from proxy.wrap_config import applied, wrapped

HERE: Final = Path(__file__).parent
PROGRAM: Final = "/opt/agentgate/bin/agentgate"


def after(before: Path) -> bytes:
    """The rewritten text."""
    text = before.read_bytes().decode()
    return applied(text, wrapped(text, PROGRAM)).encode()


def main(arguments: list[str]) -> int:
    """Write or compare all; 1 if a file differs."""
    stale = []
    for before in sorted(HERE.glob("*.before.json")):
        target = before.with_name(before.name.replace(".before.", ".after."))
        text = after(before)
        if "--check" not in arguments:
            target.write_bytes(text)
        elif not target.exists() or target.read_bytes() != text:
            stale.append(target.name)
    sys.stderr.write("".join(f"{name} differs: make it again\n" for name in stale))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
