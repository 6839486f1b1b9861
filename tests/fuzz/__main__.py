"""`python -m tests.fuzz [--minutes N] [--only TARGET]… [--keep] [FILE…]`: fuzzes all targets, one after the other.

Exit codes: 0 no promise was broken, 1 one was. With files, only those inputs are tried, on the targets of --only.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.corpus import FOLDER
from tests.fuzz.running import Result, is_guided, run_guided, run_plain
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS


def main(arguments: Sequence[str]) -> int:
    """Run, print progress and the table, and give the exit code."""
    given = _parsed(arguments)
    targets = [TARGETS[name] for name in given.only or TARGETS]
    if given.files:
        return _repeat(targets, given.files)
    seconds = max(1, int(given.minutes * 60 / len(targets)))
    _say(f"{len(targets)} targets, {seconds} s each, {'guided by coverage' if is_guided() else 'without guidance'}")
    results = [_run(target, seconds, keep=given.keep) for target in targets]
    _say(_table(results))
    return 1 if any(result.reproducer for result in results) else 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz what reads bytes of others.")
    parser.add_argument("--minutes", type=float, default=5.0, help="for all targets together (default: 5)")
    parser.add_argument("--only", action="append", choices=list(TARGETS), metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--keep", action="store_true", help="merge what reached something new into the corpus")
    parser.add_argument("files", nargs="*", type=Path, help="inputs to try again, instead of fuzzing")
    return parser.parse_args(arguments)


def _run(target: Target, seconds: int, *, keep: bool) -> Result:
    _say(f"{target.name}: {target.promise}")
    if not is_guided():
        return _told(run_plain(target, seconds, _say))
    return _told(run_guided(target, seconds, _say, FOLDER / target.name if keep else None))


def _told(result: Result) -> Result:
    if result.reproducer:
        _say(f"{result.target}: BROKEN by {result.reproducer}\n{result.trace}")
    return result


def _repeat(targets: Sequence[Target], files: Sequence[Path]) -> int:
    """Try single inputs; the first broken promise is raised, with its traceback."""
    for target in targets:
        for file in files:
            target.check(file.read_bytes())
            _say(f"{target.name}: {file} is fine")
    return 0


def _table(results: Sequence[Result]) -> str:
    head = f"{'target':10} {'executions':>12} {'per second':>11} {'coverage':>9} {'corpus':>7}  findings"
    return "\n".join([head, *map(_row, results)])


def _row(result: Result) -> str:
    rate = result.executions / result.seconds if result.seconds else 0.0
    coverage = "-" if result.coverage is None else str(result.coverage)
    found = f"1: {result.reproducer}" if result.reproducer else "0"
    return f"{result.target:10} {result.executions:12,} {rate:11,.0f} {coverage:>9} {result.corpus:7}  {found}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
