"""`python -m benchmarks [--quick] [--json] [--only ROW,…]`: what a call costs. Exit code 1 if a call went wrong."""

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks import results, subjects
from benchmarks.machine import machine
from benchmarks.measure import FULL, QUICK, Growth, Plan, Row, growth, row
from benchmarks.parts import PARTS
from benchmarks.process import NotReady, memory_mb
from benchmarks.report import Run, Start, aligned, table, target_cells
from benchmarks.section import Part, Section, cells
from benchmarks.stage import ROOT, stage
from benchmarks.subjects import NotInstalled, Stage, Variant
from benchmarks.variants import VARIANTS
from evidence.clock import SystemClock

STARTED: Final = ("starter+process", "opa+process")
GROWN: Final = ("starter+process",)

_KEYS: Final = (*(variant.key for variant in VARIANTS), *(part.key for part in PARTS))

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What of the table, and which sections beside it."""

    variants: tuple[Variant, ...]
    parts: tuple[Part, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what was asked for."""
    asked = _parser().parse_args(arguments)
    wanted = set(asked.only.split(",")) if asked.only else set(_KEYS)
    chosen = _Chosen(
        tuple(variant for variant in VARIANTS if variant.key in wanted),
        tuple(part for part in PARTS if part.key in wanted),
    )
    if unknown := wanted - set(_KEYS):
        sys.stderr.write(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(_KEYS)}\n")
        return 64
    plan = QUICK if asked.quick else FULL
    try:
        with stage() as place:
            run = _run(chosen, plan, place, _say)
    except (NotInstalled, NotReady) as error:
        _say(f"{type(error).__name__}: {error}")
        return 69
    sys.stdout.write(results.as_json(run) if asked.json else _text(run, judged=plan is FULL))
    if not asked.quick and not asked.only:
        _say(f"kept as {results.keep(run).relative_to(ROOT)}")
    return 1 if run.errors() else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description="What a call costs, beside nothing and beside nginx."
    )
    parser.add_argument("--quick", action="store_true", help="two seconds a row: shows that all rows run, not how fast")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--only", metavar="ROW,…", help=f"some of the rows and sections: {', '.join(_KEYS)}")
    return parser


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _run(chosen: _Chosen, plan: Plan, place: Stage, say: Say) -> Run:
    variants = chosen.variants
    facts = machine(place.folder, nginx=subjects.nginx_program(), opa=subjects.opa_program())
    at = SystemClock().now().rfc3339()
    rows = [_row(variant, plan, place, say) for variant in variants]
    if len(variants) > 1 and variants[0].name == "direct":
        rows.append(_row(Variant("direct, again", variants[0].start), plan, place, say))
    starts = [_started(variant, plan, place, say) for variant in variants if variant.key in STARTED]
    growths = [_grown(variant, plan, place, say) for variant in variants if variant.key in GROWN]
    sections = [_section(part, plan, place, say) for part in chosen.parts]
    return Run(at, facts, tuple(rows), tuple(starts), tuple(growths), tuple(sections))


def _row(variant: Variant, plan: Plan, place: Stage, say: Say) -> Row:
    say(f"{variant.key} ...")
    with variant.start(place) as subject:
        done = row(variant, subject, place, plan)
    say(f"    {done.calls_per_second:,.0f} calls/s, {done.open_p50:.2f} ms at 200/s, {done.errors} errors")
    _complain(done, say)
    return done


def _section(part: Part, plan: Plan, place: Stage, say: Say) -> Section:
    say(f"{part.key} ...")
    done = part.run(place, plan)
    _complain(done, say)
    return done


def _complain(done: Row | Growth | Section, say: Say) -> None:
    if done.errors:
        say(f"    {done.errors} wrong answers, the first: {done.sample!r}")


def _started(variant: Variant, plan: Plan, place: Stage, say: Say) -> Start:
    say(f"{variant.key}: start and idle memory ...")
    seconds, memory = [], []
    for _ in range(plan.starts):
        with variant.start(place) as subject:
            seconds.append(subject.ready_seconds)
            memory.append(memory_mb(subject.own))
    return Start(variant.name, statistics.median(seconds), statistics.median(memory))


def _grown(variant: Variant, plan: Plan, place: Stage, say: Say) -> Growth:
    say(f"{variant.key}: memory over {plan.growth_calls:,} calls ...")
    with variant.start(place) as subject:
        done = growth(variant, subject, plan)
    _complain(done, say)
    return done


def _text(run: Run, *, judged: bool) -> str:
    parts = [aligned(table(run), 2)] if run.rows else []
    parts += [f"{section.title}\n\n{aligned(cells(section), 1)}" for section in run.sections]
    targets = target_cells(run)
    if judged and targets[1:]:
        parts.append(aligned(targets, 2))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
