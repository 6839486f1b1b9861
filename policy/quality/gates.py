"""The gates that OPA and the embedded engine keep: one function each, from the sources to a part of the score."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from policy.bundle import load
from policy.commands import vet
from policy.engine import PolicyRefused
from policy.quality.finding import Case, Finding, Part, PartName, counted
from policy.quality.lint import Code, lint
from policy.quality.opa import NotParsed, NotTested, Opa
from policy.quality.sources import Sources, is_test
from policy.quality.syntax import Module

SCHEMAS: Final = Path(__file__).parents[1] / "schemas"

_MUST_COST: Final = 25
_COST: Final = 5
_SCHEMA_ANNOTATION: Final = re.compile(r"^#\s+schemas:", re.MULTILINE)
_SYSTEM: Final = re.compile(r"^\s*package\s+system\b", re.MULTILINE)
_PLACE: Final = re.compile(r"(?P<file>[^:\n]+\.(?:rego|json)):(?:(?P<line>\d+):)? (?P<what>.*)", re.DOTALL)
_OPA_CODES: Final = re.compile(r"^rego_\w+: ")


def format_part(sources: Sources, opa: Opa) -> Part:
    """Every module as `opa fmt` writes it."""
    others = opa.unformatted(sources.folders)
    if others is None:
        return not_run("format")
    remedy = "Run opa fmt --write on it."
    cases = tuple(
        Case(str(path), (Finding("format", str(path), 1, "not formatted", remedy),) if str(path) in others else ())
        for path in sources.modules
    )
    good = len(cases) - len(others)
    return Part("format", 100 * good / len(cases), f"{good} of {len(cases)} modules as opa fmt writes them", cases)


def check_part(sources: Sources, opa: Opa) -> Part:
    """What OPA's compiler says in strict mode, and of the members of the input that are read."""
    strict = [_error(sources, each, "check") for each in opa.check(sources.folders)]
    ours, schema = _typed(sources)
    typed = [] if strict or not ours else [_error(sources, each, "schema") for each in opa.check(ours, schema)]
    cases = (Case("opa check --strict", tuple(strict)), Case("input schemas", tuple(typed)))
    count = len(strict) + len(typed)
    note = counted(count, "error") if count else "compiles strictly, and reads no member that the input has not"
    return Part("check", max(0, 100 - _MUST_COST * count), note, cases)


def tests_part(sources: Sources, opa: Opa) -> Part:
    """The tests of the folder."""
    try:
        found = opa.test(sources.folders)
    except NotTested as error:
        return Part("tests", 0, "not run: opa test does not load the policy", (_not_loaded(sources, str(error)),))
    cases = tuple(_tested(each) for each in found)
    if not cases:
        remedy = "Write tests beside the rules, in files that end in _test.rego."
        missing = Finding("no-tests", str(sources.modules[0]), 1, "the policy has no tests", remedy)
        return Part("tests", 0, "no tests", (Case("tests", (missing,)),))
    passed = sum(1 for each in found if not each.get("fail") and not each.get("skip"))
    return Part("tests", 100 * passed / len(found), f"{passed} of {len(found)} passed", cases)


def coverage_part(sources: Sources, opa: Opa, wanted: int) -> Part:
    """Which lines of the loaded modules the tests reach. What only OPA's shortcuts spare counts as reached."""
    files = {Path(name): report for name, report in opa.coverage(sources.folders).items()}
    looked_at = {path: _lines(files[path]) for path in sources.modules if path in files and not is_test(path)}
    total = sum(len(reached) + len(missed) for reached, missed in looked_at.values())
    if total == 0:
        return Part("coverage", 0, "not measured: that takes tests, and all of them passing")
    reached = 100 * sum(len(reached) for reached, _ in looked_at.values()) / total
    short = [_too_few(sources, reached, wanted)] if reached < wanted else []
    cases = tuple(Case(str(path), tuple(_missed(path, missed))) for path, (_, missed) in looked_at.items())
    note = f"{reached:.1f} % of {total} lines, {wanted} % are wanted"
    return Part("coverage", reached, note, (Case("covered lines", tuple(short)), *cases))


def lint_part(sources: Sources, modules: tuple[Module, ...]) -> Part:
    """Our own rules."""
    cases = lint(Code(sources, modules))
    findings = [finding for case in cases for finding in case.findings]
    cost = sum(_MUST_COST if finding.must else _COST for finding in findings)
    note = counted(len(findings), "finding") if findings else f"none of {len(cases)} rules finds anything"
    return Part("lint", max(0, 100 - cost), note, cases)


def engine_part(sources: Sources) -> Part:
    """Whether the embedded engine would make it active: what `agentgate policy check` says."""
    try:
        asyncio.run(vet(load(sources.spec, grants=None)))
    except PolicyRefused as error:
        found = tuple(_refused(sources, problem) for problem in error.problems)
        return Part("engine", 0, "the embedded engine refuses it", (Case("agentgate policy check", found),))
    return Part("engine", 100, "the embedded engine takes it", (Case("agentgate policy check"),))


def parse(sources: Sources, opa: Opa) -> tuple[Module, ...] | None:
    """The syntax trees; None if a module has none, which `check` tells."""
    try:
        return tuple(Module(path, opa.parse(path)) for path in sources.modules)
    except NotParsed:
        return None


def not_run(name: PartName) -> Part:
    """A part for which a policy that does not parse has nothing to look at."""
    return Part(name, 0, "not run: the policy does not parse")


def _typed(sources: Sources) -> tuple[tuple[Path, ...], Path]:
    """The modules whose input is ours, and the schemas: by their annotations if there are any, else the one for all."""
    texts = {path: path.read_text("utf-8", "replace") for path in sources.modules if not is_test(path)}
    ours = tuple(path for path, text in texts.items() if _SYSTEM.search(text) is None)
    annotated = any(_SCHEMA_ANNOTATION.search(text) for text in texts.values())
    return ours, SCHEMAS if annotated else SCHEMAS / "input.json"


def _error(sources: Sources, error: Mapping[str, Any], rule: str) -> Finding:
    place = error.get("location") or {}
    what = _OPA_CODES.sub("", str(error["message"]))
    known = (error.get("details") or {}).get("oneOf")
    remedy = "Correct it: OPA does not take the policy as it is."
    if rule == "schema":
        remedy = (
            f"Read one of {', '.join(map(str, known))}." if known else "Compare it with the input in docs/policy.md."
        )
    file = str(place.get("file") or sources.modules[0])
    return Finding(rule, file, int(place.get("row", 1)), what, remedy, must=True)


def _tested(result: Mapping[str, Any]) -> Case:
    place = result.get("location") or {}
    name = f"{str(result['package']).removeprefix('data.')}.{result['name']}"
    where = (str(place.get("file", "")), int(place.get("row", 1)))
    found: tuple[Finding, ...] = ()
    if result.get("fail"):
        names = ", ".join(key for key, sub in (result.get("sub_results") or {}).items() if sub.get("fail"))
        what = f"{result['name']} fails" + (f" for {names}" if names else "")
        found = (Finding("test", *where, what, "Correct the rule, or the test: opa test -v shows more.", must=True),)
    elif result.get("skip"):
        found = (Finding("test-todo", *where, f"{result['name']} is not run", "Finish it, or remove it."),)
    return Case(name, found, float(result.get("duration", 0)) / 1e9)


def _not_loaded(sources: Sources, error: str) -> Case:
    files = [*(path for _, path in sources.data), *sources.modules]
    named = next((path for path in files if str(path) in error), files[-1])
    found = Finding("opa-test", str(named), 1, error, "Correct it: nothing was tested.", must=True)
    return Case("opa test", (found,))


def _lines(report: Mapping[str, Any]) -> tuple[set[int], set[int]]:
    """The lines that tests reach, and those that they do not."""
    missed = set(_rows(one for one in report.get("not_covered") or () if not one.get("kinds")))
    spared = set(_rows(one for one in report.get("not_covered") or () if one.get("kinds")))
    return (set(_rows(report.get("covered") or ())) | spared) - missed, missed


def _rows(ranges: Iterable[Mapping[str, Any]]) -> Iterator[int]:
    for one in ranges:
        yield from range(one["start"]["row"], one["end"]["row"] + 1)


def _missed(path: Path, rows: set[int]) -> Iterator[Finding]:
    for first in sorted(row for row in rows if row - 1 not in rows):
        last = first
        while last + 1 in rows:
            last += 1
        what = "no test reaches this line" if first == last else f"no test reaches lines {first} to {last}"
        yield Finding("not-covered", str(path), first, what, "Write a test that needs it, or remove it.")


def _too_few(sources: Sources, reached: float, wanted: int) -> Finding:
    what = f"the tests reach {reached:.1f} % of the lines, {wanted} % are wanted"
    return Finding("coverage", str(sources.modules[0]), 1, what, "Write tests for the lines that are named.", must=True)


def _refused(sources: Sources, problem: str) -> Finding:
    remedy = "Correct it, or decide with an OPA of your own (--opa)."
    if (found := _PLACE.fullmatch(problem)) is None:
        return Finding("engine", str(sources.modules[0]), 1, problem, remedy, must=True)
    file, line, what = sources.named(found["file"]), int(found["line"] or 1), found["what"]
    return Finding("engine", file, line, what, remedy, must=True)
