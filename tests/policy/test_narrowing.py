"""A narrowed input has the answer of the whole one: OPA itself is asked both, about inputs made at random."""

import json
import os
import random
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from policy import bundle
from policy.engine import Policy
from policy.grants import Grant, index
from policy.opa_process import find_opa
from policy.planning import plan_document
from policy.reads import Reads, reads_of

REGO = Path(bundle.__file__).parent / "rego"

RULES = {
    "a-member": "decision := input.a.b",
    "a-variable-that-is-there": 'decision := "x" if { y := input.a; not y.b }',
    "an-argument-that-is-there": 'decision := "x" if { f(input.a) }\nf(x) if not x.b',
    "a-negated-argument": 'decision := "x" if { not f(input.a) }\nf(x) if x.b',
    "an-argument-through-two-functions": "decision := f(input)\nf(x) := g(x.a)\ng(x) := x.b",
    "an-argument-with-a-pattern": "decision := f(input.a)\nf([_, y, _]) := y",
    "an-argument-that-is-given-back": "decision := f(input.a).b\nf(x) := x",
    "an-argument-that-is-not-looked-at": "decision := f(input.a)\nf(_) := 1",
    "elements": "decision := [x.b | some x in input.a]",
    "elements-by-number": "decision := [i | input.a[i].b]",
    "an-element-by-number": "decision := input.a[0].b",
    "an-element-by-name": "decision := input.a[input.k].b",
    "elements-of-elements": "decision := [x | x := input.a[_].b[_].c]",
    "elements-in-a-function": "decision := [x.k | some x in input.a; not f(x)]\nf(x) if x.b.c",
    "elements-counted": "decision := count([x | some x in input.a; not x.b])",
    "elements-under-every": "decision := true if { every x in input.a { x.b } }",
    "elements-in-a-set": "decision := {x | some x in input.a; x.b}",
    "names-of-members": "decision := {k | input.a[k].b}",
    "elements-and-a-member": "decision := [input.a.b, [x.c | some x in input.a]]",
    "elements-or-members": "decision := input.a.b if { input.a.b } else := [x.c | some x in input.a]",
    "a-default": 'decision := object.get(input.a, "b", 1)',
    "a-lookup-of-an-element": 'decision := [y | x := input.a[_]; y := {"1": 2, "b": 3}[x.k]]',
    "a-negated-lookup-of-an-element": 'decision := [x.k | x := input.a[_]; not {"1": 2, "b": 3}[x.k]]',
    "a-variable-in-two-places": "decision := [y.c | y := input.a] if { input.k } else := [y.b | y := input.k]",
    "a-variable-that-goes-down": "decision := x if { y := input.a; z := y.b; x := z.c }",
    "an-equality": "decision := input.a.k == input.k",
    "a-name-with-a-quote": 'decision := input.a["q\\"q"].b',
    "a-name-with-an-escape": 'decision := input.a["n\\nn"]',
    "a-name-beyond-ascii": 'decision := input.a["é"]',
    "nothing": "decision := 1",
}

NAMES = ("a", "b", "c", "k", 'q"q', "n\nn", "é")


def _value(chance: random.Random, depth: int = 4) -> Any:
    match chance.choice(("object", "object", "array", "plain")) if depth else "plain":
        case "object":
            return {name: _value(chance, depth - 1) for name in NAMES if chance.random() < 0.5}
        case "array":
            return [_value(chance, depth - 1) for _ in range(chance.randrange(4))]
        case _:
            return chance.choice((None, True, False, 0, 1, "", "b", "1", "c"))


def _input(chance: random.Random) -> dict[str, Any]:
    """Half of them have what the rules look for, or nearly."""
    found = {name: _value(chance) for name in NAMES if chance.random() < 0.8}
    if chance.random() < 0.5:
        found["a"] = [_value(chance, depth=3) for _ in range(3)]
        found["k"] = chance.choice((0, 1, "b", "1"))
    return found


def _reads(rule: str) -> Reads:
    modules = {"test.rego": f"package agentgate\nimport rego.v1\n{rule}\n"}
    policy = Policy("test", modules, {}, "r", "d", None, signed=False, hides_nothing=False, has_result=False)
    return reads_of(plan_document(policy))


def _asked(folder: Path, query: str, folders: Iterable[Path], cases: list[Any]) -> list[Any]:
    """The answers of OPA to `query` in package `ask`, for all cases at once."""
    (folder / "ask.rego").write_text(f"package ask\nimport rego.v1\n{query}\n")
    binary = find_opa(os.environ)  # noqa: TID251  (where OPA is, is the machine's setting)
    command = [str(binary), "eval", "--stdin-input", "--format=json", "-d", str(folder / "ask.rego")]
    command += [word for each in folders for word in ("-d", str(each))]
    done = subprocess.run([*command, "data.ask.answers"], input=json.dumps(cases), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    answers: list[Any] = json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
    assert len(answers) == len(cases)
    return answers


OF_RULES = """
answers := [answer | some case in input; answer := of(case)]
of(case) := [x | x := data.rules[case.rule].decision with input as case.given]
"""


def test_rules(tmp_path: Path) -> None:
    chance = random.Random(5)
    cases: list[dict[str, Any]] = []
    rules = tmp_path / "rules"
    rules.mkdir()
    for number, rule in enumerate(RULES.values()):
        (rules / f"r{number}.rego").write_text(f"package rules.r{number}\nimport rego.v1\n{rule}\n")
        reads = _reads(rule)
        for _ in range(100):
            whole = _input(chance)
            cases += [{"rule": f"r{number}", "given": given} for given in (whole, reads.narrowed(whole))]
    answers = _asked(tmp_path, OF_RULES, [rules], cases)
    names = list(RULES)
    told_apart: dict[str, set[str]] = {}
    for case, whole, narrowed in zip(cases[::2], answers[::2], answers[1::2], strict=True):
        name = names[int(case["rule"][1:])]
        assert whole == narrowed, (name, case["given"])
        told_apart.setdefault(name, set()).add(json.dumps(whole))
    assert {name for name, found in told_apart.items() if len(found) < 2} == {"nothing"}


OF_LISTS = """
answers := [answer | some case in input; answer := of(case)]
of(case) := [x | x := data.agentgate.listing
    with input as case.given
    with data.agentgate.grants as case.grants
    with data.agentgate.trusted_upstreams as {"trusted": true}]
"""
LISTED = (
    Grant("*", "tools/call", "read_*"),
    Grant("u", "tools/call", "echo", effect="require_approval"),
    Grant("u", "tools/call", "read_secret*", effect="deny"),
    Grant("trusted", "tools/call", "pay", effect="deny"),
    Grant("u", "resources/read", "file:///srv/*"),
    Grant("trusted", "resources/read", "file:///etc/*", effect="deny"),
    Grant("u", "prompts/get", "*"),
)


def _items(chance: random.Random) -> Iterator[Mapping[str, Any]]:
    names = ("echo", "pay", "read_a", "read_secret_b", "read_../x", "", "*", "file:///srv/a", "file:///etc/{x}", "é")
    for _ in range(chance.randrange(8)):
        hints = {"readOnlyHint": chance.choice((True, True, False, "true", None)), "title": "x"}
        pinned = chance.choice(("unpinned", "unpinned", "same", "new", "changed", "renamed"))
        definition = {"digest": "d", "pinned": pinned, "annotations": chance.choice((hints, hints, {}))}
        yield {"name": chance.choice(names), "definition": definition}


def test_lists(tmp_path: Path) -> None:
    policy, chance = bundle.load("starter", grants={}), random.Random(6)
    cases: list[dict[str, Any]] = []
    reads = reads_of(plan_document(policy))
    for _ in range(400):
        method = chance.choice(
            ("tools/list", "tools/list", "resources/list", "resources/templates/list", "prompts/list")
        )
        whole = {
            "caller": {"tenant": "t", "agent": "a", "workload": None},
            "call": {"method": method, "upstream": chance.choice(("u", "trusted", "v")), "params": {"cursor": "x"}},
            "items": list(_items(chance)),
        }
        cases += [{"grants": index(LISTED), "given": given} for given in (whole, reads.narrowed(whole))]
    answers = _asked(tmp_path, OF_LISTS, [REGO / "rules", REGO / "starter"], cases)
    assert answers[::2] == answers[1::2]
    assert "digest" not in json.dumps(cases[1::2])
    assert sum(1 for answer in answers if answer[0]["hide"]) > 100
