"""Every code that the product can give has an entry, and an entry says where its code really shows.

The codes are read from the source: a literal where a refusal, an outcome or a notice is made.
"""

import ast
from collections.abc import Callable, Iterator
from io import StringIO

import pytest

import agentgate
from central.ledger.vocabulary import IncidentKind
from evidence.room import NotAcknowledged
from policy.reasons import GATE_REASONS, POLICY_REASONS
from proxy import refusals
from proxy.errors.book import ENTRIES, found, nearest, run_explain
from proxy.errors.entry import Entry, Family
from proxy.path.question import METHOD_NOT_FOUND, USER_REJECTED
from proxy.path.record import BATCH_REFUSED
from proxy.refusals import BadAnswer, Busy, NoSuchApproval, NoSuchSession, NoSuchTask, explain
from proxy.vocabulary import UpstreamDown
from proxy.wire import rules
from proxy.wire.rules import RULES, Malformed
from scripts.generate_errors import PAGE, page
from tests.structure.sources import product

NODES = [node for source in product() for node in ast.walk(source.tree)]
REFUSALS = {Family.DENIED, Family.UNDECIDED, Family.HELD, Family.UPSTREAM, Family.STRICT}


def _codes(*families: Family) -> set[str]:
    return {entry.code for entry in ENTRIES if entry.family in families}


def _literal(node: ast.AST | None) -> Iterator[str]:
    """The text of a node that is one, or a name's value in record.py."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Name(id="BATCH_REFUSED"):
            yield BATCH_REFUSED


def _given(*names: str, position: int = 0) -> set[str]:
    """The literals that are given at a position to whatever is called by one of the names."""
    texts: set[str] = set()
    for node in NODES:
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args) if name in names:
                texts.update(_literal(args[position] if len(args) > position else None))
    return texts


def _calls_of(name: str, under: str) -> list[ast.Call]:
    """Each call of a function by its name, in the files under a folder."""
    return [
        node
        for source in product()
        if source.path.startswith(under)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def _said_as(keyword: str) -> set[str]:
    """The literals that are given by keyword to whatever is called."""
    made = (each for node in NODES if isinstance(node, ast.Call) for each in node.keywords if each.arg == keyword)
    return {text for each in made for text in _literal(each.value)}


def _class_codes() -> set[str]:
    """The literals that a class body assigns to `code`."""
    bodies = (node.body for node in NODES if isinstance(node, ast.ClassDef))
    return {
        text
        for body in bodies
        for node in body
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == "code" for one in node.targets)
        for text in _literal(node.value)
    }


def _members(key: str, among: Callable[[ast.Dict], bool] = lambda _: True) -> set[str]:
    """The literals under a key of the dicts that the source spells."""
    return {
        text
        for node in NODES
        if isinstance(node, ast.Dict) and among(node)
        for name, value in zip(node.keys, node.values, strict=True)
        if isinstance(name, ast.Constant) and name.value == key
        for text in _literal(value)
    }


def _names(node: ast.Dict) -> set[object]:
    return {key.value for key in node.keys if isinstance(key, ast.Constant)}


def _defaults_of_code() -> set[str]:
    """The default of a parameter `code`."""
    functions = [node for node in NODES if isinstance(node, ast.FunctionDef)]
    return {
        text
        for function in functions
        for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
        if argument.arg == "code"
        for text in _literal(default)
    }


def test_every_refusal_has_an_entry_and_every_entry_a_refusal() -> None:
    given = _given("Refusal", "Busy", "BadAnswer") | _given("_refused_call", position=2)
    given |= _said_as("code") | _class_codes() | _defaults_of_code()
    given |= {str(rule) for rule in RULES} | POLICY_REASONS.keys() | GATE_REASONS.keys()
    assert given == _codes(*REFUSALS, Family.ALLOWED)


def test_every_outcome_has_its_reason_explained() -> None:
    given = _given("Ending", position=3) | _members("reason", lambda node: "outcome" in _names(node))
    given |= {NotAcknowledged.code}  # what an intent that nobody acknowledged ends with
    assert given | {"ok", "input_required", "task"} == _codes(Family.OUTCOME)


def test_every_notice_has_its_event_explained() -> None:
    given = _given("notice", "noted", "_context") | _given("interim", position=1) | _members("event")
    given |= _given("_enter", "answer_once", position=3)
    assert given | {"segment"} == _codes(Family.NOTICE)


def test_every_other_reason_of_evidence_is_explained() -> None:
    given = _given("_detach", position=1) | _given("push_async_callback", position=1)
    given |= _members("reason", lambda node: not {"outcome", "effect", "event"} & _names(node))
    assert given == _codes(Family.REASON)


def test_every_answer_of_central_is_explained() -> None:
    made = _calls_of("error_answer", "central/")
    codes = {text for call in made for text in _literal(call.args[1])}
    others = [ast.unparse(call.args[1]) for call in made if not isinstance(call.args[1], ast.Constant)]
    assert codes == _codes(Family.CENTRAL)
    assert others == ["error.incident.kind.value"]


def test_an_answer_of_central_has_the_status_that_it_says() -> None:
    said = {
        (text, str(call.args[0].value))
        for call in _calls_of("error_answer", "central/")
        if isinstance(call.args[0], ast.Constant)
        for text in _literal(call.args[1])
    }
    assert said == {
        (entry.code, str(entry.status)) for entry in ENTRIES if entry.family is Family.CENTRAL and entry.status
    }


def test_every_incident_of_central_is_explained() -> None:
    assert {kind.value for kind in IncidentKind} == _codes(Family.INCIDENT)
    put_aside = {
        IncidentKind[call.args[0].attr].value
        for call in _calls_of("Refused", "central/ledger/")
        if isinstance(call.args[0], ast.Attribute)
    }
    assert put_aside == {entry.code for entry in ENTRIES if entry.family is Family.INCIDENT and entry.status == 422}


def test_every_json_rpc_code_is_explained() -> None:
    named = [value for module in (refusals, rules) for value in vars(module).values() if isinstance(value, int)]
    sent = {str(number) for number in (*named, METHOD_NOT_FOUND, USER_REJECTED) if number < 0}
    assert sent == _codes(Family.RPC)
    assert {str(entry.rpc) for entry in ENTRIES if entry.rpc is not None} == _codes(Family.RPC)


def test_every_status_is_explained() -> None:
    of_refusals = {str(entry.status) for entry in ENTRIES if entry.family in REFUSALS and entry.status}
    given: set[str] = set()
    for node in NODES:
        match node:
            case ast.Call(func=ast.Name(id="Reply" | "_NotServed"), args=[ast.Constant(value=int(status)), *_]):
                given.add(str(status))
            case ast.keyword(arg="status", value=ast.Constant(value=int(status))):
                given.add(str(status))
    of_admin_and_legs = {"503"}
    assert (of_refusals | given | of_admin_and_legs) - {"200", "204"} == _codes(Family.HTTP)


def test_every_exit_code_and_failure_is_explained() -> None:
    exits = (agentgate.OK, 1, agentgate.USAGE, agentgate.UNAVAILABLE, agentgate.INTERNAL, agentgate.INTERRUPTED)
    assert {str(code) for code in exits} == _codes(Family.EXIT)
    kinds = {name.rpartition(".")[2]: code for name, code in agentgate.CODES.items()} | {"EADDRINUSE": 69}
    assert kinds == {entry.code: entry.exit for entry in ENTRIES if entry.family is Family.START}


MET: dict[Family, Callable[[str], Exception]] = {
    Family.HELD: lambda code: Busy(code, ""),
    Family.UPSTREAM: lambda code: UpstreamDown("files", "", written=False) if "down" in code else BadAnswer(code, ""),
}


@pytest.mark.parametrize(
    "entry", [pytest.param(entry, id=entry.code) for entry in ENTRIES if entry.family in MET and entry.status == 200]
)
def test_an_entry_shows_where_it_says(entry: Entry) -> None:
    alone = {"internal_error": RuntimeError(), "task_not_found": NoSuchTask(), "approval_unknown": NoSuchApproval()}
    error = alone.get(entry.code) or MET[entry.family](entry.code)
    said = explain(error)
    assert (said.code, said.rpc, said.status) == (entry.code, entry.rpc, entry.status)


def test_a_lost_session_shows_where_it_says() -> None:
    (entry,) = found("session_not_found")
    said = explain(NoSuchSession())
    assert (said.rpc, said.status) == (entry.rpc, entry.status)


@pytest.mark.parametrize("entry", [pytest.param(entry, id=f"{entry.family}: {entry.code}") for entry in ENTRIES])
def test_an_entry_is_whole_and_tells_the_agent_no_way_around(entry: Entry) -> None:
    for text in (entry.meaning, entry.agent, entry.operator):
        assert text.endswith((".", "!"))
        assert "|" not in text
    assert not any(word in entry.agent for word in ("agentgate ", "limits.", "hosts.", "--", "configur"))


def test_what_an_agent_is_told_names_no_command_and_no_setting() -> None:
    errors = [MET[entry.family](entry.code) for entry in ENTRIES if entry.family in MET and entry.status == 200]
    told = {explain(error).text for error in (*errors, *(Malformed(rule) for rule in RULES), RuntimeError())}
    for text in (*told, *POLICY_REASONS.values()):
        assert not any(word in text for word in ("agentgate ", "limits.", "hosts.", "--", "configuration"))


def test_a_code_stands_once_in_its_family() -> None:
    pairs = [(entry.family, entry.code) for entry in ENTRIES]
    assert len(pairs) == len(set(pairs))


def test_the_page_is_what_the_tables_say() -> None:
    assert PAGE.read_text("utf-8") == page()


EXPLAINED = [
    pytest.param("not_granted", 0, "agentgate policy allow UPSTREAM NAME", id="a-reason"),
    pytest.param("definition_changed", 0, "agentgate policy pin UPSTREAM --check", id="a-changed-tool"),
    pytest.param("Not_Granted", 0, "Nobody has granted this.", id="in-another-case"),
    pytest.param("-31503", 0, "JSON-RPC error code", id="json-rpc"),
    pytest.param("69", 0, "exit code", id="exit-code"),
    pytest.param("KeyProblem", 0, "chmod 600", id="a-failed-start"),
    pytest.param("contained", 0, "A kill stopped the call.", id="in-two-families"),
    pytest.param("not_grnted", 1, "Did you mean not_granted", id="misspelt"),
    pytest.param("\x1b[2J", 1, "no code '\\x1b[2J'", id="not-a-code"),
    pytest.param("not_joined", 0, "answer of central; HTTP 409", id="an-answer-of-central"),
    pytest.param("fork", 0, "incident of central; HTTP 422", id="an-incident"),
    pytest.param("SchemaProblem", 0, "agentgate central migrate", id="a-schema"),
    pytest.param(None, 0, "duplicate_key", id="all"),
]


@pytest.mark.parametrize(("code", "exits", "text"), EXPLAINED)
def test_explaining(code: str | None, exits: int, text: str) -> None:
    out = StringIO()
    assert run_explain(code, as_json=False, out=out) == exits
    assert text in " ".join(out.getvalue().split())


def test_what_is_nothing_like_a_code_has_no_neighbours() -> None:
    assert nearest("zzzzzzzzzzzz") == []
