"""`agentgate policy test`: one small bad policy for each gate and rule, a good one, and what the command prints."""

import io
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import pytest

from policy.opa_process import OPA_VERSION
from policy.quality.lint import LINTS
from policy.quality.opa import find
from policy.quality.running import run_test
from policy.quality.score import WEIGHTS, Report, Wanted, measure
from policy.quality.sources import open_sources
from policy.vetting import FORBIDDEN
from tests.peers.places import AGENTGATE

ENVIRON = dict(os.environ)  # noqa: TID251  (where OPA is, is the machine's setting)

MAIN = """\
package agentgate

import data.agentgate.paths

default decision := {"effect": "deny", "reason": "not_listed"}

decision := {"effect": "allow", "reason": "listed"} if {
	input.call.method == "tools/call"
	paths.inside(input.call.arguments.path)
}

listing := {"hide": []}
"""

TESTS = """\
package agentgate_test

import data.agentgate

asked(path) := {"call": {"method": "tools/call", "arguments": {"path": path}}}

test_inside if {
	decision := agentgate.decision with input as asked("/srv/a")
	decision.reason == "listed"
}

test_outside if {
	decision := agentgate.decision with input as asked("/etc/a")
	decision.reason == "not_listed"
}

test_nothing_is_hidden if agentgate.listing == {"hide": []}
"""

GOOD = {
    "main.rego": MAIN,
    "main_test.rego": TESTS,
    "paths/paths.rego": "package agentgate.paths\n\ninside(path) if startswith(path, data.root)\n",
    "data.json": '{\n  "root": "/srv/",\n  "reasons": {"listed": "Listed.", "not_listed": "Not listed."}\n}\n',
}


@dataclass(frozen=True)
class Bad:
    """The good policy with other files (None: without one), and where `rule` then finds something, and only there."""

    rule: str
    places: tuple[str, ...]
    files: Mapping[str, str | None]
    wanted: Wanted = field(default_factory=Wanted)


def _main(old: str, new: str) -> dict[str, str | None]:
    assert old in MAIN
    return {"main.rego": MAIN.replace(old, new)}


def _more(text: str) -> dict[str, str | None]:
    """Rules at the end of the main module, from its line 13 on."""
    return {"main.rego": f"{MAIN}\n{text}\n"}


_LISTED = '"reason": "listed"'
_ANNOTATED = "# METADATA\n# scope: package\n# schemas:\n#   - input: schema.decision\n"

BAD = {
    "a module that is not formatted": Bad(
        "format", ("main.rego:1",), _main("default decision :=", "default decision  :=")
    ),
    "a module that does not parse": Bad("check", ("main.rego:13", "main.rego:13"), _main('{"hide": []}', '{"hide": [')),
    "an import that is not used": Bad(
        "check", ("main.rego:4",), _main("\ndefault", "import data.agentgate.other\n\ndefault")
    ),
    "a variable that is not used": Bad("check", ("main.rego:15",), _more("checked if {\n\tx := 1\n}\n")),
    "a member that the input has not": Bad("schema", ("main.rego:8",), _main("input.call.method", "input.call.metod")),
    "a member of another document": Bad(
        "schema",
        ("main.rego:16",),
        {"main.rego": _ANNOTATED + MAIN.replace("[]", "[one.name | some one in input.items]")},
    ),
    "a test that fails": Bad("test", ("main_test.rego:19",), {"main_test.rego": TESTS + "\ntest_wrong if 1 == 2\n"}),
    "a test that is not finished": Bad(
        "test-todo", ("main_test.rego:19",), {"main_test.rego": TESTS + "\ntodo_test_later if 1 == 2\n"}
    ),
    "no tests": Bad("no-tests", ("main.rego:1",), {"main_test.rego": None}),
    "a line that no test reaches": Bad(
        "not-covered",
        ("main.rego:7", "paths/paths.rego:3"),
        {
            "main_test.rego": TESTS.replace('asked("/srv/a")', 'asked("/etc/b")').replace(
                '== "listed"', '== "not_listed"'
            )
        },
    ),
    "fewer lines than are wanted": Bad(
        "coverage",
        ("main.rego:1",),
        {"main_test.rego": TESTS[: TESTS.index("asked")] + 'test_hidden if agentgate.listing == {"hide": []}\n'},
    ),
    "a rule in camel case": Bad("rule-name", ("main.rego:14",), _more('isOpen if input.call.upstream == "files"')),
    "a part of a rule in camel case": Bad("rule-name", ("main.rego:14",), _more("seen.isOpen := true")),
    "a package in another folder": Bad(
        "package-place",
        ("lib/paths.rego:1",),
        {"paths/paths.rego": None, "lib/paths.rego": "package agentgate.places\n\nx := 1\n"},
    ),
    "a rule that nothing reads": Bad("unused-rule", ("main.rego:14",), _more("limit := 3")),
    "a function that only tests read": Bad(
        "unused-rule",
        ("main.rego:14",),
        _more("twice(x) := x * 2") | {"main_test.rego": TESTS + "\ntest_twice if agentgate.twice(1) == 2\n"},
    ),
    "a rule that only itself reads": Bad("unused-rule", ("main.rego:14",), _more("again(x) := y if y := again(x)")),
    "a rule of the tests that none of them reads": Bad(
        "unused-rule", ("main_test.rego:19",), {"main_test.rego": TESTS + "\nleft_over := 1\n"}
    ),
    "no decision": Bad(
        "no-decision", ("main.rego:1",), {"main.rego": 'package agentgate\n\nlisting := {"hide": []}\n'}
    ),
    "tests of nothing": Bad("no-decision", ("main_test.rego:1",), dict.fromkeys(GOOD) | {"main_test.rego": TESTS}),
    "no listing": Bad("no-listing", ("main.rego:1",), _main('\nlisting := {"hide": []}\n', "")),
    "a decision without a default": Bad(
        "no-default", ("main.rego:5",), _main('default decision := {"effect": "deny", "reason": "not_listed"}\n\n', "")
    ),
    "a decision that follows another without a default": Bad(
        "no-default",
        ("main.rego:3",),
        {
            "main.rego": 'package agentgate\n\ndecision := data.agentgate.paths.decision\n\nlisting := {"hide": []}\n',
            "paths/paths.rego": "package agentgate.paths\n\n"
            'decision := {"effect": "allow", "reason": "listed"} if input.call.name\n',
        },
    ),
    "a reason from the data": Bad("reason-literal", ("main.rego:7",), _main(_LISTED, '"reason": data.reasons.listed')),
    "a reason that is put together": Bad(
        "reason-literal", ("main.rego:7",), _main(_LISTED, '"reason": concat("_", ["a", "b"])')
    ),
    "a reason from a function's caller": Bad(
        "reason-literal",
        ("main.rego:7",),
        {
            "main.rego": MAIN.replace('{"effect": "allow", "reason": "listed"}', "said(input.call.name)")
            + '\nsaid(why) := {"effect": "allow", "reason": why}\n'
        },
    ),
    "a reason that is a sentence": Bad("reason-form", ("main.rego:7",), _main(_LISTED, '"reason": "It is listed."')),
    "a reason of a function's argument that is no code": Bad(
        "reason-form",
        ("main.rego:7",),
        {
            "main.rego": MAIN.replace('{"effect": "allow", "reason": "listed"}', 'said("Listed")')
            + '\nsaid(why) := {"effect": "allow", "reason": why}\n'
        },
    ),
    "a reason that comes around in a circle": Bad(
        "reason-form",
        ("main.rego:7",),
        {
            "main.rego": MAIN.replace('{"effect": "allow", "reason": "listed"}', 'said("Listed")')
            + '\nsaid(why) := {"effect": "allow", "reason": why} if said(why) != said(why)\n'
        },
    ),
    "a reason that a rule has": Bad(
        "reason-form",
        ("main.rego:14",),
        {"main.rego": MAIN.replace('"reason": "listed"', '"reason": why') + '\nwhy := "Listed"\n'},
    ),
    "a reason that is not in the table": Bad("reason-table", ("main.rego:7",), _main(_LISTED, '"reason": "found"')),
    "a reason among several that is not in the table": Bad(
        "reason-table",
        ("main.rego:8",),
        _main('"reason": "listed"} if {\n', '"reason": why} if {\n\tsome why in ["listed", "found"]\n'),
    ),
    "a print": Bad("print", ("main.rego:8",), _main("input.call.method ==", 'print("x")\n\tinput.call.method ==')),
    "a clock": Bad(
        "forbidden-builtin",
        ("main.rego:8",),
        _main("input.call.method ==", "time.now_ns() > 1\n\tinput.call.method =="),
    ),
    "a path in the data that climbs": Bad(
        "data-step-upwards", ("data.json:2",), {"data.json": GOOD["data.json"].replace("/srv/", "/srv/../etc/")}
    ),
    "data in YAML": Bad("data-unread", ("more.yaml:1",), {"more.yaml": "limit: 3\n"}),
    "data that is none, for the engine": Bad("engine", ("data.json:3",), {"data.json": '{\n  "root": \n}\n'}),
    "data that is none, for the tests": Bad("opa-test", ("data.json:1",), {"data.json": '{\n  "root": \n}\n'}),
    "a builtin that only OPA has": Bad(
        "engine", ("main.rego:8",), _main("input.call.method ==", 'graphql.is_valid("a", "b")\n\tinput.call.method ==')
    ),
}


def _write(folder: Path, files: Mapping[str, str | None]) -> Path:
    for name, text in files.items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    return folder


def _measured(folder: Path, wanted: Wanted | None = None, environ: Mapping[str, str] = ENVIRON) -> Report:
    return measure(open_sources(str(folder)), find(environ), wanted or Wanted(), environ, lambda _: None)


def _scores(report: Report) -> dict[str, float | None]:
    return {part.name: part.score for part in report.parts}


def test_a_good_policy_has_all_points(tmp_path: Path) -> None:
    report = _measured(_write(tmp_path, GOOD))
    assert report.findings == ()
    assert (report.score, report.passes) == (100, True)
    assert _scores(report) == {**dict.fromkeys(WEIGHTS, 100.0), "regal": None}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_policy_is_told_where_it_is_bad(name: str, tmp_path: Path) -> None:
    bad = BAD[name]
    report = _measured(_write(tmp_path, {**GOOD, **bad.files}), bad.wanted)
    found = [finding for finding in report.findings if finding.rule == bad.rule]
    assert tuple(finding.place.removeprefix(f"{tmp_path}/") for finding in found) == bad.places, report.findings
    assert all(finding.what and finding.remedy for finding in found)
    assert report.score < 100
    assert not (report.passes and any(finding.must for finding in found))


def test_a_folder_of_tests_alone_is_checked_against_no_schema(tmp_path: Path) -> None:
    report = _measured(_write(tmp_path, {"main_test.rego": TESTS}))
    assert [finding.rule for finding in report.findings if finding.rule in ("check", "schema")] == []


def test_each_rule_has_a_bad_policy() -> None:
    assert LINTS.keys() <= {bad.rule for bad in BAD.values()}


@pytest.mark.parametrize("builtin", sorted(FORBIDDEN - {"print", "internal.print", "trace"}))
def test_each_forbidden_builtin_is_found(builtin: str, tmp_path: Path) -> None:
    _write(tmp_path, GOOD | {"main.rego": f"{MAIN}\nfound := {builtin}(1)\n"})
    found = [one for one in _lints(tmp_path) if one.startswith("forbidden-builtin")]
    assert found == [
        f"forbidden-builtin main.rego:14 {builtin}: its answer depends on more than the input and the data"
    ]


def _lints(folder: Path) -> Iterator[str]:
    (part,) = [part for part in _measured(folder).parts if part.name == "lint"]
    for finding in part.findings:
        yield f"{finding.rule} {finding.place.removeprefix(f'{folder}/')} {finding.what}"


FINE = {
    "an else without a condition is a default": {
        "main.rego": MAIN.replace('default decision := {"effect": "deny", "reason": "not_listed"}\n\n', "").replace(
            "\tpaths.inside(input.call.arguments.path)\n}",
            '\tpaths.inside(input.call.arguments.path)\n} else := {"effect": "deny", "reason": "not_listed"}',
        )
    },
    "a decision that follows another with a default": {
        "main.rego": 'package agentgate\n\ndecision := data.agentgate.paths.decision\n\nlisting := {"hide": []}\n',
        "paths/paths.rego": MAIN.replace("package agentgate", "package agentgate.paths")
        .replace("import data.agentgate.paths\n\n", "")
        .replace('\nlisting := {"hide": []}\n', "")
        .replace("paths.inside", "inside")
        + "\ninside(path) if startswith(path, data.root)\n",
    },
    "a reason through a function": {
        "main.rego": MAIN.replace('{"effect": "allow", "reason": "listed"}', 'said("listed")')
        + '\nsaid(why) := {"effect": "allow", "reason": why}\n'
    },
    "a policy that reads what may be null": {
        "main.rego": MAIN.replace(
            '\tinput.call.method == "tools/call"\n',
            '\tinput.call.method == "tools/call"\n\tnot input.approval\n'
            '\tobject.get(input.call, "definition", null) == null\n',
        )
    },
}


@pytest.mark.parametrize("name", FINE)
def test_what_is_fine_is_left_alone(name: str, tmp_path: Path) -> None:
    report = _measured(_write(tmp_path, GOOD | FINE[name]))
    assert report.findings == ()


def test_a_finding_that_must_be_dealt_with_outweighs_the_score(tmp_path: Path) -> None:
    bad = BAD["a print"]
    report = _measured(_write(tmp_path, {**GOOD, **bad.files}), Wanted(0, 0))
    assert not report.passes


def test_a_low_score_passes_where_it_is_wanted(tmp_path: Path) -> None:
    _write(tmp_path, {**GOOD, "main_test.rego": None})
    assert _scores(_measured(tmp_path))["tests"] == 0
    assert [_measured(tmp_path, Wanted(score, 0)).passes for score in (80, 60)] == [False, True]


@pytest.mark.parametrize("name", ["starter", "observe"])
def test_the_built_in_policies_pass(name: str) -> None:
    out = io.StringIO()
    code = run_test(
        name, Wanted(98, 98), as_json=False, junit_file=None, environ=ENVIRON, out=out, progress=io.StringIO()
    )
    assert code == 0, out.getvalue()


_REGAL = """\
#!/bin/sh
[ "$1 $2 $3" = "lint --format json" ] || exit 1
printf '{"violations": [{"title": "line-length", "description": "Line too long", "category": "style", "level": "error",
  "related_resources": [{"description": "documentation", "ref": "docs"}],
  "location": {"col": 1, "row": 7, "file": "%s/main.rego", "text": ""}}]}' "$4"
exit 3
"""


@pytest.mark.parametrize(
    ("program", "note", "places"),
    [
        (_REGAL, "1 finding; nothing is counted for it", ["main.rego:7"]),
        ("#!/bin/sh\nexit 1\n", "ended with code 1 and no report; nothing is counted for it", []),
        (None, "not installed; nothing is counted for it", []),
    ],
    ids=["finds something", "fails", "is not there"],
)
def test_regal_is_said_and_not_counted(program: str | None, note: str, places: list[str], tmp_path: Path) -> None:
    policy, tools = _write(tmp_path / "policy", GOOD), tmp_path / "tools"
    tools.mkdir()
    if program is not None:
        (tools / "regal").write_text(program)
        (tools / "regal").chmod(0o755)
    environ = {**ENVIRON, "AGENTGATE_OPA": str(find(ENVIRON).binary), "PATH": str(tools)}
    report = _measured(policy, environ=environ)
    (part,) = [part for part in report.parts if part.name == "regal"]
    assert (part.note, report.score) == (note, 100)
    assert [finding.place.removeprefix(f"{policy}/") for finding in part.findings] == places


def _agentgate(*arguments: str, cwd: Path, environ: Mapping[str, str] = ENVIRON) -> subprocess.CompletedProcess[str]:
    command = [str(AGENTGATE), "policy", "test", *arguments]
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=60)


def test_the_table(tmp_path: Path) -> None:
    _write(tmp_path, {**GOOD, **BAD["data in YAML"].files})
    done = _agentgate(cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0].startswith(f".: 3 modules, OPA {find(ENVIRON).version()}")
    assert [line.split()[0] for line in lines[2:9]] == [*WEIGHTS, "regal"]
    assert lines[9].split()[:3] == ["score", "99", "100"]
    assert lines[10:] == [
        "data-unread (may): Write it as JSON.",
        "    more.yaml:1: data in YAML: tests read it, a sidecar does not",
    ]
    assert [line[:5] for line in done.stderr.splitlines()] == [f"[{i}/7]" for i in range(1, 8)]


def test_the_report_for_programs(tmp_path: Path) -> None:
    _write(tmp_path, {**GOOD, **BAD["a clock"].files})
    done = _agentgate("--json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert (done.returncode, report["passes"], report["threshold"]) == (1, False, 80)
    assert report["score"] == int(sum(part["score"] or 0 for part in report["parts"]))
    assert {part["name"]: part["of"] for part in report["parts"]} == {**WEIGHTS, "regal": None}
    (clock,) = [one for one in report["findings"] if one["rule"] == "forbidden-builtin"]
    assert (clock["file"], clock["line"], clock["must"]) == ("main.rego", 8, True)


def test_the_report_for_ci(tmp_path: Path) -> None:
    _write(tmp_path / "policy", {**GOOD, **BAD["a test that fails"].files})
    done = _agentgate("policy", "--junit", "report.xml", cwd=tmp_path)
    suites = {suite.get("name"): suite for suite in ElementTree.parse(tmp_path / "report.xml").getroot()}  # noqa: S314
    assert done.returncode == 1
    assert list(suites) == [*WEIGHTS, "regal", "score"]
    failed = [(name, case.get("name")) for name, suite in suites.items() for case in suite.findall("testcase[failure]")]
    assert failed == [("tests", "agentgate_test.test_wrong"), ("score", "score")]
    assert {name: suite.get("failures") for name, suite in suites.items()}["tests"] == "1"
    assert suites["tests"].get("tests") == "4"


def test_without_opa_it_says_what_to_install(tmp_path: Path) -> None:
    done = _agentgate(cwd=_write(tmp_path, GOOD), environ={"PATH": "/nowhere", "HOME": str(tmp_path)})
    assert (done.returncode, done.stdout) == (69, "")
    assert f"go install github.com/open-policy-agent/opa@v{OPA_VERSION}" in done.stderr
    assert "AGENTGATE_OPA" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("nowhere",), ("empty",), ("--threshold", "101"), ("--coverage", "x"), ("--junit", "no/folder.xml")],
    ids=["no folder", "no Rego", "no score", "no percentage", "no place for the report"],
)
def test_what_cannot_be_run_is_a_mistake_in_use(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (_write(tmp_path, GOOD) / "empty").mkdir()
    done = _agentgate(*arguments, cwd=tmp_path)
    assert done.returncode == 64
    assert done.stderr.splitlines()[-1]
