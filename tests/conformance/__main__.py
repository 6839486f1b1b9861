"""`python -m tests.conformance [--json] [--only WORD]… [--write]`: the MCP suite without and with AgentGate.

`--urls DIRECT THROUGH` compares two URLs instead. Progress goes to stderr. Exit code 1 if anything is unexplained.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from evidence.clock import SystemClock
from tests.conformance.client_suite import SCENARIOS
from tests.conformance.comparing import ROWS, Compared, compared_client, compared_server
from tests.conformance.page import Run, as_json, kept, text
from tests.conformance.suite import REQUIREMENTS, differences, run
from tests.matrix.versions import platform
from tests.peers.progress import say

_Of = TypeVar("_Of", bound=str)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what was asked for."""
    asked = _parser().parse_args(arguments)
    if asked.urls:
        return _two_urls(*asked.urls)
    servers = [(name, of) for name, of in ROWS if _chosen(f"{name} {of}", asked.only)]
    clients = [(name, of) for of, names in SCENARIOS.items() for name in names if _chosen(f"{name} {of}", asked.only)]
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder, ThreadPoolExecutor(asked.jobs) as pool:
        found = Run(
            SystemClock().now().rfc3339()[:10],
            platform(),
            dict(zip(servers, pool.map(_told(compared_server, Path(folder, "servers")), servers), strict=True)),
            dict(zip(clients, pool.map(_told(compared_client, Path(folder, "clients")), clients), strict=True)),
        )
    sys.stdout.write(as_json(found) if asked.json else text(found))
    if asked.write:
        kept(found)
    return 1 if found.unexplained() else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description="The conformance comparison.")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--write", action="store_true", help="write the page docs/conformance.md")
    parser.add_argument("--only", action="append", default=[], metavar="WORD", help="what has it in its name")
    parser.add_argument("--jobs", type=int, default=2, help="comparisons at the same time (default: 2)")
    parser.add_argument("--urls", nargs=2, metavar=("DIRECT", "THROUGH"), help="compare two servers that run")
    return parser


def _chosen(name: str, words: Sequence[str]) -> bool:
    return all(word in name for word in words)


def _told(compare: Callable[[str, _Of, Path], Compared], folder: Path) -> Callable[[tuple[str, _Of]], Compared]:
    def one(what: tuple[str, _Of]) -> Compared:
        place = folder / "-".join(what).replace("/", "-")
        place.mkdir(parents=True)
        found = compare(*what, place)
        said = f"{found.checks} checks, {len(found.otherwise)} otherwise, {len(found.unexplained)} unexplained"
        say(" at ".join(what) + f": {said}")
        for difference in found.unexplained:
            say(f"    {difference}")
        return found

    return one


def _two_urls(direct_url: str, through_url: str) -> int:
    changes = 0
    for requirements in REQUIREMENTS:
        with tempfile.TemporaryDirectory() as folder:
            direct = run(direct_url, requirements, Path(folder, "direct"))
            through = run(through_url, requirements, Path(folder, "through"))
        changed = differences(direct, through)
        changes += len(changed)
        sys.stdout.write(f"{requirements}: {direct.total()} checks, {len(changed)} come out otherwise\n")
        sys.stdout.writelines(f"  {difference}\n" for difference in changed)
    return 1 if changes else 0


if __name__ == "__main__":
    sys.exit(main())
