"""`policy explain`: it agrees with the engine on every table there is, and says what is so in the words of a table."""

import io
import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from policy.bundle import load
from policy.engine import UNDEFINED, CannotDecide, EntryPoint, Policy
from policy.exception_file import Found
from policy.exceptions import Exempt
from policy.explaining.alternatives import Alternative
from policy.explaining.command import Question, run_input, run_record
from policy.explaining.completing import UnfitInput, completed
from policy.explaining.evaluating import Compiled, compiled
from policy.explaining.explanation import Explanation, explain, telling
from policy.explaining.report import document as report
from policy.explaining.report import lines
from policy.explaining.words import words
from policy.grants import index
from policy.program import json_values
from policy.templating import chosen, composed, merged, templates, write
from tests.policy.asking import CALLER, NOW, document, tool_call
from tests.policy.explained_rows import GRANTS, ROWS, STRANGER, Row
from tests.policy.template_compositions import TOGETHER
from tests.policy.template_rows import TABLES
from tests.policy.test_engines import GRANTS as ENGINE_GRANTS
from tests.policy.test_engines import _calls
from tests.policy.test_templates import Ask, _running


@pytest.fixture(scope="module")
def starter() -> Compiled:
    return compiled(load("starter", grants=index(GRANTS), trusted=["trusted"]))


def _own(folder: Path, source: str) -> Compiled:
    (folder / "policy.rego").write_text(source)
    return compiled(load(str(folder), grants=None))


def _said(found: Explanation) -> str:
    if found.decision is None:
        assert found.failure is not None
        return found.failure.code
    return f"{found.decision['effect']}:{found.decision['reason']}"


def _bodies(found: Explanation, named: str) -> list[Alternative]:
    return [one for one in (*found.fired, *found.closest) if f"{one.effect}:{one.reason}" == named]


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in ROWS.items()])
def test_what_is_said(starter: Compiled, row: Row, tmp_path: Path) -> None:
    policy = starter if row.source is None else _own(tmp_path, row.source)
    found = explain(policy, json_values.read(document(row.asked)))
    assert _said(found) == row.says
    bodies = _bodies(found, row.body)
    assert [one.status for one in bodies] == [row.status], list(lines(found))
    said = [words(cause) for cause in telling(bodies[0])]
    assert [text for text in said if row.words in text], said
    if row.distance is not None:
        assert (bodies[0].distance, bodies[0].at_most) == (row.distance, row.at_most), said


Agrees = Callable[[Policy, Iterable[bytes]], Awaitable[None]]


@pytest.fixture(params=["embedded", "opa"])
def agrees(request: pytest.FixtureRequest, tmp_path: Path) -> Agrees:
    """`agrees(policy, documents)`: the explained decision is that of the engine, and of a body that fired."""

    async def asked_both(policy: Policy, asked: Iterable[bytes]) -> None:
        ready = compiled(policy)
        async with _running(request.param, policy, tmp_path) as ask:
            for each in asked:
                _agree(await _answer(ask, each), explain(ready, json_values.read(each)), request.param)

    return asked_both


async def _answer(ask: Ask, asked: bytes) -> Any:
    try:
        return await ask(EntryPoint.DECISION, asked)
    except CannotDecide as error:
        return error


def _agree(value: Any, found: Explanation, engine: str) -> None:
    assert [line for line in lines(found) if not line.isprintable()] == []
    if isinstance(value, CannotDecide):
        assert found.failure is not None, value
        return
    if engine == "opa" and found.failure is not None and found.failure.code == "engine_inexact":
        return
    assert found.decision == (None if value is UNDEFINED else value)
    if isinstance(value, dict):
        fitting = [one for one in found.fired if one.effect == value["effect"]]
        assert [one for one in fitting if one.reason in (None, value["reason"])], list(lines(found))


async def test_the_rows_of_the_table(agrees: Agrees, tmp_path: Path) -> None:
    rows = [row for row in ROWS.values() if row.source is None]
    await agrees(load("starter", grants=index(GRANTS), trusted=["trusted"]), [document(row.asked) for row in rows])


async def test_the_rows_with_policies_of_their_own(agrees: Agrees, tmp_path: Path) -> None:
    for number, row in enumerate(row for row in ROWS.values() if row.source is not None):
        (folder := tmp_path / f"own-{number}").mkdir()
        (folder / "policy.rego").write_text(row.source or "")
        await agrees(load(str(folder), grants=None), [document(row.asked)])


async def test_the_starter_over_generated_calls(agrees: Agrees) -> None:
    policy = load("starter", grants=index(ENGINE_GRANTS), trusted=["trusted"])
    await agrees(policy, [document(call) for call in _calls(seed=11, count=300)])


async def test_the_observing_policy_over_generated_calls(agrees: Agrees) -> None:
    policy = load("observe", grants=index(ENGINE_GRANTS), trusted=["trusted"])
    await agrees(policy, [document(call) for call in _calls(seed=12, count=50)])


def _composed(place: Path, *names: str, settings: Any = None, exceptions: tuple[Exempt, ...] = ()) -> Policy:
    folder = place / "policy"
    write(folder, composed(chosen(names)))
    file = folder / "settings" / "data.json"
    more = [TABLES[name].more for name in names] if settings is None else []
    whole = {"settings": settings} if settings is not None else merged([json.loads(file.read_text()), *more])
    file.write_text(json.dumps(whole.get("settings", whole) if settings is not None else whole))
    return load(str(folder), grants=None, exceptions=Found(exceptions))


@pytest.mark.parametrize("name", [template.id for template in templates()])
async def test_every_template(agrees: Agrees, tmp_path: Path, name: str) -> None:
    table = TABLES[name]
    asked = [row.document(table.agent, table.upstream) for row in table.rows.values()]
    await agrees(_composed(tmp_path, name, exceptions=table.exceptions), asked)


@pytest.mark.parametrize("name", TOGETHER)
async def test_templates_together(agrees: Agrees, tmp_path: Path, name: str) -> None:
    together = TOGETHER[name]
    policy = _composed(tmp_path, *together.templates, settings=together.settings, exceptions=together.exceptions)
    await agrees(policy, [row.document("a", "u") for row, _ in together.rows.values()])


def test_grants_of_somebody_else_are_near(starter: Compiled) -> None:
    found = explain(starter, json_values.read(document(tool_call("echo", {}, caller=STRANGER))))
    assert [(one.id, one.differences) for one in found.near] == [
        ("grant:e2d6f1e7a856", (("agent", "billing", "support"),))
    ]
    assert "  grant:e2d6f1e7a856 (allow) is for agent billing, not support" in list(lines(found))


def test_which_values_decided(starter: Compiled) -> None:
    found = report(explain(starter, json_values.read(document(tool_call("echo", {})))))
    deciding = {one["path"]: one["without"]["reason"] for one in found["inputs"] if one["decides"]}
    assert deciding == {
        "input.call.method": "method_unknown",
        "input.call.name": "not_granted",
        "input.call.upstream": "not_granted",
        "input.caller.agent": "not_granted",
    }


def test_what_nobody_decided_is_not_said_to_have(starter: Compiled) -> None:
    found = report(explain(starter, json_values.read(document(tool_call("echo", {})))))
    assert [one for one in found["inputs"] if one["path"] == "input.caller.tenant" and one["decides"]] == []


FAILING = {
    "two values at once": ("decision := {x: 1} if {\n\tsome x in [1]\n}\ndecision := 2\n", "engine_failed"),
    "no decision at all": ('decision := "yes"\n', "policy_malformed"),
    "inexact": (
        'decision := {"effect": "allow", "reason": "r", "message": sprintf("%x", [input.call.name])}\n',
        "engine_inexact",
    ),
    "too long": (
        'decision := {"effect": "deny", "reason": "r"} if {\n\tsome a in numbers.range(1, 3000)\n'
        "\tsome b in numbers.range(1, 3000)\n\ta * b == -1\n}\n",
        "engine_timeout",
    ),
}


@pytest.mark.parametrize("name", FAILING)
def test_what_cannot_be_decided(tmp_path: Path, name: str) -> None:
    source, code = FAILING[name]
    found = explain(
        _own(tmp_path, "package agentgate\n\n" + source), json_values.read(document(tool_call("t", {"n": 1})))
    )
    assert _said(found) == code
    assert [line for line in lines(found) if line.startswith(f"refused: {code}: ")]


def test_a_huge_input_is_explained_in_short(starter: Compiled) -> None:
    asked = tool_call("query", {"sql": "x" * 1_000_000, **{f"a{n}": n for n in range(5_000)}})
    found = explain(starter, json_values.read(document(asked)))
    assert len("\n".join(lines(found))) < 20_000
    assert len(json.dumps(report(found))) < 500_000


def test_rules_that_ask_for_each_other_are_looked_at_once(tmp_path: Path) -> None:
    rules = "".join(f"r{n} if {{\n\tr{n + 1}\n}}\n\nr{n} if {{\n\tr{n + 1}\n}}\n\n" for n in range(60))
    body = f'decision := {{"effect": "allow", "reason": "a"}} if r0\n\n{rules}r60 if input.call.name == "x"\n'
    found = explain(_own(tmp_path, "package agentgate\n\n" + body), json_values.read(document(tool_call("t"))))
    assert _said(found) == "policy_undefined"
    assert 'input.call.name is "t", not "x"' in {words(cause) for cause in found.closest[0].causes}


def test_a_call_alone_is_completed() -> None:
    params = b'{"name": "t", "arguments": {"a": 1.50}}'
    message = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "upstream": "u", "params": %b}' % params
    given = completed(message, NOW)
    assert (given["call"]["name"], str(given["call"]["arguments"]["a"])) == ("t", "1.50")
    short = completed(b'{"upstream": "u", "name": "t", "arguments": {"a": 1}}', NOW)
    assert short["call"]["params"] == {"name": "t", "arguments": {"a": 1}}
    assert short["time"]["unix_ns"] == NOW.unix_ns
    whole = json_values.read(document(tool_call("t", {"a": 1})))
    assert completed(document(tool_call("t", {"a": 1})), NOW) == whole


UNFIT = {
    "no JSON": (b"{", "not JSON"),
    "no object": (b"[]", "not an object"),
    "a member that is none": (b'{"call": {"upstream": "u"}, "caler": {}}', "caler is no member"),
    "an unknown member of the caller": (b'{"call": {"upstream": "u"}, "caller": {"agnet": "a"}}', "caller.agnet"),
    "no upstream": (b'{"method": "tools/call"}', "call.upstream is missing"),
    "a caller that is none": (b'{"call": {"upstream": "u"}, "caller": 1}', "caller is not an object"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_is_no_input(name: str) -> None:
    text, problem = UNFIT[name]
    with pytest.raises(UnfitInput) as raised:
        completed(text, NOW)
    assert [one for one in raised.value.problems if problem in one]


def _policy() -> Policy:
    return load("starter", grants=index(GRANTS), trusted=["trusted"])


def test_the_command_on_an_input() -> None:
    out = io.StringIO()
    asked = {"caller": {"agent": CALLER.agent}, "call": {"upstream": "u", "name": "pay", "arguments": {"amount": 250}}}
    assert run_input(json.dumps(asked).encode(), _policy, NOW, as_json=True, out=out) == 0
    said = json.loads(out.getvalue())
    assert (said["version"], said["record"], said["decision"]["reason"]) == (1, None, "approval_required")
    assert said["policy"]["revision"] == _policy().revision
    assert run_input(b"[]", _policy, NOW, as_json=False, out=out) == 64


@pytest.mark.parametrize("key", [None, Path("/no/such/key")])
def test_no_folder_and_no_key(tmp_path: Path, key: Path | None) -> None:
    out = io.StringIO()
    asked = Question("0" * 32, tmp_path / "none", key, present=False)
    assert run_record(asked, _policy, as_json=False, out=out) == 64
    assert out.getvalue().startswith("agentgate policy explain: ")
