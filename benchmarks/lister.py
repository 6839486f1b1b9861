"""`python -m benchmarks.lister PORT PATH REPEATS`: reads one list again and again, in a process of its own.

Prints a JSON object: `milliseconds` of each reading after the first, and `names`, the digest of those in the last.
"""

import hashlib
import json
import sys
from collections.abc import Iterable

from benchmarks.asking import Asker
from benchmarks.load import Target


def main(port: str, path: str, repeats: str) -> None:
    """Read, then print."""
    asker = Asker(Target(int(port), path))
    taken = [asker.ask("tools/list", {}) for _ in range(int(repeats) + 1)]
    tools = json.loads(taken[-1][1]).get("result", {}).get("tools", ())
    found = {"milliseconds": [each[0] for each in taken[1:]], "names": digest(tool["name"] for tool in tools)}
    json.dump(found, sys.stdout)


def digest(names: Iterable[str]) -> str:
    """One value for many names: what is printed has to fit into a pipe that nobody reads until the end."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


if __name__ == "__main__":
    main(*sys.argv[1:])
