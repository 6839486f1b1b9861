"""What a policy can read of its input: members and elements are followed, what is used as a value is whole."""

from typing import Any

import pytest

from policy.engine import Policy
from policy.planning import plan_document
from policy.reads import MAX_DEPTH, Reads, reads_of

HEAD = """package agentgate
import rego.v1
listing := {"hide": []}
"""


ALL = Reads(whole=True)
B_OF_IT = Reads(members={"b": ALL})
B_IF_THERE = Reads(members={"b": ALL}, there=True)
B_OF_EACH = Reads(each=B_OF_IT)


def _reads(rego: str) -> Any:
    modules = {"test.rego": HEAD + rego}
    policy = Policy("test", modules, {}, "r", "d", None, signed=False, hides_nothing=True, has_result=False)
    return _shown(reads_of(plan_document(policy)))


def _shown(reads: Reads) -> Any:
    """`*` for a whole, `[]` for each element, `!` where it is read that there is something."""
    if reads.whole:
        return "*"
    shown = {name: _shown(below) for name, below in reads.members.items()}
    return shown | ({"[]": _shown(reads.each)} if reads.each else {}) | ({"!": ""} if reads.there else {})


@pytest.mark.parametrize(
    ("rego", "expected"),
    [
        pytest.param('decision := {"effect": input.a.b}', {"a": {"b": "*"}}, id="a-member-of-a-member"),
        pytest.param('decision := {"effect": input.a} if { input.a.b }', {"a": "*"}, id="a-whole-beats-its-members"),
        pytest.param("decision := {k: v | some k, v in input.a}", {"a": {"[]": "*"}}, id="elements-as-values"),
        pytest.param("decision := [x.b | some x in input.a]", {"a": {"[]": {"b": "*", "!": ""}}}, id="elements"),
        pytest.param("decision := [x | x := input.a.b[_].c]", {"a": {"b": {"[]": {"c": "*"}}}}, id="an-iteration"),
        pytest.param("decision := input.a[0].b", {"a": {"[]": {"b": "*"}}}, id="an-element-by-number"),
        pytest.param('decision := input.a[input.k]["x"]', {"a": {"[]": {"x": "*"}}, "k": "*"}, id="a-computed-name"),
        pytest.param('decision := input.a["q\\"q"].b', {"a": {'q"q': {"b": "*"}}}, id="a-name-with-a-quote"),
        pytest.param('decision := input.a["é"].b', {"a": {"é": {"b": "*"}}}, id="a-name-beyond-ascii"),
        pytest.param("decision := count(input.a)", {"a": "*"}, id="an-argument-of-a-builtin"),
        pytest.param("decision := true if { every x in input.a { x.b } }", {"a": "*"}, id="every"),
        pytest.param("decision := input", "*", id="the-input-itself"),
        pytest.param("decision := f(input.a)\nf(x) := x.b", {"a": {"b": "*", "!": ""}}, id="an-argument"),
        pytest.param("decision := f(input)\nf(x) := x.b", {"b": "*", "!": ""}, id="the-input-as-an-argument"),
        pytest.param("decision := f(input.a).b\nf(x) := x", {"a": "*"}, id="an-argument-given-back"),
        pytest.param("decision := f(input.a)\nf([x, _]) := x.b", {"a": "*"}, id="an-argument-taken-apart"),
        pytest.param(
            "decision := f(input.a)\nf(x) := g(x.b)\ng(x) := x.c", {"a": {"b": {"c": "*", "!": ""}, "!": ""}},
            id="an-argument-of-an-argument",
        ),
        pytest.param(
            "decision := [1 | some x in input.a; not f(x)]\nf(x) if x.b", {"a": {"[]": {"b": "*", "!": ""}}},
            id="an-element-as-an-argument",
        ),
        pytest.param("decision := f(1)\nf(x) := input.a.b + x", {"a": {"b": "*"}}, id="a-function-reads-the-input-too"),
        pytest.param(
            "decision := x if { x := r with input as {} }\nr := input.a", "*", id="with-input-cannot-be-followed"
        ),
        pytest.param("decision := data.x[input.a]", {"a": "*"}, id="a-lookup-in-data"),
        pytest.param("decision := y.b if { y := input.a }", {"a": {"b": "*", "!": ""}}, id="a-variable"),
        pytest.param("decision := 1 if { y := input.a; not y.b }", {"a": {"b": "*", "!": ""}}, id="that-it-is-there"),
        pytest.param("decision := y if { y := input.a }", {"a": "*"}, id="a-variable-as-a-value"),
        pytest.param('decision := "x" if { not input.a.b }', {"a": {"b": "*"}}, id="a-negation"),
        pytest.param("decision := graph.reachable(input.a, {1})", {"a": "*"}, id="a-builtin-whose-name-begins-with-g"),
    ],
)  # fmt: skip
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
        pytest.param(Reads(members={"a": B_IF_THERE}), {"a": {"c": 2}}, {"a": {}}, id="an-object-that-is-there"),
        pytest.param(Reads(members={"a": B_IF_THERE}), {"a": None}, {"a": None}, id="null-that-is-there"),
        pytest.param(Reads(members={"a": B_IF_THERE}), {"c": 2}, {}, id="nothing-is-there"),
        pytest.param(Reads(members={"a": B_OF_EACH}), {"a": [{"b": 1, "c": 2}, {"c": 2}, 3]}, {"a": [{"b": 1}, {}, 3]},
                     id="every-element-keeps-its-place"),
        pytest.param(Reads(members={"a": B_OF_EACH}), {"a": []}, {"a": []}, id="no-elements"),
        pytest.param(Reads(members={"a": B_OF_EACH}), {"a": {"x": {"c": 2}}}, {"a": {"x": {"c": 2}}},
                     id="an-object-that-is-looped-over-is-whole"),
        pytest.param(Reads(members={"a": B_OF_EACH}), {"a": "bc"}, {"a": "bc"}, id="a-text-has-no-elements"),
        pytest.param(Reads(members={"a": Reads(members={"b": ALL}, each=B_OF_IT)}), {"a": {"b": 1, "c": 2}},
                     {"a": {"b": 1, "c": 2}}, id="elements-and-a-member"),
    ],
)  # fmt: skip
def test_narrowing(reads: Reads, value: Any, expected: Any) -> None:
    assert reads.narrowed(value) == expected


def _plan(*statements: dict[str, Any]) -> dict[str, Any]:
    """A plan of one entry point, with these statements."""
    plan = {"name": "agentgate/decision", "blocks": [{"stmts": list(statements)}]}
    return {"static": {"strings": [{"value": "b"}]}, "plans": {"plans": [plan]}, "funcs": {"funcs": []}}


@pytest.mark.parametrize(
    ("kind", "stmt", "expected"),
    [
        pytest.param("LenStmt", {"source": 0, "target": 2}, "*", id="the-input-by-its-number"),
        pytest.param("LenStmt", {"source": 3, "target": 2}, {}, id="another-local"),
        pytest.param("CallDynamicStmt", {"path": [], "args": [], "result": 2}, "*", id="a-statement-that-is-not-known"),
    ],
)
def test_what_is_not_understood_reads_everything(kind: str, stmt: dict[str, Any], expected: Any) -> None:
    assert _shown(reads_of(_plan({"type": kind, "stmt": stmt}))) == expected


def test_a_local_that_goes_down_in_a_circle() -> None:
    """regopy has one local for a name, wherever it stands: what is followed has an end all the same."""
    key = {"type": "string_index", "value": 0}
    dots = [{"source": {"type": "local", "value": source}, "key": key, "target": 2} for source in (0, 2)]
    shown = _shown(reads_of(_plan(*({"type": "DotStmt", "stmt": dot} for dot in dots))))
    for _ in range(MAX_DEPTH):
        shown = shown["b"]
    assert shown == "*"
