"""A report for a person, for a program, and for CI."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any
from xml.etree import ElementTree

from evidence.printable import printable
from policy.quality.finding import Case, Finding, Part, counted
from policy.quality.score import WEIGHTS, Report, points


def table(report: Report) -> Iterator[str]:
    """The lines of the table, then those of the findings: what to do, and below it where."""
    modules = counted(len(report.sources.modules), "module")
    yield f"{printable(report.sources.spec)}: {modules}, OPA {printable(report.opa)}"
    yield f"{'part':<10}{'score':>6}{'of':>5}"
    for part in report.parts:
        scored = part.score is not None
        score, weight = (f"{points(part):.1f}", str(WEIGHTS[part.name])) if scored else ("-", "-")
        yield f"{part.name:<10}{score:>6}{weight:>5}  {printable(part.note)}"
    yield f"{'score':<10}{report.score:>6}{100:>5}  {_verdict(report)}"
    for (must, rule, remedy), found in groupby(report.findings, lambda one: (one.must, one.rule, one.remedy)):
        yield f"{rule} ({'must' if must else 'may'}): {printable(remedy)}"
        yield from (f"    {printable(finding.place)}: {printable(finding.what)}" for finding in found)


def as_mapping(report: Report) -> dict[str, Any]:
    """The report as one JSON object."""
    return {
        "policy": report.sources.spec,
        "opa": report.opa,
        "score": report.score,
        "threshold": report.wanted.score,
        "passes": report.passes,
        "parts": [_part(part) for part in report.parts],
        "findings": [_finding(finding) for finding in report.findings],
    }


def junit(report: Report) -> bytes:
    """The report as JUnit XML: a suite for each part, and one for the score. What only may be changed fails nothing."""
    root = ElementTree.Element("testsuites", name=printable(f"agentgate policy test {report.sources.spec}"))
    for part in report.parts:
        _suite(root, part.name, part.note, part.cases or (Case(part.note),))
    what = f"{report.score} of 100, {report.wanted.score} are wanted"
    low = Finding("score", report.sources.spec, 1, what, "See the findings.", must=True)
    _suite(root, "score", what, (Case("score", (low,) if report.score < report.wanted.score else ()),))
    ElementTree.indent(root)
    found: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return found


def _verdict(report: Report) -> str:
    must = sum(1 for finding in report.findings if finding.must)
    if report.passes:
        return f"passes: {report.wanted.score} are wanted"
    if must:
        return f"does not pass: {counted(must, 'finding')} must be dealt with"
    return f"does not pass: {report.wanted.score} are wanted"


def _part(part: Part) -> dict[str, Any]:
    counted = part.score is not None
    shown = {"score": round(points(part), 2), "of": WEIGHTS[part.name]} if counted else {"score": None, "of": None}
    return {"name": part.name, **shown, "note": part.note}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "file": finding.file,
        "line": finding.line,
        "what": finding.what,
        "remedy": finding.remedy,
        "must": finding.must,
    }


def _suite(root: ElementTree.Element, name: str, note: str, cases: tuple[Case, ...]) -> None:
    failures = sum(1 for case in cases if any(finding.must for finding in case.findings))
    suite = ElementTree.SubElement(root, "testsuite", name=name, tests=str(len(cases)), failures=str(failures))
    properties = ElementTree.SubElement(suite, "properties")
    ElementTree.SubElement(properties, "property", name="note", value=printable(note))
    for case in cases:
        _case(suite, name, case)


def _case(suite: ElementTree.Element, part: str, case: Case) -> None:
    shown = ElementTree.SubElement(
        suite, "testcase", classname=part, name=printable(case.name), time=f"{case.seconds:.6f}"
    )
    must = [finding for finding in case.findings if finding.must]
    if must:
        failure = ElementTree.SubElement(shown, "failure", message=_line(must[0]))
        failure.text = "\n".join(_line(finding) for finding in must)
    others = [finding for finding in case.findings if not finding.must]
    if others:
        ElementTree.SubElement(shown, "system-out").text = "\n".join(_line(finding) for finding in others)


def _line(finding: Finding) -> str:
    return printable(f"{finding.place}: {finding.rule}: {finding.what} {finding.remedy}")
