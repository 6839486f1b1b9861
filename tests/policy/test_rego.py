"""The built-in policies under OPA's own tools, and the embedded engine's tables against OPA, builtin by builtin."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from policy import bundle
from policy.engine import UNDEFINED, EntryPoint
from policy.exactness import limits, unmeasured
from policy.interpreter import Compiled
from policy.opa_process import find_opa
from policy.plan import read_plan
from policy.planning import plan_document

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
    *("s == t", "s != t", "s in [t]", "n == m", "n != m", "n - 0 < m", "n - 0 <= m", "n > m - 0", "0 + n >= m"),
    *("n + m", "n - m", "n * m", "count(s)", "count([s, t])", "count({s, t})"),
    *("startswith(s, t)", "endswith(s, t)", "contains(s, t)", "split(s, t)", 'contains(s, "n")', 'contains(s, ";")'),
    *('contains(s, "\\\\")', 'contains(s, "\\"")', 'contains(s, "0")', 'endswith(s, "/..")', 'split(s, "/")'),
    *("trim_prefix(s, t)", "trim_suffix(s, t)", "trim(s, t)", "trim_left(s, t)", "trim_right(s, t)", "trim_space(s)"),
    *("lower(s)", "upper(s)", "substring(s, 1, 2)", "semver.compare(s, t)", "concat(s, [t, s])"),
    *('sprintf("%s|%v", [s, t])', "is_number(n)", "is_string(s)", "is_object(s)", "type_name(n)"),
    *("strings.any_prefix_match(s, [t])", "array.reverse([s, t])", "numbers.range(1, 3)"),
    *("array.concat([s], [t])", "array.slice([s, t], 0, 1)"),
    *("object.get({s: 1}, t, 2)", "object.get({s: {t: 1}}, [s, t], 2)", "object.remove({s: 1, t: 2}, [s])"),
    *("object.filter({s: 1, t: 2}, [s])", "object.union({s: 1}, {t: 2})", "object.subset({s: 1, t: 2}, {s: 1})"),
    *("{s} & {t}", "{s, t} - {t}", "count({s} | {t})", "[x | [_, x] := walk([s, [t]]); is_string(x)]"),
    *('graph.reachable({"a": ["b"], "b": []}, {"a"})', '$"{s}-{t}"'),
]


def _rows() -> list[dict[str, Any]]:
    pairs = [(s, t) for s in TEXTS for t in ("n", "", s, s[-1:], s[:1], "/", "0", '"')]
    numbers = [(n, m) for n in NUMBERS for m in NUMBERS]
    texts = [{"s": s, "t": t, "n": 1, "m": 2} for s, t in pairs]
    return texts + [{"s": "x", "t": "y", "n": n, "m": m} for n, m in numbers]


def test_the_embedded_engine_is_exact_where_it_answers(tmp_path: Path) -> None:
    rows = _rows()
    local = "r.s, t := r.t, n := r.n, m := r.m".replace(", ", "; ")
    head = f"[k] := v if {{ some k, r in input.rows; s := {local}; v := "
    lines = [f"q{i}{head}{expression} }}" for i, expression in enumerate(EXPRESSIONS)]
    (tmp_path / "all.rego").write_text("package q\n" + "\n".join(lines))
    given = orjson.dumps({"rows": rows}).decode()
    done = _opa("eval", "-I", "-d", str(tmp_path / "all.rego"), "data.q", text=given)
    expected = json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
    for i, expression in enumerate(EXPRESSIONS):
        assert _answered(tmp_path / f"p{i}", expression, rows, expected.get(f"q{i}", {})) > 100, expression


def _answered(folder: Path, expression: str, rows: list[dict[str, Any]], expected: dict[str, Any]) -> int:
    """How many rows the embedded engine answers for; each as OPA does."""
    folder.mkdir()
    source = f"decision := v if {{ s := input.s; t := input.t; n := input.n; m := input.m; v := {expression} }}"
    (folder / "p.rego").write_text("package agentgate\n" + source + "\n")
    policy = bundle.load(str(folder), grants=None)
    plan = read_plan(plan_document(policy))
    assert list(unmeasured(plan)) == [], expression
    allowed, compiled, answered = limits(plan), Compiled(policy), 0
    for k, row in enumerate(rows):
        text = orjson.dumps(row)
        if allowed.obstacle(text) is None:
            answered += 1
            assert compiled.evaluate(EntryPoint.DECISION, text) == expected.get(str(k), UNDEFINED), (expression, row)
    return answered
