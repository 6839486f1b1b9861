"""What a policy can read of its input: named members are followed, everything that cannot be followed is whole."""

from typing import Any

import pytest

from policy.engine import Policy
from policy.planning import plan_document
from policy.reads import Reads, reads_of

HEAD = """package agentgate
import rego.v1
listing := {"hide": []}
"""


ALL = Reads(whole=True)
B_OF_IT = Reads(members={"b": ALL})


def _reads(rego: str) -> Any:
    modules = {"test.rego": HEAD + rego}
    policy = Policy("test", modules, {}, "r", "d", None, signed=False, hides_nothing=True, has_result=False)
    return _shown(reads_of(plan_document(policy)))


def _shown(reads: Reads) -> Any:
    return "*" if reads.whole else {name: _shown(below) for name, below in reads.members.items()}


@pytest.mark.parametrize(
    ("rego", "expected"),
    [
        pytest.param('decision := {"effect": input.a.b}', {"a": {"b": "*"}}, id="a-member-of-a-member"),
        pytest.param('decision := {"effect": input.a} if { input.a.b }', {"a": "*"}, id="a-whole-beats-its-members"),
        pytest.param("decision := {k: v | some k, v in input.a}", {"a": "*"}, id="a-scan-reads-the-whole"),
        pytest.param('decision := input.a[input.k]["x"]', {"a": "*", "k": "*"}, id="a-computed-name-reads-the-whole"),
        pytest.param("decision := input", "*", id="the-input-itself"),
        pytest.param("decision := f(input.a)\nf(x) := x.b", {"a": "*"}, id="an-argument-is-read-whole"),
        pytest.param("decision := f(1)\nf(x) := input.a.b + x", {"a": {"b": "*"}}, id="a-function-reads-the-input-too"),
        pytest.param(
            "decision := x if { x := r with input as {} }\nr := input.a", "*", id="with-input-cannot-be-followed"
        ),
        pytest.param("decision := data.x[input.a]", {"a": "*"}, id="a-lookup-in-data"),
        pytest.param("decision := y.b if { y := input.a }", {"a": "*"}, id="a-variable-is-read-whole"),
        pytest.param('decision := "x" if { not input.a.b }', {"a": {"b": "*"}}, id="a-negation"),
        pytest.param("decision := [x | x := input.a.b[_].c]", {"a": {"b": "*"}}, id="an-iteration"),
        pytest.param("decision := graph.reachable(input.a, {1})", {"a": "*"}, id="a-builtin-whose-name-begins-with-g"),
    ],
)
def test_what_is_read(rego: str, expected: Any) -> None:
    assert _reads(rego) == expected


@pytest.mark.parametrize(
    ("reads", "value", "expected"),
    [
        pytest.param(Reads(whole=True), {"a": 1}, {"a": 1}, id="whole"),
        pytest.param(Reads(), {"a": 1}, {"a": 1}, id="nothing-known-keeps-all"),
        pytest.param(Reads(members={"a": ALL}), {"a": {"x": 1}, "b": 2}, {"a": {"x": 1}}, id="a-member"),
        pytest.param(Reads(members={"a": ALL}), {"b": 2}, {}, id="an-absent-member-stays-absent"),
        pytest.param(Reads(members={"a": ALL}), {"a": None}, {"a": None}, id="null-that-is-read"),
        pytest.param(Reads(members={"a": ALL}), {"a": {}}, {"a": {}}, id="an-empty-object-that-is-read"),
        pytest.param(Reads(members={"a": B_OF_IT}), {"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, id="a-member-of-it"),
        pytest.param(Reads(members={"a": B_OF_IT}), {"a": {"c": 2}}, {}, id="an-object-with-nothing-to-read"),
        pytest.param(Reads(members={"a": B_OF_IT}), {"a": [1]}, {}, id="an-array-has-no-such-member"),
        pytest.param(Reads(members={"a": B_OF_IT}), {"a": None}, {}, id="null-has-no-member"),
    ],
)
def test_narrowing(reads: Reads, value: Any, expected: Any) -> None:
    assert reads.narrowed(value) == expected
