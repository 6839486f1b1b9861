"""`policy suggest`: the narrowest rules that values keep, and which calls a grant is proposed for."""

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from evidence.record import Kind, Record
from evidence.tailing import Found
from policy.bundle import load
from policy.embedded import EmbeddedEngine
from policy.engine import EntryPoint
from policy.grants import Grant, index, read_grant
from policy.suggesting.command import document as written
from policy.suggesting.command import grant_for, lines, run_suggest
from policy.suggesting.observed import LeftOut, Observed, Seen, Wanted, asked_of
from policy.suggesting.rules import rule_for, rules_for
from tests.policy.asking import document, tool_call

PAY = Wanted("default", "billing", "u", "tools/call", "pay", "allow", refused=False)

RULES = [
    pytest.param([3, 1.5], {"min": 1.5, "max": 3}, id="numbers"),
    pytest.param([3, 3], {"one_of": [3]}, id="one-number"),
    pytest.param([1, 2**60 + 1], {}, id="a-number-that-no-double-holds"),
    pytest.param([1.0, float("inf")], {}, id="no-finite-number"),
    pytest.param(["/srv/a/x", "/srv/a/y/z"], {"under": ["/srv/a"]}, id="paths"),
    pytest.param(["/srv/a"], {"one_of": ["/srv/a"]}, id="one-path"),
    pytest.param(["/srv/a/x", "/etc/b/y"], {"under": ["/etc/b", "/srv/a"]}, id="paths-of-two-folders"),
    pytest.param(["/srv/a/x", "/srv/x"], {"under": ["/srv"]}, id="a-folder-in-another"),
    pytest.param(["/a", "/b"], {"one_of": ["/a", "/b"]}, id="paths-at-the-top"),
    pytest.param(["/srv/a", "/srv/../a"], {"one_of": ["/srv/a", "/srv/../a"]}, id="a-path-that-climbs"),
    pytest.param(["/srv/a", "/srv/%2e%2e/a"], {"one_of": ["/srv/a", "/srv/%2e%2e/a"]}, id="a-path-that-climbs-encoded"),
    pytest.param(["/srv/a", "srv/a"], {"one_of": ["/srv/a", "srv/a"]}, id="a-relative-path"),
    pytest.param(
        ["select a from b", "SELECT 1 from c", "update b set a = 1"], {"sql": ["select", "update"]}, id="statements"
    ),
    pytest.param(["select a colour"], {"one_of": ["select a colour"]}, id="a-sentence"),
    pytest.param(["select a from b; drop b"], {"one_of": ["select a from b; drop b"]}, id="two-statements"),
    pytest.param(["Select a from b"], {"one_of": ["Select a from b"]}, id="a-verb-that-the-rule-does-not-know"),
    pytest.param(["red", 1, True], {"one_of": ["red", 1, True]}, id="values"),
    pytest.param([1, True, "1"], {"one_of": [1, True, "1"]}, id="values-that-look-alike"),
    pytest.param(
        [f"https://a.example/{n}" for n in range(9)] + ["http://b.example:8/x"],
        {"prefix": ["http://b.example:8/", "https://a.example/"]},
        id="addresses",
    ),
    pytest.param([f"https://u@a.example/{n}" for n in range(9)], {}, id="addresses-that-do-not-say-their-host-at-once"),
    pytest.param([f"https://a{n}.example/" for n in range(9)], {}, id="addresses-of-too-many-hosts"),
    pytest.param(["x" * 65], {}, id="a-long-text"),
    pytest.param([f"x{n}" for n in range(9)], {}, id="many-texts"),
    pytest.param([["a"], {"a": 1}], {}, id="lists-and-objects"),
    pytest.param([None], {}, id="null"),
]


@pytest.mark.parametrize(("values", "rule"), RULES)
def test_the_narrowest_rule(values: list[Any], rule: dict[str, Any]) -> None:
    assert rule_for(values) == rule
    read_grant(json.loads(json.dumps({"upstream": "u", "tool": "t", "arguments": {"a": rule}})), "here")


async def test_every_value_keeps_its_rule_and_nothing_else_is_open() -> None:
    """By the starter's own rules: what was seen is granted, one argument more or less is not."""
    rows: dict[str, list[Any]] = {str(row.id): cast("list[Any]", row.values[0]) for row in RULES}
    fit = {name: [value for value in values if value != float("inf")] for name, values in rows.items()}
    grants = [Grant("u", "tools/call", name, arguments={"a": rule_for(fit[name])}, closed=True) for name in fit]
    engine = EmbeddedEngine(budget_seconds=5.0)
    await engine.activate(load("starter", grants=index(grants)))

    async def reason(name: str, arguments: dict[str, Any]) -> Any:
        return (await engine.ask(EntryPoint.DECISION, document(tool_call(name, arguments)))).value["reason"]

    try:
        for name, values in fit.items():
            assert {await reason(name, {"a": value}) for value in values} == {"granted"}, name
            assert await reason(name, {"a": values[0], "b": 1}) == "argument_refused"
            assert await reason(name, {}) == "argument_refused"
    finally:
        await engine.close()


def _record(decision: dict[str, Any], kind: Kind = Kind.INTENT, code: str | None = None) -> Found:
    request = {"upstream": "u", "method": "tools/call", "name": "pay"}
    body = {"caller": {"tenant": "default", "agent": "billing"}, "request": request, "decision": decision}
    whole = {**body, "refusal": {"code": code or decision["reason"]}} if kind is Kind.REFUSAL else body
    header = SimpleNamespace(kind=kind, call="c", at="2026-01-01T00:00:00.000000+00:00", tenant="default")
    return Found(Path("chain"), cast("Record", SimpleNamespace(header=header, body=whole)), None)


_ALLOWED = {"effect": "allow", "reason": "granted"}
_DENIED = {"effect": "deny", "reason": "not_granted"}

LEFT_OUT = [
    pytest.param(_record(_ALLOWED | {"exception": "e1"}), "allowed by an exception", id="an-exception"),
    pytest.param(_record(_ALLOWED | {"reason": "upstream_trusted"}), "needs no grant", id="trust"),
    pytest.param(_record(_DENIED | {"reason": "definition_changed"}, Kind.REFUSAL), "denied", id="a-changed-tool"),
    pytest.param(_record(_DENIED | {"reason": "no_template"}, Kind.REFUSAL), "denied", id="a-policy-of-ones-own"),
    pytest.param(
        _record(_DENIED, Kind.REFUSAL, "batch_refused"), "beside policy", id="a-batch-of-which-one-was-denied"
    ),
    pytest.param(_record(_ALLOWED, Kind.REFUSAL, "limit_reached"), "beside policy", id="a-limit"),
    pytest.param(
        _record(_ALLOWED | {"reason": "observed", "shadow": _DENIED | {"reason": "method_unknown"}}),
        "denied",
        id="what-the-starter-would-deny-whatever-is-granted",
    ),
]


@pytest.mark.parametrize(("record", "why"), LEFT_OUT)
def test_calls_that_no_grant_is_proposed_for(record: Found, why: str) -> None:
    with pytest.raises(LeftOut, match=why):
        asked_of(record, None)


def test_an_argument_that_may_be_left_out_is_optional() -> None:
    assert rules_for([{"c": "red", "n": ["a"]}, {"n": []}]) == {"c": {"one_of": ["red"], "optional": True}, "n": {}}
    assert rules_for([{}]) == {}


def _seen(*calls: dict[str, Any], sealed: int = 0) -> Seen:
    seen = Seen(len(calls) + sealed, len(calls), "2026-01-01T00:00:00.000000", "2026-01-02T00:00:00.000000")
    seen.reasons["granted"] = seen.calls
    seen.arguments = {json.dumps(each): each for each in calls}
    return seen


def test_arguments_that_are_all_known_are_closed() -> None:
    grant = grant_for(PAY, _seen({"n": 1}, {"n": 2}))
    assert (grant.arguments, grant.closed) == ({"n": {"max": 2, "min": 1}}, True)
    assert grant_for(PAY, _seen({})).closed


def test_arguments_that_are_not_all_known_give_no_rules_and_say_so() -> None:
    seen = _seen({"n": 1}, sealed=1)
    grant = grant_for(PAY, seen)
    assert (grant.arguments, grant.closed) == ({}, False)
    assert "#   any arguments: those of 1 call are not known" in lines(Observed({PAY: seen}), sealed=False)


def test_what_a_person_reads() -> None:
    seen = _seen({"n": 1, "t": "x" * 80})
    refused = PAY._replace(refused=True)
    observed = Observed({refused: seen, PAY: seen})
    observed.left_out["denied: denied_by_operator"] = 2
    grant = '{"tenant": "default", "agent": "billing", "upstream": "u", "tool": "pay", '
    grant += '"arguments": {"n": {"one_of": [1]}, "t": {}}, "closed": true}'
    said = "(1 granted), 2026-01-01T00:00:00 to 2026-01-02T00:00:00"
    assert list(lines(observed, sealed=False)) == [
        "# default/billing at u: tools/call pay",
        f"#   1 call let through {said}",
        "#   any value of t",
        grant,
        "",
        "# default/billing at u: tools/call pay",
        f"#   1 call REFUSED {said}",
        "#   any value of t",
        grant,
        "",
        "# left out: 2 calls, denied: denied_by_operator",
    ]
    assert [each["refused"] for each in written(observed)["seen"]] == [False, True]


def test_nothing_seen_and_nothing_opened_are_said() -> None:
    assert list(lines(Observed(), sealed=True)) == ["# nothing to suggest"]
    assert [line for line in lines(Observed({PAY: _seen()}), sealed=True) if "--key" in line]


@pytest.mark.parametrize("key", [None, Path("/no/such/key")])
def test_no_folder_and_no_key(tmp_path: Path, key: Path | None) -> None:
    out = io.StringIO()
    assert run_suggest(tmp_path / "none", key=key, as_json=False, out=out) == 64
    assert out.getvalue().startswith("agentgate policy suggest: ")


def test_a_folder_that_is_no_evidence_is_not_read_halfway(tmp_path: Path) -> None:
    chain = tmp_path / "chain-0000000000000000"
    chain.mkdir()
    (chain / "records-00000001.tsv").write_text("nothing of ours\n")
    out = io.StringIO()
    assert run_suggest(tmp_path, key=None, as_json=True, out=out) == 1
    assert "agentgate verify says more" in out.getvalue()


def test_what_an_operator_has_denied_is_proposed_no_more() -> None:
    denied, other = PAY._replace(effect="deny", refused=True), PAY._replace(name="list")
    observed = Observed({PAY: _seen({}), denied: _seen({}), other: _seen({})})
    observed.settle()
    assert list(observed.seen) == [other]
    assert observed.left_out == {"denied: denied_by_operator": 2}
