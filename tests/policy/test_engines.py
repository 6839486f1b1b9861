"""One table for every engine: what activation accepts, what asking answers, and where an engine must not answer."""

import asyncio
import itertools
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec import structs

from evidence.canonical import Spelled
from policy.bundle import load
from policy.decision import input_text, input_values, listing_values, read_decision
from policy.embedded import EmbeddedEngine, Inexact
from policy.engine import (
    UNDEFINED,
    CannotDecide,
    Engine,
    EngineFailed,
    EngineTimeout,
    EngineUnavailable,
    EntryPoint,
    Policy,
    PolicyMoved,
    PolicyRefused,
)
from policy.grants import Grant, index
from policy.opa import OpaEngine, revisions_of
from policy.opa_process import OpaProcess, find_opa
from policy.vocabulary import Call, Definition, Listed
from tests.policy.asking import CALLER, NOW, SESSION, SIDECAR, call, document, listing, read_only, tool_call

GRANTS = (
    Grant("u", "tools/call", "echo", agent="billing"),
    Grant("u", "tools/call", "read", arguments={"path": {"under": ["/srv/"]}}),
    Grant("u", "tools/call", "pay", arguments={"amount": {"max": 100, "min": 0}}),
    Grant("u", "tools/call", "pay", effect="require_approval", arguments={"amount": {"max": 1000, "min": 0}}),
    Grant("u", "tools/call", "query", arguments={"sql": {"sql": ["select"]}}, closed=True),
    Grant("u", "tools/call", "pick", arguments={"colour": {"one_of": ["red", 'a"b\\c\n', "é", 1]}}),
    Grant("u", "tools/call", "note", arguments={"path": {}, "colour": {"optional": True}}, closed=True),
    Grant("u", "tools/call", "fs_*"),
    Grant("u", "tools/call", "fs_delete", effect="deny"),
    Grant("u", "resources/read", "file:///srv/*"),
    Grant("u", "prompts/get", "hello"),
    Grant("*", "elicitation/create", "*", agent="billing"),
)
STARTER = load("starter", grants=index(GRANTS), trusted=["trusted"])

Running = tuple[Engine, Callable[[Policy], Awaitable[None]]]


@asynccontextmanager
async def _embedded() -> AsyncIterator[Running]:
    engine = EmbeddedEngine(budget_seconds=5.0)
    try:
        yield engine, engine.activate
    finally:
        await engine.close()


@asynccontextmanager
async def _opa(folder: Path) -> AsyncIterator[Running]:
    process = OpaProcess(find_opa(os.environ), folder / "opa")  # noqa: TID251  (where OPA is, is the machine's setting)
    engine = OpaEngine(process.address, budget_seconds=5.0, activation_seconds=5.0)

    async def activate(policy: Policy) -> None:
        if engine.active is None:
            await process.start(policy)
        else:
            await process.load(policy)
        await engine.activate(policy)

    try:
        yield engine, activate
    finally:
        await engine.close()
        await process.stop()


@pytest.fixture(params=["embedded", "opa"])
async def running(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    """Each engine in turn, and how it is given a policy."""
    async with _embedded() if request.param == "embedded" else _opa(tmp_path) as found:
        yield found


def _folder(tmp_path: Path, source: str, name: str = "policy") -> Policy:
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    (folder / "policy.rego").write_text("package agentgate\n\n" + source)
    return load(str(folder), grants=None)


ALLOW = 'decision := {"effect": "allow", "reason": "ok", "message": "", "rules": [], "obligations": {}}\n'
HIDE_NOTHING = 'listing := {"hide": []}\n'


async def test_before_an_activation_there_is_no_answer() -> None:
    async with _embedded() as (engine, _):
        assert engine.active is None
        assert engine.problem() is not None
        with pytest.raises(EngineUnavailable):
            await engine.ask(EntryPoint.DECISION, document(tool_call()))


async def test_an_answer_names_the_active_revision(running: Running) -> None:
    engine, activate = running
    await activate(STARTER)
    answer = await engine.ask(EntryPoint.DECISION, document(tool_call()))
    assert engine.active is STARTER
    assert engine.problem() is None
    assert answer.policy is STARTER
    assert answer.value["effect"] == "allow"


async def test_a_rule_without_a_value_is_undefined(running: Running, tmp_path: Path) -> None:
    engine, activate = running
    await activate(_folder(tmp_path, 'decision := {"effect": "allow", "reason": "ok"} if input.call.name == "x"\n'))
    assert (await engine.ask(EntryPoint.DECISION, document(tool_call("y")))).value is UNDEFINED
    assert (await engine.ask(EntryPoint.LISTING, listing("tools/list", Listed("y")))).value is UNDEFINED


async def test_a_refused_policy_leaves_the_active_one(running: Running, tmp_path: Path) -> None:
    engine, activate = running
    await activate(STARTER)
    with pytest.raises(PolicyRefused):
        await activate(_folder(tmp_path, "decision := nosuch(1)\n"))
    assert engine.active is STARTER
    assert (await engine.ask(EntryPoint.DECISION, document(tool_call()))).policy is STARTER


async def test_a_new_policy_answers_at_once(running: Running, tmp_path: Path) -> None:
    engine, activate = running
    await activate(STARTER)
    await activate(load("observe", grants=index(GRANTS)))
    answer = await engine.ask(EntryPoint.DECISION, document(tool_call("unheard")))
    decision = read_decision(answer, engine=engine.name, decision_id="d")
    assert (decision.effect, decision.reason) == ("allow", "observed")
    assert decision.shadow is not None
    assert decision.shadow["reason"] == "not_granted"
    assert (await engine.ask(EntryPoint.LISTING, listing("tools/list", Listed("x")))).value == {"hide": []}


REFUSED = [
    pytest.param("decision := {\n", "policy.rego:", id="syntax"),
    pytest.param(ALLOW + "x := nosuch(1)\n", "nosuch", id="unknown-function"),
    pytest.param(ALLOW + "x := no.such(1)\n", "no.such", id="unknown-function-of-a-module"),
    pytest.param(ALLOW + "x := nosuch\n", "policy.rego:4", id="unknown-name"),
    pytest.param("x := 1\n", "decision", id="no-decision"),
    pytest.param(ALLOW + "x := opa.runtime()\n", "opa.runtime", id="runtime"),
    pytest.param(ALLOW + 'x := opa["runtime"]()\n', "opa.runtime", id="runtime-in-brackets"),
    pytest.param(ALLOW + "x := time.now_ns()\n", "time.now_ns", id="clock"),
    pytest.param(ALLOW + 'x := rand.intn("x", 9)\n', "rand.intn", id="chance"),
    pytest.param(ALLOW + 'x := uuid.rfc4122("x")\n', "uuid.rfc4122", id="uuid"),
    pytest.param(ALLOW + 'x := http.send({"method": "GET", "url": "http://127.0.0.1"})\n', "http.send", id="http"),
    pytest.param(ALLOW + 'x := net.lookup_ip_addr("localhost")\n', "net.lookup_ip_addr", id="resolver"),
    pytest.param(ALLOW + 'x if trace("x")\n', "trace", id="trace"),
    pytest.param(ALLOW + "x := y if { y := data.z with data.z as time.now_ns() }\n", "time.now_ns", id="clock-as-data"),
    pytest.param(ALLOW + "x := count([1]) with count as opa.runtime\n", "", id="runtime-in-disguise"),
    pytest.param("d := 1\n", "no rule `decision`", id="no-entry-point"),
    pytest.param('decision := {"effect": "allow"}\n', "reason", id="malformed-decision"),
    pytest.param('decision := "allow"\n', "object", id="decision-a-text"),
    pytest.param(ALLOW + 'listing := ["x"]\n', "listing", id="malformed-listing"),
    pytest.param(ALLOW + ALLOW.replace("allow", "deny"), "", id="two-decisions-at-once"),
]


@pytest.mark.parametrize(("source", "named"), REFUSED)
async def test_what_never_becomes_active(running: Running, tmp_path: Path, source: str, named: str) -> None:
    engine, activate = running
    with pytest.raises(PolicyRefused) as refused:
        await activate(_folder(tmp_path, source))
    assert named in str(refused.value)
    assert engine.active is None


async def test_forbidden_names_in_comments_and_texts_are_only_texts(running: Running, tmp_path: Path) -> None:
    engine, activate = running
    await activate(_folder(tmp_path, "# opa.runtime()\n" + ALLOW + 'x := "time.now_ns()"\ny := `http.send({})`\n'))
    assert engine.active is not None


@pytest.mark.parametrize(
    ("source", "named"),
    [
        pytest.param(ALLOW + "x := io.jwt.decode(input.call.name)\n", "io.jwt.decode", id="tokens"),
        pytest.param(ALLOW + "x := json.patch(input.call, [])\n", "json.patch", id="patches"),
        pytest.param(ALLOW + "x := yaml.unmarshal(input.call.name)\n", "yaml.unmarshal", id="yaml"),
        pytest.param(ALLOW + "x if { print(1) }\n", "print", id="print"),
    ],
)
async def test_what_the_embedded_engine_leaves_to_opa(tmp_path: Path, source: str, named: str) -> None:
    async with _embedded() as (_, activate):
        with pytest.raises(PolicyRefused, match=named):
            await activate(_folder(tmp_path, source))


@pytest.mark.parametrize(
    ("rule", "arguments", "answers"),
    [
        pytest.param('contains(input.call.arguments.t, "n")', {"t": "a\nb"}, True, id="needle-inside-an-escape"),
        pytest.param('contains(input.call.arguments.t, "n")', {"t": 'a"b'}, True, id="needle-in-no-such-escape"),
        pytest.param('contains(input.call.arguments.t, ";")', {"t": "a\nb"}, True, id="needle-in-no-escape"),
        pytest.param('contains(input.call.arguments.t, "\\\\")', {"t": "a\\nb"}, True, id="backslash"),
        pytest.param("count(input.call.arguments.t) < 9", {"t": "a\nb"}, True, id="count-of-a-text"),
        pytest.param("count([1]) < 9", {"t": "a\nb"}, True, id="count-of-an-array"),
        pytest.param('lower(input.call.arguments.t) == "x"', {"t": "É"}, False, id="lower-beyond-ascii"),
        pytest.param('lower(input.call.arguments.t) == "x"', {"t": "E"}, True, id="lower"),
        pytest.param("input.call.arguments.t == 0.3", {"t": 0.30000000000000004}, True, id="a-fine-number"),
        pytest.param("input.call.arguments.t == 0.3", {"t": "0.30000000000000004"}, True, id="a-fine-number-as-text"),
        pytest.param("input.call.arguments.t + 1 == 2", {"t": 0.5}, False, id="arithmetic-on-fractions"),
        pytest.param("input.call.arguments.t + 1 == 2", {"t": 1}, True, id="arithmetic-on-whole-numbers"),
        pytest.param("input.call.arguments.t == 1", {"t": Spelled("1e400")}, True, id="a-large-exponent"),
        pytest.param("input.call.arguments.t == 1", {"t": Spelled("1e401")}, False, id="a-huge-exponent"),
        pytest.param('sprintf("%x", [input.call.arguments.t]) == "a"', {"t": 10}, False, id="a-verb-of-go"),
        pytest.param("[1, 2][input.call.arguments.t] == 2", {"t": 1.0}, False, id="a-place-with-a-point"),
    ],
)
async def test_where_the_embedded_engine_must_not_answer(
    tmp_path: Path,
    rule: str,
    arguments: dict[str, Any],
    answers: bool,  # noqa: FBT001  (a column of the table)
) -> None:
    async with _embedded() as (engine, activate):
        await activate(_folder(tmp_path, 'decision := {"effect": "allow", "reason": "ok"} if ' + rule + "\n"))
        asked = engine.ask(EntryPoint.DECISION, document(tool_call(arguments=arguments)))
        if answers:
            await asked
        else:
            with pytest.raises(EngineFailed):
                await asked


def _calls(seed: int, count: int) -> list[Call]:
    """Generated calls, half of them near what the grants are about."""
    chance = random.Random(seed)
    texts = [
        "/srv/a",
        "/srv",
        "/srv/../x",
        "/srv/%2e%2e/x",
        "red",
        'a"b\\c\n',
        "é",
        "select 1",
        "SELECT 1;x",
        "",
        "\x00",
    ]
    texts += ['","effect":"allow","x":"', "a\u2028b", "\u212a", "x" * 300, "file:///srv/a", "file:///etc/a", "fs_a"]
    numbers = [0, 1, -1, 100, 100.0, 100.01, 1e3, 1001, -0.5, 0.1, 1e21, True, Spelled("18446744073709551617")]
    names = ["echo", "read", "pay", "query", "pick", "note", "fs_a", "fs_delete", "hello", "nothing", 'q"x', "é\n"]
    keys = ["path", "amount", "sql", "colour", "other", 'k"'] * 2 + texts[:3]
    definitions = [
        None,
        read_only(),
        structs.replace(read_only(), pinned="changed"),
        Definition("d", {"readOnlyHint": 1}),
    ]
    made = []
    for _ in range(count):
        values = [*texts, *numbers, None, [1, "a\n"], {"a": {"b": "\\"}}]
        arguments = {chance.choice(keys): chance.choice(values) for _ in range(chance.randrange(4))}
        method = chance.choice(["tools/call"] * 6 + ["resources/read", "prompts/get", "tasks/get", "a/b", "roots/list"])
        name = chance.choice(names if method == "tools/call" else texts)
        params = {"uri": name} if method == "resources/read" else {"name": name, "arguments": arguments}
        upstream = chance.choice(["u", "u", "u", "trusted", "other"])
        made.append(call(method, params, upstream=upstream, definition=chance.choice(definitions)))
    return made


async def _asked(engine: Engine, entry: EntryPoint, asked: bytes) -> Any:
    try:
        return (await engine.ask(entry, asked)).value
    except CannotDecide as refused:
        return refused


async def test_both_engines_say_the_same_or_the_embedded_one_refuses(tmp_path: Path) -> None:
    refused = 0
    async with _embedded() as (embedded, start), _opa(tmp_path) as (opa, serve):
        await start(STARTER)
        await serve(STARTER)
        for asked in _calls(seed=1, count=500):
            mine = await _asked(embedded, EntryPoint.DECISION, document(asked))
            theirs = await _asked(opa, EntryPoint.DECISION, document(asked))
            refused += isinstance(mine, CannotDecide)
            assert isinstance(mine, CannotDecide) or mine == theirs, asked
    assert refused == 0, "the starter stays within what the embedded engine evaluates exactly"


async def test_what_a_policy_reads_is_enough_to_ask(running: Running) -> None:
    """The narrowed input has the answer of the whole one, on both engines."""
    engine, activate = running
    await activate(STARTER)
    assert not engine.reads.whole
    for asked in _calls(seed=2, count=150):
        values = input_values(asked, session=SESSION, sidecar=SIDECAR, now=NOW)
        narrowed = input_text(engine.reads.narrowed(values))
        assert await _asked(engine, EntryPoint.DECISION, narrowed) == await _asked(
            engine, EntryPoint.DECISION, input_text(values)
        )


QUOTING = """
decision := {"effect": "deny", "reason": "no", "message": text, "rules": [text], "obligations": {}} if {
    text := sprintf("%v said %s", [input.call.name, input.call.arguments.t])
}
"""
CUTTING = """
decision := {"effect": "deny", "reason": "no", "message": concat("", split(input.call.arguments.t, "")), "rules": []}
"""
DIFFERENCES = [
    pytest.param(QUOTING, {"t": '", "effect": "allow", "x": "'}, id="a-message-that-forges-an-effect"),
    pytest.param(QUOTING, {"t": "a\x00b"}, id="a-nul"),
    pytest.param(QUOTING, {"t": "\\"}, id="a-backslash"),
    pytest.param(QUOTING, {"t": Spelled("18446744073709551617")}, id="a-number-beyond-64-bits"),
    pytest.param(CUTTING, {"t": '", "effect": "allow", "x": "'}, id="a-message-cut-to-pieces"),
    pytest.param(CUTTING, {"t": "\\"}, id="a-backslash-cut-to-pieces"),
    pytest.param(CUTTING, {"t": "a\x00b"}, id="a-nul-cut-to-pieces"),
]


@pytest.mark.parametrize(("source", "arguments"), DIFFERENCES)
async def test_where_engines_differ_the_answer_is_a_refusal(
    tmp_path: Path, source: str, arguments: dict[str, Any]
) -> None:
    policy = _folder(tmp_path, source)
    asked = document(tool_call(arguments=arguments))
    async with _embedded() as (embedded, start), _opa(tmp_path) as (opa, serve):
        await start(policy)
        await serve(policy)
        mine = await _asked(embedded, EntryPoint.DECISION, asked)
        theirs = await _asked(opa, EntryPoint.DECISION, asked)
    assert isinstance(mine, CannotDecide) or mine == theirs
    assert theirs["effect"] == "deny"


async def test_what_may_be_called_is_listed() -> None:
    told_apart = set()
    async with _embedded() as (engine, activate):
        await activate(STARTER)
        for asked in _calls(seed=2, count=400):
            if asked.method != "tools/call" or asked.name is None:
                continue
            said = await _asked(engine, EntryPoint.DECISION, document(asked))
            hidden = await _asked(engine, EntryPoint.LISTING, _listing(asked))
            told_apart.add(said["reason"])
            if said["effect"] != "deny":
                assert hidden == {"hide": []}, asked
            elif said["reason"] != "argument_refused":
                assert hidden == {"hide": [asked.name]}, asked
    assert told_apart >= {"granted", "argument_refused", "not_granted", "definition_changed", "read_only_trusted"}


SCOPES = list(itertools.product(("*", "default"), ("*", "billing"), ("*", "u")))
SCOPED = [
    Grant(upstream, "tools/call", f"{kind}{number}{end}", tenant, agent, "deny" if kind == "deny" else "allow")
    for number, (tenant, agent, upstream) in enumerate(SCOPES)
    for kind, end in (("exact", ""), ("prefix", "_*"), ("deny", ""))
]


@pytest.mark.parametrize("stranger", [None, *({"tenant": "t"}, {"agent": "a"}, {"upstream": "v"})])
async def test_a_grant_holds_in_its_scope(running: Running, stranger: dict[str, str] | None) -> None:
    engine, activate = running
    await activate(load("starter", grants=index([*SCOPED, Grant("u", "tools/call", "deny*")])))
    at = {"tenant": "default", "agent": "billing", "upstream": "u"} | (stranger or {})
    caller = structs.replace(CALLER, tenant=at["tenant"], agent=at["agent"])
    for number, scope in enumerate(SCOPES):
        inside = all(named in ("*", now) for named, now in zip(scope, at.values(), strict=True))
        anything = at["upstream"] == "u"
        for name, expected in (
            (f"exact{number}", "granted" if inside else "not_granted"),
            (f"prefix{number}_x", "granted" if inside else "not_granted"),
            (f"deny{number}", "denied_by_operator" if inside else "granted" if anything else "not_granted"),
        ):
            asked = document(tool_call(name, caller=caller, upstream=at["upstream"]))
            assert (await engine.ask(EntryPoint.DECISION, asked)).value["reason"] == expected, (name, scope)


def _listing(asked: Call) -> bytes:
    """The question whether the tool of `asked` is shown."""
    known = asked.definition
    definition = {} if known is None else {"pinned": known.pinned, "annotations": known.annotations}
    listed = call("tools/list", upstream=asked.upstream)
    items = [Listed(asked.name or "", definition)]
    return input_text(listing_values(listed, items, session=SESSION, sidecar=SIDECAR, now=NOW))


@pytest.mark.parametrize(
    "function",
    [
        pytest.param("f(m) := [e | e := data.g[m][_]]", id="in-the-head"),
        pytest.param("f(m) := x if { x := [e | some k in [1]; e := data.g[m][k]] }", id="in-the-body"),
        pytest.param("f(m) := {1} if { m == 2 } else := {e | e := input.x[m]}", id="in-an-else"),
    ],
)
async def test_a_function_that_the_embedded_compiler_gets_wrong_is_refused(tmp_path: Path, function: str) -> None:
    async with _embedded() as (_, activate):
        with pytest.raises(PolicyRefused, match="inside a comprehension"):
            await activate(_folder(tmp_path, ALLOW + function + "\nx := f(1)\n"))


SLOW = """
decision := {"effect": "allow", "reason": "ok"} if { input.call.name != "slow" }
decision := {"effect": "deny", "reason": "no"} if {
    input.call.name == "slow"
    not found
}
found if { some a in numbers.range(1, %d); some b in numbers.range(1, 500); a + b == -1 }
"""


async def test_an_evaluation_out_of_time_is_given_up(tmp_path: Path) -> None:
    engine = EmbeddedEngine(budget_seconds=0.05)
    await engine.activate(_folder(tmp_path, SLOW % 5000))
    for _ in range(3):
        with pytest.raises(EngineTimeout):
            await engine.ask(EntryPoint.DECISION, document(tool_call("slow")))
    assert (await engine.ask(EntryPoint.DECISION, document(tool_call("quick")))).value["effect"] == "allow"
    assert engine.problem() is None
    await engine.close()


async def test_a_long_evaluation_leaves_the_loop_to_others(tmp_path: Path) -> None:
    """Two are decided at once, each in a thread, while somebody else is served again and again."""
    engine = EmbeddedEngine(budget_seconds=30.0)
    await engine.activate(_folder(tmp_path, SLOW % 300))
    asked = document(tool_call("slow"))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        beside = tasks.create_task(others())
        answers = await asyncio.gather(*(engine.ask(EntryPoint.DECISION, asked) for _ in range(2)))
        beside.cancel()
    assert [answer.value["effect"] for answer in answers] == ["deny", "deny"]
    assert turns > 20
    await engine.close()


@pytest.mark.parametrize(("items", "others_run"), [(2, False), (200, True)])
async def test_a_part_of_a_long_list_leaves_the_loop_to_others(items: int, *, others_run: bool) -> None:
    """The parts of a list are asked about one after the other: on the loop, calls would wait for all of them."""
    engine = EmbeddedEngine(budget_seconds=5.0)
    await engine.activate(STARTER)
    asked = listing(
        "tools/list", *(Listed(f"fs_{number}", {"pinned": "same", "annotations": {}}) for number in range(items))
    )
    ran = asyncio.Event()
    asyncio.get_running_loop().call_soon(ran.set)
    assert (await engine.ask(EntryPoint.LISTING, asked)).value == {"hide": []}
    assert ran.is_set() is others_run
    await engine.close()


async def test_a_closed_engine_answers_no_more(tmp_path: Path) -> None:
    engine = EmbeddedEngine()
    await engine.activate(_folder(tmp_path, ALLOW))
    await engine.close()
    await engine.close()
    with pytest.raises(EngineUnavailable):
        await engine.ask(EntryPoint.DECISION, document(tool_call()))


async def test_an_answer_of_another_revision_does_not_count(tmp_path: Path) -> None:
    async with _opa(tmp_path) as (opa, serve):
        await serve(STARTER)
        assert isinstance(opa, OpaEngine)
        other = OpaEngine(f"unix:{tmp_path / 'opa' / 'opa.sock'}", activation_seconds=0.3)
        with pytest.raises(PolicyRefused, match="did not load"):
            await other.activate(load("observe", grants=None))
        await other.close()


async def test_a_stopped_opa_is_unavailable(tmp_path: Path) -> None:
    async with _opa(tmp_path) as (engine, serve):
        await serve(STARTER)
    with pytest.raises(EngineUnavailable):
        await engine.ask(EntryPoint.DECISION, document(tool_call()))
    assert engine.problem() is not None
    await engine.close()


async def test_another_opa_on_the_same_socket_decides_nothing(tmp_path: Path) -> None:
    """It is of the same user, answers, and would allow everything; the right one decides again once it is back."""
    binary = find_opa(os.environ)  # noqa: TID251  (where OPA is, is the machine's setting)
    mine, other = OpaProcess(binary, tmp_path / "opa"), OpaProcess(binary, tmp_path / "opa")
    engine = OpaEngine(mine.address, budget_seconds=5.0, activation_seconds=5.0)
    try:
        await mine.start(STARTER)
        await engine.activate(STARTER)
        before = (await engine.ask(EntryPoint.DECISION, document(tool_call()))).value
        assert before["reason"] != "observed"
        await mine.stop()
        await other.start(load("observe", grants=None))
        with pytest.raises(EngineFailed, match="which is not the active one"):
            await engine.ask(EntryPoint.DECISION, document(tool_call()))
        assert engine.problem() is not None
        await other.stop()
        await mine.start(STARTER)
        assert (await engine.ask(EntryPoint.DECISION, document(tool_call()))).value == before
        assert engine.problem() is None
    finally:
        await engine.close()
        await mine.stop()
        await other.stop()


def test_every_failure_of_an_engine_is_a_refusal() -> None:
    assert all(issubclass(one, CannotDecide) for one in (EngineFailed, EngineTimeout, EngineUnavailable, Inexact))


@pytest.mark.parametrize(
    ("source", "there"),
    [
        pytest.param('result := {"effect": "allow", "reason": "ok"}\n', True, id="a-rule"),
        pytest.param("x if {\nresult := 1\nresult == 1\n}\n", False, id="a-local"),
    ],
)
async def test_a_rule_for_results_is_known_from_the_plan(tmp_path: Path, source: str, *, there: bool) -> None:
    async with _embedded() as (engine, activate):
        await activate(_folder(tmp_path, ALLOW + source))
        assert engine.active is not None
        assert engine.active.has_result is there
        asked = engine.ask(EntryPoint.RESULT, document(tool_call()))
        if there:
            assert (await asked).value["effect"] == "allow"
        else:
            assert (await asked).value is UNDEFINED


async def test_policies_that_change_under_load_fail_no_question(tmp_path: Path) -> None:
    """Twelve changes while eight ask without a pause: each answer is of one policy, whole, and none is missing."""
    policies = [_folder(tmp_path, _says(number), f"p{number}") for number in range(3)]
    async with _opa(tmp_path) as (engine, activate), asyncio.TaskGroup() as tasks:
        await activate(policies[0])
        done = asyncio.Event()
        asking = [tasks.create_task(_keep_asking(engine, done)) for _ in range(8)]
        for number in range(1, 13):
            await activate(policies[number % 3])
        done.set()
        seen = [answer for each in asking for answer in await each]
    assert {len(set(answer)) for answer in seen} == {1}, "an answer holds parts of two policies"
    assert {answer[0] for answer in seen} == {"p0", "p1", "p2"}


def _says(number: int) -> str:
    """A policy that names itself four times, in rules and data, each by a read of its own."""
    return f"""
decision := {{"effect": "allow", "reason": "p{number}", "message": input.session.mark{number}, "rules": [a, b, c]}}
a := "p{number}"
b := x if x := a
c := sprintf("%s", [b])
"""


async def _keep_asking(engine: Engine, done: asyncio.Event) -> list[tuple[str, ...]]:
    asked = orjson.dumps({"session": {f"mark{number}": f"p{number}" for number in range(3)}})
    seen: list[tuple[str, ...]] = []
    while not done.is_set():
        document = orjson.dumps(engine.reads.narrowed(orjson.loads(asked)))
        try:
            answer = await engine.ask(EntryPoint.DECISION, document)
        except PolicyMoved:
            answer = await engine.ask(EntryPoint.DECISION, asked)
        if isinstance(answer.value, dict):
            seen.append((answer.value["reason"], answer.value["message"], *answer.value["rules"], answer.policy.name))
    return seen


@pytest.mark.parametrize(
    ("signed", "grants", "trusted", "counts"),
    [
        pytest.param(True, [], [], True, id="signed"),
        pytest.param(False, [], [], False, id="unsigned"),
        pytest.param(True, [Grant("u", "tools/call", "x")], [], False, id="with-grants"),
        pytest.param(True, [], ["u"], False, id="with-trusted-upstreams"),
    ],
)
def test_an_opa_that_loads_the_bundle_itself_counts_where_it_knows_all(
    signed: bool,  # noqa: FBT001  (a column of the table)
    grants: list[Grant],
    trusted: list[str],
    counts: bool,  # noqa: FBT001  (as above)
) -> None:
    policy = replace(load("starter", grants=index(grants), trusted=trusted), signed=signed, revision="r7")
    assert ("r7" in revisions_of(policy)) is counts
    assert f"r7;{policy.data_revision}" in revisions_of(policy)
