"""One evaluation of a plan, alone in a process: what it came to, how long it took, and how much memory it needed."""

import resource
import sys
import time
from pathlib import Path

import orjson

from policy.program import json_values, values
from policy.program.running import Budget, OutOfTime
from policy.program.translation import translate


def main() -> None:
    """`PLAN INPUT RULE SECONDS`; writes a line of JSON."""
    plan, given, rule, seconds = sys.argv[1:]
    program = translate(orjson.loads(Path(plan).read_bytes()))
    value = json_values.read(Path(given).read_bytes())
    before, start = _kilobytes(), time.monotonic()
    try:
        found = program.evaluate(rule, value, {}, Budget(float(seconds)))
        outcome = type(json_values.plain(found)).__name__
    except values.Inexact as error:
        outcome = f"inexact: {error}"
    except OutOfTime:
        outcome = "out of time"
    took, needed = time.monotonic() - start, _kilobytes() - before
    sys.stdout.write(orjson.dumps({"outcome": outcome, "seconds": took, "megabytes": needed / 1024}).decode())


def _kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
