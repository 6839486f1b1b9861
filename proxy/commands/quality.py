"""`policy test`: the flags of the quality gates, and the one call that they come to."""

import argparse
import sys
from pathlib import Path

from proxy.config import environment


def arguments(parser: argparse.ArgumentParser) -> None:
    """The flags."""
    add = parser.add_argument
    add(
        "policy",
        nargs="?",
        default=".",
        metavar="DIR",
        help="a folder of Rego and data, starter or observe (default: .)",
    )
    add("--threshold", type=_percent, default=80, metavar="N", help="the score, of 100, to pass with (default: 80)")
    add("--coverage", type=_percent, default=80, metavar="N", help="percent of lines that tests reach (default: 80)")
    add("--json", action="store_true", dest="as_json", help="print one JSON object")
    add("--junit", type=Path, metavar="FILE", help="also write a report in JUnit's format, for CI")


def run(given: argparse.Namespace) -> int:
    """Every gate, in a minute or less for a policy of some hundred rules. Raises OpaMissing, PolicyRefused."""
    from policy.quality.running import run_test
    from policy.quality.score import Wanted

    return run_test(
        given.policy,
        Wanted(given.threshold, given.coverage),
        as_json=given.as_json,
        junit_file=given.junit,
        environ=environment(),
        out=sys.stdout,
        progress=sys.stderr,
    )


def _percent(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 100:
        raise ValueError(text)
    return value
