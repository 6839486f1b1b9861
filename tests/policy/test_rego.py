"""The built-in policies under OPA's own tools, and the embedded engine's tables against OPA, builtin by builtin."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from policy import bundle
from policy.engine import UNDEFINED
from policy.opa_process import find_opa
from policy.planning import plan_document
from policy.program import json_values, values
from policy.program.builtins import BUILTINS
from policy.program.cost import Metered
from policy.program.running import Budget
from policy.program.translation import Program, translate
from tests.policy.families import FAMILIES

REGO = Path(bundle.__file__).parent / "rego"


def _opa(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    binary = find_opa(os.environ)  # noqa: TID251  (where OPA is, is the machine's setting)
    return subprocess.run([str(binary), *arguments], input=text, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["starter", "observe"])
def test_the_built_in_policies_pass_their_own_tests(name: str) -> None:
    folders = [str(REGO / part) for part in ("rules", name, "system")]
    assert _opa("check", "--strict", *folders).stderr == ""
    done = _opa("test", *folders)
    assert done.returncode == 0, done.stdout
    assert "PASS" in done.stdout


def test_the_built_in_policies_are_formatted() -> None:
    assert _opa("fmt", "--list", "--fail", str(REGO)).stdout == ""


TEXTS = ["", "a", "abc", "/srv/a", "/srv/..", "select ", "SELECT", "a;b", "É", "\u212a", "straße", "😀x", " x ", "!"]
TEXTS += ["1.2.3", "1.10.0", "n", "u", "0", "\t", "a\nb", 'q"u', "b\\s", "\\n", "nul\x00", "\x1d", "\x7f", "\u2028"]
TEXTS += ["\u00a0x", "ſ"]
NUMBERS = [0, 1, -1, 100, 100.01, 2.675, 1e21, 1e-7, 0.1, 0.3, 0.30000000000000004, 9007199254740991]

EXPRESSIONS = [
    *("s == t", "s != t", "s in [t]", "s in {t, 1}", 's in {"k": t}', '"k", s in {"k": t}', "0, s in [t]"),
    *("n == m", "n != m", "n < m", "n <= m", "n > m", "n >= m", "s < t", "s >= t", "[s, n] < [t, m]", "{s} < {t}"),
    *("{s: n} < {t: m}", "n < s", "true < n", "null < false", "[] < {}", "1 == true", "[1] == [true]", "{1, true, n}"),
    *("n + m", "n - m", "n * m", "n - 0", "n / m", "n % m", "abs(n)", "ceil(n)", "floor(n)", "round(n)"),
    *("sum([n, m])", "sum({n, m})", "product([n, m])", "max([n, m, s])", "min([n, m, s])", "max([s, t])", "max([])"),
    *("sort([n, m, s, t, null, true, [], {}])", "sort({t, s})", "count(s)", "count([s, t])", "count({s, t})"),
    *("count({s: t})", "to_number(s)", "to_number(n)", "to_number(null)", "to_number(true)", "format_int(n, 10)"),
    *(
        "format_int(n, 16)",
        "format_int(n, 2)",
        "numbers.range(count(s), count(t))",
        "numbers.range(3, 1)",
    ),
    *(
        "numbers.range_step(1, 10, 3)",
        "numbers.range_step(10, 1, 4)",
    ),
    *("startswith(s, t)", "endswith(s, t)", "contains(s, t)", "split(s, t)", 'contains(s, "n")', 'contains(s, ";")'),
    *('contains(s, "\\\\")', 'contains(s, "\\"")', 'contains(s, "0")', 'endswith(s, "/..")', 'split(s, "/")'),
    *("trim_prefix(s, t)", "trim_suffix(s, t)", "trim(s, t)", "trim_left(s, t)", "trim_right(s, t)", "trim_space(s)"),
    *("lower(s)", "upper(s)", "substring(s, 1, 2)", "substring(s, 0, -1)", "substring(s, -1, 1)", "substring(s, 9, 1)"),
    *("concat(s, [t, s])", "concat(t, {s, t})", "indexof(s, t)", 'replace(s, t, "<>")'),
    *("strings.count(s, t)", "strings.reverse(s)", 'sprintf("%s|%v", [s, t])', 'sprintf("%d%%|%s", [7, [s, t]])'),
    *('sprintf("%v %v %v", [{s: [t]}, {t}, null])', 'sprintf("%v", [n])', 'sprintf("%v", [set()])', 'sprintf("a", [])'),
    *(
        "is_number(n)",
        "is_string(s)",
        "is_object(s)",
        "is_array([s])",
        "is_set({s})",
        "is_boolean(s == t)",
        "is_null(s)",
    ),
    *("type_name(n)", "type_name({s})", "type_name({})", "[type_name(x) | some x in [n, null, true, [s]]]"),
    *("strings.any_prefix_match(s, [t])", "strings.any_suffix_match([s], {t})", "strings.any_prefix_match(s, t)"),
    *(
        "array.concat([s], [t])",
        "array.slice([s, t, n], 0, 1)",
        "array.slice([s, t], 1, 9)",
        "array.slice([s, t], -3, 1)",
    ),
    *("array.reverse([s, t])", "array.slice([s, t], 2, 1)", "object.get({s: 1}, t, 2)", "object.get({1: 1}, n, 2)"),
    *("object.get({s: {t: 1}}, [s, t], 2)", "object.get({s: [1]}, [t, 0], 2)", "object.get({s: 1}, [], 2)"),
    *("object.remove({s: 1, t: 2}, [s])", "object.remove({s: 1, t: 2}, {t: 1})", "object.remove({1: 1, s: 2}, {n})"),
    *("object.filter({s: 1, t: 2}, [s])", "object.filter({s: 1, t: 2}, {t})", "object.filter({1: 1}, {n: 1})"),
    *("object.union({s: {t: 1}}, {t: {s: 2}})", "object.union({s: 1}, {t: 2})", "object.union_n([{s: 1}, {t: 2}])"),
    *("object.keys({s: 1, t: 2})", "object.keys({n: 1})", "object.subset({s: 1, t: 2}, {s: 1})"),
    *("object.subset({s: {t: 1}}, {s: {t: 1}})", "object.subset([s, t], [t])", "object.subset({s, t}, {t, n})"),
    *("object.subset([s, t], {s})", "{s} & {t}", "{s, t} - {t}", "{s} | {t}", "count({s} | {t})", "union({{s}, {t}})"),
    *(
        "intersection({{s, t}, {t}})",
        "intersection(set())",
        "union(set())",
        "[x | [_, x] := walk([s, [t]]); is_string(x)]",
    ),
    *("{p | [p, _] := walk({s: [t]})}", 'graph.reachable({"a": ["b"], "b": []}, {"a"})', '$"{s}-{t}"', '$"{n}|{[s]}"'),
    *(
        '$"{[x | x := s; x == t]}"',
        "[x | o := {y | some y in [t, s, n]}; some x in o]",
        "{k: v | some k, v in [s, t]}",
    ),
    *(
        "{x: 1 | some x in [s, t, n]}",
        '{s: 1, "n": 2}',
        '{"n": 2, s: 1}',
        "[s, t][1]",
        "[s, t][n]",
        "{s: t}[t]",
        "{s, t}[t]",
        "[x | x := [s, t][_]]",
        "{[s]: t}[[t]]",
    ),
    *("[x | every y in [s, t] { y == s }; x := 1]", "[x | not s == t; x := 1]", "[x | some x in [1, 2, 3]; x > n]"),
]
"""Every builtin of the embedded engine is in one of them at least (held below)."""


def _rows() -> list[dict[str, Any]]:
    pairs = [(s, t) for s in TEXTS for t in ("n", "", s, s[-1:], s[:1], "/", "0", '"')]
    numbers = [(n, m) for n in NUMBERS for m in NUMBERS]
    texts = [{"s": s, "t": t, "n": 1, "m": 2} for s, t in pairs]
    return texts + [{"s": "x", "t": "y", "n": n, "m": m} for n, m in numbers]


@pytest.mark.parametrize("name", ["all policies", *FAMILIES])
def test_the_embedded_engine_is_exact_where_it_answers(name: str, tmp_path: Path) -> None:
    family = FAMILIES.get(name)
    rows = _rows() if family is None else list(family.rows())
    expressions = EXPRESSIONS if family is None else family.expressions
    expected = _answers_of_opa(tmp_path / "all.rego", expressions, rows)
    program = _program(tmp_path / "p", expressions)
    for i, expression in enumerate(expressions):
        known = _Known(expression, rows, expected.get(f"q{i}", {}))
        assert known.answered(program, f"agentgate/e{i}") > 20, expression


def test_every_builtin_is_measured(tmp_path: Path) -> None:
    _program(tmp_path / "p", [*EXPRESSIONS, *(one for family in FAMILIES.values() for one in family.expressions)])
    document = plan_document(bundle.load(str(tmp_path / "p"), grants=None))
    called = {one["name"] for one in document["static"]["builtin_funcs"]}
    assert BUILTINS.keys() - called == set()


def test_each_module_has_the_builtins_that_the_table_says() -> None:
    for name in BUILTINS:
        assert callable(BUILTINS[name]) or isinstance(BUILTINS[name], Metered)


def _answers_of_opa(place: Path, expressions: Sequence[str], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """By rule (`q0`, `q1`, …) and row, where there is a value."""
    local = "r.s, t := r.t, n := r.n, m := r.m".replace(", ", "; ")
    head = f"[k] := v if {{ some k, r in input.rows; s := {local}; v := "
    lines = [f"q{i}{head}{expression} }}" for i, expression in enumerate(expressions)]
    place.write_text("package q\n" + "\n".join(lines))
    done = _opa("eval", "-I", "-d", str(place), "data.q", text=orjson.dumps({"rows": rows}).decode())
    found: dict[str, Any] = json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
    return found


def _program(folder: Path, expressions: Sequence[str]) -> Program:
    """One rule for each expression: `agentgate/e0`, `agentgate/e1`, …."""
    folder.mkdir()
    head = "if { s := input.s; t := input.t; n := input.n; m := input.m; v :="
    rules = [f"e{i} := v {head} {expression} }}" for i, expression in enumerate(expressions)]
    (folder / "p.rego").write_text("package agentgate\n\ndecision := {}\n" + "\n".join(rules) + "\n")
    return translate(plan_document(bundle.load(str(folder), grants=None)))


@dataclass(frozen=True, slots=True)
class _Known:
    """What OPA answers to an expression, by the numbers of the rows."""

    expression: str
    rows: list[dict[str, Any]]
    answers: dict[str, Any]

    def answered(self, program: Program, rule: str) -> int:
        """How many rows the embedded engine answers for; each as OPA does."""
        answered = 0
        for k, row in enumerate(self.rows):
            try:
                found = program.evaluate(rule, json_values.read(orjson.dumps(row)), {}, Budget(1.0))
                plain = json_values.plain(found)
            except values.Inexact:
                continue
            answered += 1
            assert plain == self.answers.get(str(k), UNDEFINED), (self.expression, row)
        return answered
