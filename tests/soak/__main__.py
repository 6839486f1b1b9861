"""`python -m tests.soak [--minutes N | --quick] [--json] [--only NAME]…`: does it last? Exit code 1 if a promise broke.

A run of all trials that is not the quick one writes docs/endurance.md and the curves beside it.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.report import aligned
from evidence.clock import SystemClock
from tests.peers.progress import say
from tests.soak import page
from tests.soak.trial import QUICK_MINUTES, Plan, Result, Trial
from tests.soak.trials import TRIALS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for, one trial after the other, and say what came of it."""
    given = _parsed(arguments)
    plan = Plan(QUICK_MINUTES if given.quick else given.minutes)
    raise_descriptor_limit()
    at, results = SystemClock().now().rfc3339(), dict[str, Result]()
    for trial in TRIALS:
        if not given.only or trial.name in given.only:
            results[trial.name] = run(trial, plan)
    shown = (
        json.dumps({name: asdict(result) for name, result in results.items()}, indent=1)
        if given.json
        else _text(results)
    )
    sys.stdout.write(shown + "\n")
    if not given.quick and not given.only:
        say(f"kept in {page.keep(at, plan, results)}")
    return 0 if all(result.kept for result in results.values()) else 1


def run(trial: Trial, plan: Plan) -> Result:
    """One trial, in a folder of its own that is gone afterwards."""
    begun = time.monotonic()
    say(f"{trial.name}: {trial.title}")
    with tempfile.TemporaryDirectory(prefix="agentgate-soak-") as folder:
        result = trial.run(Path(folder), plan, lambda line: say(f"    {line}"))
    broken = [promise.what for promise in result.promises if not promise.kept]
    say(f"    {time.monotonic() - begun:.0f} s, " + (f"BROKEN: {'; '.join(broken)}" if broken else "all kept"))
    return result


def raise_descriptor_limit() -> None:
    """A thousand streams need some thousand descriptors; what is started here inherits the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [trial.name for trial in TRIALS]
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Does it last?")
    add = parser.add_argument
    add("--minutes", type=float, default=5.0, help="for all trials together, about (default: 5)")
    add("--quick", action="store_true", help="seconds for each: shows that all trials run, not that anything lasts")
    add("--json", action="store_true", help="print the results as JSON")
    add("--only", action="append", choices=names, metavar="NAME", help=", ".join(names))
    return parser.parse_args(arguments)


def _text(results: dict[str, Result]) -> str:
    return aligned(page.cells(results), 2)


if __name__ == "__main__":
    sys.exit(main())
