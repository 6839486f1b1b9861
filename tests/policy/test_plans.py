"""The translation takes any plan: what OPA compiles decides as what regopy compiles."""

import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from policy.bundle import load
from policy.grants import index
from policy.opa_process import find_opa
from policy.planning import plan_document
from policy.program import json_values, values
from policy.program.running import Budget
from policy.program.source import NotTranslatable
from policy.program.translation import Program, translate
from tests.policy.asking import document
from tests.policy.test_engines import GRANTS, _calls


def _compiled_by_opa(folder: Path, modules: dict[str, str], data: Any) -> Program:
    for path, text in modules.items():
        place = folder / "source" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    (folder / "source/data.json").write_text(json.dumps(data))
    entries = ["-e", "agentgate/decision", "-e", "agentgate/listing"]
    binary = find_opa(os.environ)  # noqa: TID251  (where OPA is, is the machine's setting)
    subprocess.run([binary, "build", "-t", "plan", *entries, "-o", folder / "b.tgz", folder / "source"], check=True)
    with tarfile.open(folder / "b.tgz") as archive:
        plan = archive.extractfile("/plan.json")
        assert plan is not None
        return translate(json.load(plan), str)


@pytest.mark.parametrize("name", ["starter", "observe"])
def test_a_plan_of_opa_decides_the_same(tmp_path: Path, name: str) -> None:
    policy = load(name, grants=index(GRANTS), trusted=["trusted"])
    theirs = _compiled_by_opa(tmp_path, dict(policy.modules), dict(policy.data))
    ours = translate(plan_document(policy))
    data = json_values.given(dict(policy.data))
    for call in _calls(seed=3, count=300):
        asked = json_values.read(document(call))
        found = [each.evaluate("agentgate/decision", asked, data, Budget(5.0)) for each in (ours, theirs)]
        assert found[0] == found[1] != values.UNDEFINED, call


def test_a_jump_out_of_several_blocks(tmp_path: Path) -> None:
    """OPA's plans leave several blocks at once where an `else` or a dynamic call is decided."""
    source = """package agentgate

import data.teams

decision := teams[input.t][_] if input.t else := "none"
listing := [x | some team in ["a", "b", "c"]; x := teams[team].name]
"""
    teams = {"a.rego": 'package teams.a\n\nname := "A"\n', "b.rego": 'package teams.b\n\nname := "B" if input.b\n'}
    program = _compiled_by_opa(tmp_path, {"p.rego": source, **teams}, {})
    for given, decision, listing in (
        ({"t": "a"}, "A", ["A"]),
        ({"t": "b"}, "none", ["A"]),
        ({"t": "b", "b": True}, "B", ["A", "B"]),
        ({"t": "z"}, "none", ["A"]),
        ({}, "none", ["A"]),
    ):
        assert program.evaluate("agentgate/decision", given, {}, Budget(1.0)) == decision
        assert program.evaluate("agentgate/listing", given, {}, Budget(1.0)) == listing


def test_what_has_no_translation_is_named() -> None:
    plan = {
        "static": {"strings": []},
        "funcs": {"funcs": [_rule([{"type": "LoopStmt", "stmt": {}}])]},
    }
    with pytest.raises(NotTranslatable, match="LoopStmt"):
        translate(plan)


def test_rules_that_nest_too_deeply_are_refused() -> None:
    statements: list[dict[str, Any]] = []
    for _ in range(25):
        statements = [{"type": "BlockStmt", "stmt": {"blocks": [{"stmts": statements}]}}]
    with pytest.raises(NotTranslatable, match="nest too deeply"):
        translate({"static": {"strings": []}, "funcs": {"funcs": [_rule(statements)]}})


def _rule(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": "x", "path": ["g0", "x"], "params": [0, 1], "return": 2, "blocks": [{"stmts": statements}]}
