"""Section `large`: results of some megabytes, through the sidecar and directly."""

import json
import statistics
from typing import Final

from benchmarks.asking import Asker
from benchmarks.bulk import LARGE, large
from benchmarks.load import Target
from benchmarks.measure import Plan
from benchmarks.process import peak_above
from benchmarks.section import Section, Wrong
from benchmarks.sidecars import PATIENT, Kind, starter
from benchmarks.subjects import Stage, Subject, bulk

MB: Final = 1_000_000
SIZES: Final = (3 * MB, 50 * MB)
RAISED: Final = f"{PATIENT}[limits]\nanswer_bytes = {64 << 20}\n"
"""50 MB are more than the default limit of an answer lets through."""

_FULL_REPEATS: Final = 7
_QUICK_REPEATS: Final = 1
_SLACK_BYTES: Final = 1_000

Line = tuple[str | float, ...]


def run(stage: Stage, plan: Plan) -> Section:
    """Milliseconds from a call to its last byte, directly and through, and the sidecar's peak above idle meanwhile."""
    wrong, repeats = Wrong(), _FULL_REPEATS if plan.thorough else _QUICK_REPEATS
    with bulk(stage) as port:
        upstreams = [("bulk", f"http://127.0.0.1:{port}/mcp")]
        raised = Kind("starter", "process", upstreams=upstreams, grants=(LARGE,), config=RAISED)
        with starter(raised)(stage) as subject:
            lines = [_line(size, port, subject, repeats, wrong) for size in SIZES]
        usual = Kind("starter", "process", upstreams=upstreams, grants=(LARGE,))
        with starter(usual)(stage) as subject:
            refused = _refused(subject, wrong)
    columns = ("result", "direct ms", "through ms", "added ms", "peak MB above idle", "x its size")
    return Section("Large results", columns, (*lines, refused), (), wrong.errors, wrong.sample)


def _line(size: int, port: int, subject: Subject, repeats: int, wrong: Wrong) -> Line:
    direct = _median(Target(port, "/mcp"), size, repeats, wrong)
    (process,) = subject.own
    peak = peak_above(process)
    through = _median(Target(subject.target.port, "/bulk"), size, repeats, wrong)
    above = peak()
    return (f"{size // MB} MB", direct, through, through - direct, above, above * MB / size)


def _median(target: Target, size: int, repeats: int, wrong: Wrong) -> float:
    asker, times, expected = Asker(target), list[float](), large(size)
    asker.ask("tools/call", {"name": LARGE, "arguments": {"bytes": 1}})
    for _ in range(repeats):
        taken, body = asker.ask("tools/call", {"name": LARGE, "arguments": {"bytes": size}})
        wrong.unless(right=body.endswith(expected + b"}") and len(body) < len(expected) + _SLACK_BYTES, met=body[:2000])
        times.append(taken)
    asker.close()
    return statistics.median(times)


def _refused(subject: Subject, wrong: Wrong) -> Line:
    """With the default limit, 50 MB are refused, and the sidecar does not hold them first."""
    (process,) = subject.own
    asker, peak = Asker(Target(subject.target.port, "/bulk")), peak_above(process)
    taken, body = asker.ask("tools/call", {"name": LARGE, "arguments": {"bytes": SIZES[-1]}})
    asker.close()
    wrong.unless(right=len(body) < MB and _code(body) == "too_large", met=body[:2000])
    above = peak()
    return (f"{SIZES[-1] // MB} MB, default limit: refused", "", taken, "", above, above * MB / SIZES[-1])


def _code(body: bytes) -> str:
    try:
        result = json.loads(body)["result"]
        return str(result["_meta"]["agentgate/decision"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""
