"""Grants: what the file may say, what the index looks like, and what the commands do."""

import io
import itertools
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from policy.argument_rules import parse_arguments
from policy.commands import GRANTS, run_check, run_grant, run_list
from policy.engine import PolicyRefused
from policy.grant_file import read_grants, write_grants
from policy.grants import Grant, index, with_grant

READ = {"upstream": "files", "tool": "read"}


def _file(tmp_path: Path, *entries: Any) -> Path:
    path = tmp_path / GRANTS
    path.write_text(json.dumps({"version": 1, "grants": entries}))
    return path


def test_no_file_is_no_grants(tmp_path: Path) -> None:
    assert read_grants(tmp_path / GRANTS) == ()


def test_the_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    grants = (
        Grant("files", "tools/call", "read", tenant="t", agent="a", arguments={"path": {"under": ["/srv"]}}),
        Grant("*", "elicitation/create", "*", effect="require_approval"),
        Grant("files", "tools/call", "delete", effect="deny"),
        Grant("files", "tools/call", "pay", arguments={"amount": {"max": 10}}, closed=True),
    )
    write_grants(tmp_path / GRANTS, grants)
    assert read_grants(tmp_path / GRANTS) == grants
    assert (tmp_path / GRANTS).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        pytest.param("read", "not an object", id="a-text"),
        pytest.param({"tool": "read"}, "upstream is missing", id="no-upstream"),
        pytest.param({"upstream": "u"}, "either tool", id="nothing-granted"),
        pytest.param(READ | {"method": "tools/call"}, "either tool", id="tool-and-method"),
        pytest.param(READ | {"name": "x"}, "either tool", id="tool-and-name"),
        pytest.param(READ | {"tool": ""}, "tool is not a text", id="empty-tool"),
        pytest.param(READ | {"tenant": 1}, "tenant is not a text", id="tenant-a-number"),
        pytest.param(READ | {"effects": "deny"}, "'effects'", id="a-misspelt-member"),
        pytest.param(READ | {"effect": "permit"}, "effect", id="unknown-effect"),
        pytest.param(READ | {"closed": 1}, "closed", id="closed-a-number"),
        pytest.param(READ | {"arguments": []}, "arguments", id="arguments-a-list"),
        pytest.param(READ | {"effect": "deny", "closed": True}, "a deny is about every call", id="a-closed-deny"),
        pytest.param(READ | {"arguments": {"p": {"below": ["/"]}}}, "'below'", id="unknown-rule"),
        pytest.param(READ | {"arguments": {"p": {"under": []}}}, "under", id="no-root"),
        pytest.param(READ | {"arguments": {"p": {"under": ["srv"]}}}, "absolute", id="relative-root"),
        pytest.param(READ | {"arguments": {"p": {"under": ["/"], "max": 1}}}, "one kind", id="path-and-number"),
        pytest.param(READ | {"arguments": {"p": {"max": 1, "min": 2}}}, "max is below min", id="empty-range"),
        pytest.param(READ | {"arguments": {"p": {"max": "1"}}}, "numbers", id="bound-a-text"),
        pytest.param(READ | {"arguments": {"p": {"max": 0.12345678901234567}}}, "15 digits", id="bound-too-fine"),
        pytest.param(READ | {"arguments": {"p": {"optional": 1}}}, "optional", id="optional-a-number"),
        pytest.param(READ | {"arguments": {"p": {"max": 10**17}}}, "15 digits", id="bound-beyond-a-double"),
        pytest.param(READ | {"arguments": {"p": {"min": 10**400}}}, "15 digits", id="bound-beyond-every-double"),
        pytest.param(READ | {"arguments": {"p": {"max": float("inf")}}}, "15 digits", id="bound-infinite"),
        pytest.param(READ | {"arguments": {"p": {"one_of": [1, 2**53 + 1]}}}, "9007199254740993", id="beyond-a-double"),
        pytest.param(READ | {"arguments": {"p": {"one_of": [-(10**30)]}}}, "text", id="far-below"),
        pytest.param(READ | {"arguments": {"p": {"one_of": [{"a": [2**53 + 1]}]}}}, "one_of", id="beyond-it-inside"),
        pytest.param(READ | {"arguments": {"p": {"one_of": [float("nan")]}}}, "one_of", id="not-a-number"),
        pytest.param(READ | {"agent": "\ud800"}, "no canonical form", id="half-a-pair"),
    ],
)
def test_what_a_grant_may_not_say(tmp_path: Path, entry: Any, problem: str) -> None:
    with pytest.raises(PolicyRefused, match=problem):
        read_grants(_file(tmp_path, READ, entry))


def test_a_number_that_no_call_can_have_is_told_with_its_place(tmp_path: Path) -> None:
    """Every integer that arrives is one that a double holds: a grant of another would be one of nothing."""
    with pytest.raises(PolicyRefused) as refused:
        read_grants(_file(tmp_path, READ, READ | {"arguments": {"id": {"one_of": [2**53, 2**53 + 1, 10**40]}}}))
    where = f"{tmp_path / GRANTS}: grants[1]: arguments.id: one_of has"
    assert [problem.partition(", ")[0] for problem in refused.value.problems] == [
        f"{where} 9007199254740993",
        f"{where} {10**40}",
    ]
    assert all('write it as text ("' in problem for problem in refused.value.problems)
    (kept,) = read_grants(_file(tmp_path, READ | {"arguments": {"id": {"one_of": [2**53, -(2**53), 1e300]}}}))
    assert index([kept])


def test_a_file_that_nests_too_deeply(tmp_path: Path) -> None:
    (tmp_path / GRANTS).write_text("[" * 100_000)
    with pytest.raises(PolicyRefused, match="nests too deeply"):
        read_grants(tmp_path / GRANTS)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(PolicyRefused) as refused:
        read_grants(_file(tmp_path, {"tool": 1}, READ, {"upstream": "u"}))
    assert [problem.split(": ")[1] for problem in refused.value.problems] == ["grants[0]", "grants[0]", "grants[2]"]


def _found(tree: dict[str, Any], call: tuple[str, str, str, str, str | None]) -> set[tuple[str, str]]:
    """What one way through the index leads to, as the rules go: the key of the call at each level, else "*"."""
    tenant, agent, upstream, method, name = call
    node = tree
    for key in (tenant, agent, upstream):
        node = node.get(key, node.get("*", {}))
    names = node.get(method, {})
    effects = names.get(name, names.get("*", {}))
    return {(effect, entry["id"]) for effect, those in effects.items() for entry in those if _reaches(entry, name)}


def _reaches(entry: dict[str, Any], name: str | None) -> bool:
    return "prefix" not in entry or (name is not None and name.startswith(entry["prefix"]))


def _about(grant: Grant, call: tuple[str, str, str, str, str | None]) -> bool:
    """Whether a grant is about a call, as the file reads."""
    tenant, agent, upstream, method, name = call
    scope = ((grant.tenant, tenant), (grant.agent, agent), (grant.upstream, upstream))
    if grant.method != method or any(named not in ("*", is_now) for named, is_now in scope):
        return False
    return grant.name in ("*", name) or (
        grant.name.endswith("*") and name is not None and name.startswith(grant.name[:-1])
    )


@pytest.mark.parametrize("seed", range(20))
def test_one_way_through_the_index_leads_to_every_grant_about_a_call(seed: int) -> None:
    chance = random.Random(seed)
    names = ("*", "fs_*", "fs_a*", "fs_a", "fs_ab", "x", "é*")
    grants = [
        Grant(
            *(chance.choice(("*", "u", "v")), chance.choice(("m", "n", "*")), chance.choice(names)),
            *(chance.choice(("*", "t")), chance.choice(("*", "a", "b")), chance.choice(("allow", "deny"))),
        )
        for _ in range(chance.randrange(1, 40))
    ]
    tree = index(grants)
    called = ("fs_a", "fs_ab", "fs_abc", "fs_", "x", "xy", "é", "", None)
    for call in itertools.product(("t", "s"), ("a", "c"), ("u", "w"), ("m", "*", "o"), called):
        assert _found(tree, call) == {(grant.effect, grant.id) for grant in grants if _about(grant, call)}


def test_a_grant_that_stands_twice_is_one_entry() -> None:
    grant = Grant("u", "tools/call", "x")
    assert len(index((grant, grant))["*"]["*"]["u"]["tools/call"]["x"]["allow"]) == 1


def test_grants_for_any_beside_too_many_names_are_refused() -> None:
    anyone = [Grant("u", "tools/call", f"tool{number}") for number in range(200)]
    agents = [Grant("u", "tools/call", "mine", agent=f"agent{number}") for number in range(200)]
    with pytest.raises(PolicyRefused, match="more than 10,000 entries of 400 grants"):
        index([*anyone, *agents], most=10_000)


@pytest.mark.parametrize(
    ("before", "effect", "after"),
    [
        pytest.param("allow", "deny", ["deny"], id="a-deny-takes-the-place"),
        pytest.param("deny", "allow", ["allow"], id="an-allowance-lifts-the-deny"),
        pytest.param("allow", "allow", ["allow"], id="the-same-stands-once"),
        pytest.param("allow", "require_approval", ["allow", "require_approval"], id="two-allowances-stand"),
    ],
)
def test_a_grant_about_the_same(before: Any, effect: Any, after: list[str]) -> None:
    grants = with_grant((Grant("u", "m", "n", effect=before),), Grant("u", "m", "n", effect=effect))
    assert [grant.effect for grant in grants] == after


def test_the_commands(tmp_path: Path) -> None:
    out = io.StringIO()
    rules = parse_arguments(["path=under:/srv,/data", "amount=max:10", "amount=min:0", "note=optional"])
    assert run_grant(tmp_path, Grant("u", "tools/call", "read", arguments=rules), out) == 0
    assert run_list(tmp_path, as_json=True, out=out) == 0
    listed = json.loads(out.getvalue().splitlines()[-1])
    assert listed["arguments"] == {
        "path": {"under": ["/srv", "/data"]},
        "amount": {"max": 10, "min": 0},
        "note": {"optional": True},
    }


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        pytest.param("id=one_of:1,a,true", {"one_of": [1, "a", True]}, id="numbers-and-texts"),
        pytest.param('id=one_of:"9007199254740993"', {"one_of": ["9007199254740993"]}, id="digits-as-text"),
        pytest.param("id=one_of:NaN,Infinity", {"one_of": ["NaN", "Infinity"]}, id="words-that-are-no-numbers"),
    ],
)
def test_values_of_an_argument(text: str, rule: dict[str, Any]) -> None:
    assert parse_arguments([text]) == {"id": rule}


@pytest.mark.parametrize("text", ["amount=max:ten", "amount=min:NaN", "amount=max:[1]", "amount=max:", "amount"])
def test_what_is_no_rule_is_told_as_it_stands(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        parse_arguments([text])


def test_a_bad_grant_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(PolicyRefused):
        run_grant(tmp_path, Grant("u", "m", "n", arguments={"a": {"max": 1, "min": 2}}), io.StringIO())
    assert not (tmp_path / GRANTS).exists()


async def test_check_says_what_would_be_refused(tmp_path: Path) -> None:
    out = io.StringIO()
    assert await run_check("starter", tmp_path, (), out) == 0
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "p.rego").write_text("package agentgate\n\ndecision := nosuch(1)\n")
    assert await run_check(str(tmp_path / "policy"), tmp_path, (), out) == 1
    assert "p.rego:3: unknown function nosuch" in out.getvalue()
